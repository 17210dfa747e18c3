"""A page costs what its letter says differently: Typst finds again what it has laid out before."""

import re
import shutil
import time
from pathlib import Path

from tasks.letters.render import LetterContent, LetterRenderer
from tests.letters.letters import TEMPLATES, a_letter

FRAME = TEMPLATES / "_letter.typ"
LETTER = "\n#let letter(letter) = {\n"


def test_no_style_of_the_page_knows_the_letter() -> None:
    frame = FRAME.read_text(encoding="utf-8")
    outside = [line for line in frame.splitlines() if line.startswith("#")]
    assert all(line.startswith("#let ") for line in outside)
    assert "sys.inputs" not in frame
    _, found, letter = frame.partition(LETTER)
    assert found
    assert re.findall(r"^  (?:set|show)\b.*", letter, re.MULTILINE) == ["  show: sheet"]


def test_what_reads_like_the_letter_before_is_not_laid_out_again(tmp_path: Path) -> None:
    """Measured beside a frame that has the letter in its styles: under these, nothing is found."""
    shutil.copy(FRAME, tmp_path)
    spoiled = FRAME.read_text(encoding="utf-8").replace(
        LETTER, f"{LETTER}  set document(keywords: letter.reference)\n"
    )
    (tmp_path / FRAME.name).write_text(spoiled, encoding="utf-8")
    ours, theirs = LetterRenderer([TEMPLATES]), LetterRenderer([tmp_path, TEMPLATES])

    _seconds(ours, "A"), _seconds(theirs, "A")  # fonts, and what both of them find again

    # The quickest letter of each, in turns: whatever else runs on the machine slows both.
    pairs = [(_seconds(ours, sign), _seconds(theirs, sign)) for sign in "BCDEFG"]

    assert min(ours for ours, _ in pairs) < 0.85 * min(theirs for _, theirs in pairs)


def _seconds(renderer: LetterRenderer, sign: str) -> float:
    begun = time.process_time()
    renderer.render(_letter(sign))
    return time.process_time() - begun


def _letter(sign: str) -> LetterContent:
    return a_letter(
        {"zone_new": sign}, letter_id=sign, salutation_name=sign, addressee=(sign, sign)
    )
