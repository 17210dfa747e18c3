"""From Markdown to blocks, which every form of a letter is made of.

The subset: `#` subject, `##` heading, `###` heading of the small print, paragraphs, **bold**,
lists, tables with a header row, and `>` for the box that sums up. No link, image, code or HTML:
those rules are off, so their characters are text.

Markdown would also read a star or a pipe in a name as structure. So every variable a template
prints is shielded: its ASCII punctuation and blanks move to the private use area, where Markdown
sees plain letters, and they move back once the structure is known.
"""

import string
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

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
    return _blocks(SyntaxTreeNode(_MARKDOWN.parse(markdown)).children)


def _blocks(nodes: Iterable[SyntaxTreeNode]) -> tuple[Block, ...]:
    return tuple(_block(node) for node in nodes)


def _block(node: SyntaxTreeNode) -> Block:
    match node.type:
        case "heading":
            return Block("heading", _line(node), level=int(node.tag[1]))
        case "paragraph":
            return Block("paragraph", _line(node))
        case "bullet_list" | "ordered_list":
            lines = tuple(_line(item) for item in node.children)
            return Block("list", lines=lines, ordered=node.type == "ordered_list")
        case "blockquote":
            return Block("box", blocks=_blocks(node.children))
        case "table":
            rows = [row for part in node.children for row in part.children]
            return Block("table", rows=tuple(tuple(map(_line, row.children)) for row in rows))
    raise ValueError(f"no form for {node.type}")


def _line(node: SyntaxTreeNode, strong: bool = False) -> Line:
    """The text below a node, however deep; neighbours of the same kind become one span."""
    spans: list[Span] = []
    for child in node.children:
        if child.type == "text":
            spans.append(Span(child.content.translate(_UNSHIELD), strong))
        elif child.type in ("softbreak", "hardbreak"):
            spans.append(Span(" ", strong))
        else:
            spans += _line(child, strong or child.type in ("strong", "em"))
    return tuple(span for span in spans if span.text)
