"""From Markdown to blocks, which every form of a letter is made of.

The subset: `#` subject, `##` heading, `###` heading of the small print, paragraphs, **bold**,
lists, tables with a header row, and `>` for the box that sums up. No link, image, code or HTML:
those rules are off, so their characters are text.

Markdown would also read a star or a pipe in a name as structure. So every variable a template
prints is shielded: its ASCII punctuation and blanks move to the private use area, where Markdown
sees plain letters, and they move back once the structure is known.
"""

import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKDOWN = MarkdownIt("zero").enable(
    ["heading", "list", "blockquote", "table", "emphasis", "escape", "entity", "newline"]
)

_PRIVATE_USE = 0xE000
_SHIELD = {ord(char): _PRIVATE_USE + ord(char) for char in string.punctuation + " "}
_UNSHIELD = {private: char for char, private in _SHIELD.items()}


@dataclass(frozen=True)
class Span:
    text: str
    strong: bool = False


Line = tuple[Span, ...]


@dataclass(frozen=True)
class Block:
    """`kind` says which field counts: heading and paragraph have a `line`, list has `lines`,
    table has `rows` (the first is the header), box has `blocks`."""

    kind: str
    line: Line = ()
    level: int = 0
    lines: tuple[Line, ...] = ()
    ordered: bool = False
    rows: tuple[tuple[Line, ...], ...] = ()
    blocks: tuple["Block", ...] = ()


def plain(line: Line) -> str:
    return "".join(span.text for span in line)


def html(line: Line) -> str:
    return "".join(
        f"<strong>{escape(span.text)}</strong>" if span.strong else escape(span.text)
        for span in line
    )


def shielded(value: object) -> str:
    return str(value).translate(_SHIELD)


def parse(markdown: str) -> tuple[Block, ...]:
    tokens = iter(_MARKDOWN.parse(markdown))
    return tuple(_block(token, tokens) for token in tokens)


def _block(opened: Token, tokens: Iterator[Token]) -> Block:
    inside = _inside(opened, tokens)
    match opened.type:
        case "heading_open":
            return Block("heading", _line(opened, tokens), level=int(opened.tag[1]))
        case "paragraph_open":
            return Block("paragraph", _line(opened, tokens))
        case "bullet_list_open" | "ordered_list_open":
            lines = tuple(_line(item, tokens) for item in inside)
            return Block("list", lines=lines, ordered=opened.tag == "ol")
        case "blockquote_open":
            return Block("box", blocks=tuple(_block(token, tokens) for token in inside))
        case "table_open":
            rows = (row for part in inside for row in _inside(part, tokens))
            return Block("table", rows=tuple(_cells(row, tokens) for row in rows))
    raise ValueError(f"no form for {opened.type}")


def _cells(row: Token, tokens: Iterator[Token]) -> tuple[Line, ...]:
    return tuple(_line(cell, tokens) for cell in _inside(row, tokens))


def _line(opened: Token, tokens: Iterator[Token]) -> Line:
    """The text inside, however deep; neighbours of the same kind become one span."""
    lines = (token.children or () for token in _inside(opened, tokens) if token.type == "inline")
    return tuple(span for line in lines for span in _spans(line) if span.text)


def _inside(opened: Token, tokens: Iterator[Token]) -> Iterator[Token]:
    """What is left of `tokens` up to the one that closes; whoever opens one of them reads on."""
    for token in tokens:
        if token.nesting < 0 and token.level == opened.level:
            return
        yield token


def _spans(line: Iterable[Token]) -> Iterator[Span]:
    strong = 0
    for token in line:
        if token.type == "text":
            yield Span(token.content.translate(_UNSHIELD), strong > 0)
        elif token.nesting:  # strong or emphasis
            strong += token.nesting
        else:
            yield Span(" ", strong > 0)
