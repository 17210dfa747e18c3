"""A letter's blocks as plain HTML for the resident's page: meaning without any style."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tasks.letters.markup import Block, Line, html
from tasks.letters.words import kept_together

HIDDEN = "die in Ihrem Schreiben genannte"  # Anschrift
_FIRST_LEVEL = 3  # the page's own headings are h1 and h2


class PagePart(NamedTuple):
    html: str
    decides: bool
    subject: str


def page_html(blocks: Sequence[Block]) -> str:
    """The letter's shallowest heading becomes h3: a level left out loses readers who listen."""
    shift = _FIRST_LEVEL - min(_levels(blocks), default=_FIRST_LEVEL)
    return kept_together("\n".join(_html(block, shift) for block in blocks))


def _levels(blocks: Sequence[Block]) -> Iterator[int]:
    for block in blocks:
        if block.kind == "heading":
            yield block.level
        yield from _levels(block.blocks)


def _html(block: Block, shift: int) -> str:
    match block.kind:
        case "heading":
            tag = f"h{min(block.level + shift, 6)}"
            return f"<{tag}>{html(block.line)}</{tag}>"
        case "paragraph":
            return f"<p>{html(block.line)}</p>"
        case "list":
            tag = "ol" if block.ordered else "ul"
            lines = "".join(f"<li>{html(line)}</li>" for line in block.lines)
            return f"<{tag}>{lines}</{tag}>"
        case "table":
            return _table(block.rows)
        case "box":
            inside = "\n".join(_html(part, shift) for part in block.blocks)
            return f'<div class="box">\n{inside}\n</div>'
    raise ValueError(f"no HTML for {block.kind}")


def _table(rows: Sequence[Sequence[Line]]) -> str:
    header, *body = rows
    columns = "".join(f'<th scope="col">{html(cell)}</th>' for cell in header)
    lines = "".join(f"<tr>{_row(row)}</tr>" for row in body)
    return f"<table><thead><tr>{columns}</tr></thead><tbody>{lines}</tbody></table>"


def _row(row: Sequence[Line]) -> str:
    first, *others = row
    cells = "".join(f"<td>{html(cell)}</td>" for cell in others)
    return f'<th scope="row">{html(first)}</th>{cells}'
