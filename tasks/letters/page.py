"""Sets the letter's page: Typst in process, PDF/A-2a and PDF/UA-1, all content passed as data."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, cast

import fontpkg_noto_sans
import segno
import typst

from tasks.errors import LetterIncomplete
from tasks.letters.words import kept_together

FONTS = Path(fontpkg_noto_sans.ROOT) / "files"
# What Typst has laid out is found again only while its inputs and the frame stay the same. So the
# letter comes as a file, which exists in memory alone; `sys.inputs` would be part of every key.
FRAME = "_letter.typ"
MAIN = f'#import "/{FRAME}": letter\n#letter(json("/letter.json"))\n'
_EVERY_FONT = b'#set text(font: "Noto Sans")\na *b* _c_ *_d_*'


_DARK = re.compile(rb"\x01+")


class PageSetter:
    """A compiler serves many letters: what reads like the letter before is not laid out again.

    May be called from several threads; Typst works without Python's lock, and what it has laid out
    serves all of them. It forgets what ten letters did not need.
    """

    def __init__(self, files: Mapping[str, bytes], root: Path | None = None) -> None:
        """`files`: the frame, and what it may show. Raises LetterIncomplete where it is missing.

        `root`: our own folder, in which they lie. Typst parses a file from memory anew for each
        letter, which is an eighth of the page's time, and one of its root once.
        """
        if FRAME not in files:
            raise LetterIncomplete("letter.missing_template", detail=FRAME)
        self._root = root or FONTS  # where there is nothing to read: all files come from memory
        self._files = {**({} if root else files), "main.typ": MAIN.encode()}
        self._fonts = typst.Fonts(False, False, [str(FONTS)])
        self._idle: SimpleQueue[typst.Compiler] = SimpleQueue()

    @contextmanager
    def _compiler(self) -> Iterator[typst.Compiler]:
        """One that nobody else has in hand: a compiler cannot be entered twice."""
        try:
            compiler = self._idle.get_nowait()
        except Empty:
            compiler = typst.Compiler(root=str(self._root), font_paths=self._fonts)
        try:
            yield compiler
        finally:
            self._idle.put(compiler)

    def warm_up(self) -> None:
        """Reads the fonts, which Typst does when it needs one for the first time."""
        with self._compiler() as compiler:
            compiler.compile({"main.typ": _EVERY_FONT}, format="pdf")  # type: ignore[type-var]

    def set(self, letter: Mapping[str, Any], day: date, ref: str) -> bytes:
        """The page of `letter`, whose objects are plain dataclasses. Same letter, same bytes."""
        # Without blanks between the values, every blank that is left stands inside a text.
        data = json.dumps(letter, default=vars, ensure_ascii=False, separators=(",", ":"))
        data = kept_together(data)
        try:
            with self._compiler() as compiler:
                page = compiler.compile(  # type: ignore[type-var]  # a dict, by its words
                    {**self._files, "letter.json": data.encode()},
                    format="pdf",
                    # These go together; PDF/A-4 asks for PDF 2.0, which PDF/UA-1 forbids.
                    pdf_standards=["a-2a", "ua-1"],
                    timestamp=datetime.combine(day, time(), UTC),
                )
        except typst.TypstError as error:
            # PDF/A refuses a character that the font cannot draw: better than an empty box.
            missing = "could not be displayed" in error.message
            code = "letter.missing_glyph" if missing else "letter.page_failed"
            raise LetterIncomplete(code, ref, error.diagnostic) from None
        return cast(bytes, page)


def qr_code(address: str) -> str:
    """A QR code as SVG; the quiet zone around it is the frame's matter."""
    # Readers take any of the eight masks; looking for the prettiest takes three times as long.
    rows = segno.make_qr(address, error="m", mask=4).matrix
    size = len(rows)
    # A line along the middle of each run of dark modules, which are the bytes 1.
    lines = "".join(
        f"M{run.start()} {number}.5h{run.end() - run.start()}"
        for number, row in enumerate(rows)
        for run in _DARK.finditer(row)
    )
    drawn = f'<path stroke="#000" d="{lines}"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}">{drawn}</svg>'
