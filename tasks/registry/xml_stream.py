"""Reads an XML file as a stream: UTF-8 only, no DTD, no entities, no network, bounded sizes.

The one door to lxml for input: every foreign exception leaves as an error of ours, whose text never
holds file contents.
"""

import re
from collections.abc import Generator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Literal, cast

from lxml import etree

from tasks.errors import CutShort, DeliveryRejected, RegistryUnavailable
from tasks.registry.inbox import open_file

MAX_FILE_BYTES = 2 * 1024**3
# Records have 3 to 50 KB; whatever comes between two of them is held in memory as a tree.
MAX_RECORD_BYTES = 1024**2
_CHUNK = 64 * 1024

_DECLARATION = re.compile(rb"(?:\xef\xbb\xbf)?(?:<\?xml\s[^>]*\?>)?")
_ENCODING = re.compile(rb"""encoding\s*=\s*["']([^"']*)["']""")
_MISCELLANY = re.compile(rb"(?:\s++|<!--.*?-->|<\?.*?\?>)*+", re.DOTALL)

Event = tuple[str, etree._Element]


def local(element: etree._Element) -> str:
    """The name without its namespace: versions of XMeld differ in that only."""
    return local_name(element.tag)


@lru_cache(maxsize=1024)  # a delivery has some hundred names and millions of elements
def local_name(tag: str) -> str:
    return tag.rpartition("}")[2]


def stream(
    path: Path,
    events: tuple[Literal["start", "end"], ...],
    boundary: str,
    only_boundary: bool = False,
    max_bytes: int = MAX_FILE_BYTES,
) -> Generator[Event, None, None]:
    """Parse events in order; `only_boundary` leaves out all but the elements of that local name.

    A truncated file gives every element that is complete, and then raises: nothing of it may count
    before the end is reached. `boundary` is the element after which memory is free again.
    """
    parser = _parser(events, f"{{*}}{boundary}" if only_boundary else None)
    pending, chunk = 0, b""
    try:
        with open_file(path) as file:
            chunk = _checked_start(file, max_bytes)
            while chunk:
                parser.feed(chunk)
                pending += len(chunk)
                for event, element in cast("Generator[Event, None, None]", parser.read_events()):
                    if local(element) == boundary and _is_record(element):
                        pending = 0
                    yield event, element
                if pending > MAX_RECORD_BYTES:
                    raise DeliveryRejected("registry.record_too_large")
                chunk = file.read(_CHUNK)
            parser.close()
    except etree.XMLSyntaxError as error:
        # At the end of what there is, or where a sender has made room for what follows.
        kind = DeliveryRejected if chunk and b"\0" not in chunk else CutShort
        where = f"line {error.lineno}"
        raise kind("registry.not_well_formed", detail=where) from None
    except OSError as error:
        raise RegistryUnavailable("registry.unreadable_file", detail=str(error.errno)) from None


def _is_record(element: etree._Element) -> bool:
    """A child of the root: one of the same name further in frees no memory."""
    parent = element.getparent()
    return parent is not None and parent.getparent() is None


def _parser(events: tuple[Literal["start", "end"], ...], tag: str | None) -> "etree.XMLPullParser":
    return etree.XMLPullParser(
        events,
        tag=tag,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )


def _checked_start(file: BinaryIO, max_bytes: int) -> bytes:
    """The first chunk, once it is sure that no DOCTYPE follows and the encoding is UTF-8."""
    if file.seek(0, 2) > max_bytes:
        raise DeliveryRejected("registry.too_large")
    file.seek(0)
    start = file.read(_CHUNK)
    if not start.strip(b"\0 \t\r\n"):
        raise CutShort("registry.empty")
    if b"\0" in start[:4] or start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DeliveryRejected("registry.encoding", detail="UTF-16 or UTF-32")
    declaration = _DECLARATION.match(start)
    declared = _ENCODING.search(declaration[0]) if declaration else None
    if declared and declared[1].lower() != b"utf-8":
        raise DeliveryRejected("registry.encoding", detail=declared[1][:40].decode("latin-1"))

    # A DOCTYPE can only stand before the root element. It is refused without giving it to the
    # parser, which would drop the reference to an entity and leave the name of a person empty.
    miscellany = _MISCELLANY.match(start, declaration.end() if declaration else 0)
    root = start[miscellany.end() if miscellany else 0 :]
    if root.startswith(b"<!DOCTYPE"):
        raise DeliveryRejected("registry.doctype")
    if root[:1] not in (b"<", b""):
        raise DeliveryRejected("registry.not_well_formed", detail="no root element")
    if root[1:2] in (b"", b"!", b"?"):
        raise CutShort("registry.not_well_formed", detail="no root element yet")
    return start
