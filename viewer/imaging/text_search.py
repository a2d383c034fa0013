"""Text as it is searched: in any script, whatever its case, width and accents."""

from __future__ import annotations

import unicodedata


def searchable(text: str) -> str:
    """Return text as it is compared: without case, width or accents, in any script."""
    folded = text.casefold()
    if folded.isascii():
        return folded
    decomposed = unicodedata.normalize("NFKD", folded)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
