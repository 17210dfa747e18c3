"""What a letter says, as data: filled by the steps, turned into three forms by `render.py`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from tasks.domain.decision import Ground


@dataclass(frozen=True)
class Letterhead:
    """The authority as it presents itself. `return_line` is the small line above the addressee."""

    authority: str
    department: str
    street: str
    postcode_town: str
    phone: str
    email: str
    website: str
    return_line: str
    place: str


@dataclass(frozen=True)
class Section:
    """One case's part of a letter: `templates/<service>.md.j2` filled with `data`.

    Every ground that was met must have a sentence in the template. Dates in `data` are ISO text.
    `reply_code` is what a resident without internet says or writes instead of the address.
    `template` names another one than the service's, so far `_reply`: what answers a reply is the
    same for every service.
    `signers`: the clerk who has decided it, by the name that letters print, "" where the account
    has none; nobody where all of it was by machine.
    """

    service: str
    title: str
    data: Mapping[str, str]
    grounds: tuple[Ground, ...]
    code: str
    reply_url: str
    reply_code: str
    template: str = ""
    signers: tuple[str, ...] = ()


@dataclass(frozen=True)
class LetterContent:
    """One letter to one person.

    `letter_id` is opaque and printed as „Unser Zeichen“. `addressee` has at most six lines and
    `note_lines` at most four (the return line is the fifth of its zone, DIN 5008 Form B).
    `legal_remedy` and `privacy_notice` are the authority's own checked texts, paragraphs separated
    by an empty line. `signed_by` stands where no clerk's name is known. `town`: whose register
    tells and whose zones they are; the authority of the letterhead may be another. `postal`: on
    paper; else it is an electronic document (VwVfG § 37 Abs. 2 Satz 1), the attached PDF as well.
    """

    letter_id: str
    letterhead: Letterhead
    addressee: tuple[str, ...]
    note_lines: tuple[str, ...]
    date: date
    salutation_name: str
    sections: tuple[Section, ...]
    legal_remedy: str
    privacy_notice: str
    contact: str
    signed_by: str
    town: str
    postal: bool


@dataclass(frozen=True)
class RenderedLetter:
    subject: str
    text: str
    html: str
    pdf: bytes
