"""Reads a letter's PDF as a letter shop would: which text stands where, in millimetres."""

from dataclasses import dataclass

import pypdfium2

MM = 72 / 25.4
LINE_END_HYPHEN = "\ufffe"  # how pdfium reads a hyphen at the end of a line
ZERO_WIDTH = "\u200b"  # where a long word may break


@dataclass(frozen=True)
class Box:
    """Millimetres from the page's upper left corner."""

    char: str
    left: float
    top: float
    right: float
    bottom: float


def page_count(pdf: bytes) -> int:
    return len(pypdfium2.PdfDocument(pdf))


def page_sizes(pdf: bytes) -> list[tuple[float, float]]:
    return [
        (round(page.get_width() / MM, 1), round(page.get_height() / MM, 1))
        for page in pypdfium2.PdfDocument(pdf)
    ]


def text_of(pdf: bytes, page: int | None = None) -> str:
    """All text with single blanks, whatever the line ends."""
    document = pypdfium2.PdfDocument(pdf)
    numbers = range(len(document)) if page is None else [page]
    texts = [document[number].get_textpage().get_text_range() for number in numbers]
    return " ".join(" ".join(texts).replace(LINE_END_HYPHEN, "-").split())


def boxes(pdf: bytes, page: int = 0) -> list[Box]:
    """Every printed character; blanks have no ink."""
    sheet = pypdfium2.PdfDocument(pdf)[page]
    height = sheet.get_height()
    text = sheet.get_textpage()
    found = []
    for index in range(text.count_chars()):
        char = text.get_text_range(index, 1)
        if not char.strip():
            continue
        left, bottom, right, top = text.get_charbox(index)
        found.append(Box(char, left / MM, (height - top) / MM, right / MM, (height - bottom) / MM))
    return found


def within(chars: list[Box], left: float, top: float, right: float, bottom: float) -> list[Box]:
    """The characters that touch a field of the page."""
    return [
        box
        for box in chars
        if box.right > left and box.left < right and box.bottom > top and box.top < bottom
    ]


def written(chars: list[Box]) -> str:
    text = "".join(box.char for box in chars)
    return text.replace(ZERO_WIDTH, "").replace(LINE_END_HYPHEN, "-")


def ink_edges(pdf: bytes, page: int) -> tuple[float, float, float, float]:
    """How far the page is empty from each edge: left, top, right, bottom."""
    scale = 2.0
    picture = pypdfium2.PdfDocument(pdf)[page].render(scale=scale, grayscale=True).to_pil()
    drawn = picture.point(lambda grey: 255 if grey < 250 else 0).getbbox()
    left, top, right, bottom = (pixels / scale / MM for pixels in drawn)
    width, height = picture.width / scale / MM, picture.height / scale / MM
    return left, top, width - right, height - bottom
