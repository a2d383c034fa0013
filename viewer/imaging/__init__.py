"""Pictures: reading, grey values, geometry and overlays. NumPy, pydicom, codecs and Pillow; no Qt, no torch."""
