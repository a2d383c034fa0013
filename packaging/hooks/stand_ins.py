"""Run by the frozen program before its own first line: what stands in for a package that is not in it.

grad-cam imports OpenCV (150 MB) for functions that Hilum never calls, and calls one of it: its maps are enlarged to the
size of the film, and Hilum discards these and takes the map before it (inference/explain.py). That one is here, by
Pillow; anything else of OpenCV raises AttributeError and says so.
"""

import os
import sys
import types
from pathlib import Path


def enlarge(image, size):
    """Return float32 (rows, columns) stretched bilinearly to size (columns, rows), as cv2.resize does."""
    import numpy as np
    from PIL import Image

    return np.asarray(Image.fromarray(np.asarray(image, np.float32)).resize(size, Image.Resampling.BILINEAR))


class OpenCv(types.ModuleType):
    """What grad-cam touches of OpenCV when it is imported, and when a map is made."""

    COLORMAP_JET = 2
    resize = staticmethod(enlarge)

    def __getattr__(self, name):
        raise AttributeError(f"OpenCV is not part of this program, so cv2.{name} is missing.")


class OwnFolderOfMatplotlib:
    """Gives matplotlib a folder of the user's for its list of fonts, when it is about to be imported and not before."""

    def find_spec(self, name, path=None, target=None):
        if name == "matplotlib":
            sys.meta_path.remove(self)
            from viewer.paths import user_data

            os.environ.setdefault("MPLCONFIGDIR", str(user_data() / "matplotlib"))
        return None


def certificates_of_the_system():
    """Name the system's certificates where they do not lie where those of the building machine did (Fedora, SUSE, Arch)."""
    known = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem")
    if sys.platform.startswith("linux") and not Path("/usr/lib/ssl/certs").exists():
        for file in (name for name in known if Path(name).is_file()):
            os.environ.setdefault("SSL_CERT_FILE", file)


sys.modules["cv2"] = OpenCv("cv2")
sys.meta_path.insert(0, OwnFolderOfMatplotlib())
certificates_of_the_system()
