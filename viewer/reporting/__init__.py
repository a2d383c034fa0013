"""The report: a record of what was seen and said, its drafts on disk, and its PDF.

``report`` and ``drafts`` know no Qt; ``fonts``, ``typesetting`` and ``pdf`` do.
"""
