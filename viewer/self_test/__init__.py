"""The self-test: what a radiologist will ask of the program, tried on films of our own, on the machine it is installed on.

``rows`` says what a check is and what comes of it; the other modules hold the checks, ``all_checks`` puts them in order.
The command line and the window run the same generator. Needs a QGuiApplication, no screen and no network.
"""
