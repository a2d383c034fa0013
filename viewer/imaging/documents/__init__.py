"""Files of a study that hold no picture of their own: structured reports, PDFs, presentation states, key objects.

:mod:`~viewer.imaging.documents.listing` is the door: what a file is in the study list, and what it says when opened.
"""
