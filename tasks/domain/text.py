"""Text as it comes in through a door: what looks the same is the same."""

import re
import unicodedata

# Soft hyphens, zero-width characters, marks of direction: nobody sees them.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff]")
_HYPHENS = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")


def plain(text: str) -> str:
    """Composed (NFC), each run of blanks of any width as one, and nothing that cannot be seen."""
    if text.isascii() and "  " not in text:
        return text.strip()
    return " ".join(_INVISIBLE.sub("", unicodedata.normalize("NFC", text)).split())


def tidy(text: str) -> str:
    """Of a number plate or a key: digits and letters of any width, dashes of any length, as typed
    on a keyboard; `ＴÜ—AB 12` is `TÜ-AB 12`. Names keep their own characters: use `plain`."""
    return _HYPHENS.sub("-", plain(unicodedata.normalize("NFKC", plain(text))))
