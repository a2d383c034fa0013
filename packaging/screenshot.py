"""Draw README's picture: the window on the synthetic film, heat map on, no example film installed.

``QT_QPA_PLATFORM=offscreen python packaging/screenshot.py resources/screenshot.png``
"""

import os
import sys
import tempfile
from pathlib import Path

from PySide6.QtCore import QTimer

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from viewer import app
from viewer.window_request import WindowRequest


def main(out: str) -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ["HILUM_HOME"] = home
        application = app.make_application([])
        program = app.Program()
        program.start(WindowRequest(sample=True))
        program.window.resize(1440, 900)

        def shoot() -> None:
            program.window.grab().save(out)
            program.window.close()
            application.quit()

        def shown(reading: object) -> None:
            if program.session.reading.complete:
                program.window.action("pin-heat-map").setChecked(True)
                QTimer.singleShot(500, shoot)

        program.readings.reading_changed.connect(shown)
        application.exec()


main(sys.argv[1])
