"""Kölner Phonetik of a normalised name, in whole length (BMeldDAV Anlage Nr. 1).

Used to find records worth looking at; two names that sound alike are never the same name.
"""

import re
from functools import lru_cache

_CODES = {
    **dict.fromkeys("AEIJOUY", "0"), "B": "1", **dict.fromkeys("FVW", "3"),
    **dict.fromkeys("GKQ", "4"), "L": "5", **dict.fromkeys("MN", "6"), "R": "7",
    **dict.fromkeys("SZ", "8"), "H": "",
}  # fmt: skip
_REPEATED = re.compile(r"(.)\1+")


@lru_cache(maxsize=65_536)
def phonetic(normalised: str) -> str:
    """`MUELLER` → `657`. Expects A–Z only; may be empty (`H`)."""
    letters = f" {normalised} "
    codes = "".join(map(_code, letters, letters[1:], letters[2:]))
    once = _REPEATED.sub(r"\1", codes)
    return once[:1] + once[1:].replace("0", "")


def _code(before: str, letter: str, after: str) -> str:
    match letter:
        case "P":
            return "3" if after == "H" else "1"
        case "D" | "T":
            return "8" if after in "CSZ" else "2"
        case "X":
            return "8" if before in "CKQ" else "48"
        case "C" if before == " ":
            return "4" if after in "AHKLOQRUX" else "8"
        case "C":
            return "4" if after in "AHKOQUX" and before not in "SZ" else "8"
        case _:
            return _CODES.get(letter, "")
