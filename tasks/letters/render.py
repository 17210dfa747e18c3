"""One template a service becomes three forms of one letter: text, HTML and a PDF page.

    <service>.md.j2 ──Jinja──► Markdown ──parsed once──► blocks ─┬─► _letter.txt.j2   e-mail text
    _letter.md.j2 (what every letter ends with)                  ├─► _letter.html.j2  e-mail HTML
                                                                 └─► _letter.typ      PDF page

What confirms a reply reads the same for every service: `_reply.md.j2` takes the service's place.
Each of these files can be replaced by one of the same name in a municipality's own folder.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2.environment import TemplateModule

from tasks.domain.check import ANSWER
from tasks.domain.decision import Ground, Result
from tasks.domain.service import Service
from tasks.errors import LetterIncomplete
from tasks.letters.content import LetterContent, Letterhead, RenderedLetter, Section
from tasks.letters.markup import Block, parse, plain
from tasks.letters.page import PageSetter, qr_code
from tasks.letters.page_html import HIDDEN, PagePart, page_html
from tasks.letters.sample import sample_content, samples
from tasks.letters.words import (
    TemplateFolders,
    clean,
    german_date,
    kept_together,
    paragraphs,
    template_errors,
)

__all__ = [
    "LetterContent",
    "LetterRenderer",
    "Letterhead",
    "RenderedLetter",
    "Section",
    "sample_content",
]


# Most letters of a town end alike. Nothing of a resident stands in there.
_ending = lru_cache(maxsize=64)(parse)


@dataclass(frozen=True)
class _Part:
    """A section ready for the frames."""

    title: str
    subject: str
    blocks: tuple[Block, ...]
    decides: bool
    automated: bool
    signers: tuple[str, ...]
    opted_out: bool  # it confirms that we no longer act of our own motion
    reply_url: str
    reply_code: str


class LetterRenderer:
    """`template_dirs`: the municipality's own folder first, then the shared one."""

    def __init__(self, template_dirs: Sequence[Path]) -> None:
        self._templates = TemplateFolders(template_dirs)
        # What a municipality brings is shown from memory alone; a single folder is our own.
        own = len(template_dirs) > 1
        self._page = PageSetter(self._templates.page, None if own else template_dirs[0])

    def warm_up(self) -> None:
        """Opens the fonts. Fills no template: what is in them may be a stranger's."""
        self._page.warm_up()

    def render(self, content: LetterContent) -> RenderedLetter:
        letter = self._compose(content)
        return replace(self._mail(letter), pdf=self._pdf(letter, content))

    def render_to_send(self, content: LetterContent) -> RenderedLetter:
        """Without the e-mail's HTML where the letter goes on paper: nobody would read it."""
        if not content.postal:
            return self.render(content)
        letter = self._compose(content)
        text, pdf = self._text(letter), self._pdf(letter, content)
        return RenderedLetter(letter["subject"], text, html="", pdf=pdf)

    def render_without_pdf(self, content: LetterContent) -> RenderedLetter:
        return self._mail(self._compose(content))

    def page_part(
        self, section: Section, content: LetterContent, hidden: frozenset[str]
    ) -> PagePart:
        """A section for the resident's page, where the values in `hidden` are not shown.

        Of `content` it takes what every template may use, but no addressee: whoever found a
        letter's link must not learn from it where somebody lives.
        """
        shown = {
            name: HIDDEN if name in hidden and value else value
            for name, value in section.data.items()
        }
        nobody = {"addressee": [], "note_lines": [], "name": ""}
        with template_errors(content.letter_id):
            part = self._part(replace(section, data=shown), _shared(content) | nobody)
            return PagePart(page_html(part.blocks), part.decides, part.subject)

    def check(self, service: Service) -> None:
        """Renders every kind of letter of a service with made-up data.

        Raises LetterIncomplete; where variables are missing, `detail` lists all of them.
        """
        for content in samples(service):
            missing: list[str] = []
            while error := self._problem(content):
                name = error.detail
                if error.code != "letter.missing_variable" or name in missing:
                    raise error
                missing.append(name)
                content = _with_data(content, name)
            if missing:
                raise LetterIncomplete("letter.missing_variable", service.name, ", ".join(missing))

    def _problem(self, content: LetterContent) -> LetterIncomplete | None:
        try:
            self.render(content)
        except LetterIncomplete as error:
            return error
        return None

    def _pdf(self, letter: Mapping[str, Any], content: LetterContent) -> bytes:
        codes = [qr_code(part.reply_url) for part in letter["parts"]]
        return self._page.set({**letter, "qr_codes": codes}, content.date, content.letter_id)

    def _mail(self, letter: Mapping[str, Any]) -> RenderedLetter:
        html = self._filled("_letter.html.j2", letter)
        return RenderedLetter(letter["subject"], self._text(letter), kept_together(html), pdf=b"")

    def _text(self, letter: Mapping[str, Any]) -> str:
        text = self._filled("_letter.txt.j2", letter)
        return kept_together(re.sub(r"\n{3,}", "\n\n", text))

    def _filled(self, frame: str, letter: Mapping[str, Any]) -> str:
        with template_errors(letter["reference"]):
            return self._templates.frames.get_template(frame).render(letter)

    def _compose(self, content: LetterContent) -> dict[str, Any]:
        """Everything the frames print, as clean text and blocks."""
        _check_fields(content)
        shared = _shared(content)
        with template_errors(content.letter_id):
            parts = [self._part(section, shared) for section in content.sections]
            ending = self._templates.words.get_template("_letter.md.j2").make_module(
                shared
                | {
                    "decides": any(part.decides for part in parts),
                    "automated": any(part.automated for part in parts),
                    "opted_out": all(part.opted_out for part in parts),
                    "subjects": [part.subject for part in parts],
                    "signatures": _signatures(parts, content),
                }
            )
            return shared | {
                "subject": _said(ending, "subject"),
                "salutation": _said(ending, "salutation"),
                "parts": parts,
                "ending": _ending(str(ending)),
            }

    def _part(self, section: Section, shared: Mapping[str, Any]) -> _Part:
        own: dict[str, Any] = {name: clean(value) for name, value in section.data.items()}
        own |= {"title": clean(section.title), "code": section.code}
        own["grounds"] = [ground for ground in section.grounds if ground.result is Result.MET]
        own["settled"] = [ground.name for ground in section.grounds if _by_clerk(ground)]
        own["automated"] = not own["settled"] and not section.signers
        name = f"{section.template or section.service}.md.j2"
        module = self._templates.words.get_template(name).make_module({**shared, **own})
        heading, *blocks = parse(str(module))
        if (heading.kind, heading.level) != ("heading", 1):
            raise ValueError(f"{name} does not begin with its subject")
        return _Part(
            title=own["title"],
            subject=plain(heading.line),
            blocks=tuple(blocks),
            decides=_said(module, "decides"),
            automated=own["automated"],
            signers=section.signers,
            opted_out=getattr(module, "opted_out", False),
            reply_url=clean(section.reply_url),
            reply_code=clean(section.reply_code),
        )


def _signatures(parts: Sequence[_Part], content: LetterContent) -> list[str]:
    """Who signs for the authority, each once (VwVfG § 37 Abs. 3 Satz 1).

    Nobody must where a machine made all of it, but for an electronic Bescheid: § 37 Abs. 5 is about
    written ones.
    """
    by_hand = [part.signers or ("",) for part in parts if not part.automated]
    if not by_hand and not content.postal and any(part.decides for part in parts):
        by_hand = [("",)]
    names = (clean(name) for signers in by_hand for name in signers)
    signed = (f"Im Auftrag, {name}" if name else clean(content.signed_by) for name in names)
    return list(dict.fromkeys(signed))


def _by_clerk(ground: Ground) -> bool:
    """Whether a person has decided this: then the letter must not speak of a machine."""
    asked = ground.result is not Result.MET or ANSWER in ground.facts
    return asked or ground.name == "clerk_decided"


def _said(module: TemplateModule, name: str) -> Any:
    """What a template sets for the frames at its top level: `{% set decides = … %}`."""
    try:
        return getattr(module, name)
    except AttributeError:
        raise LetterIncomplete("letter.missing_variable", detail=name) from None


def _shared(content: LetterContent) -> dict[str, Any]:
    """What every template of a letter may use."""
    head = {name: clean(value) for name, value in vars(content.letterhead).items()}
    return {
        "reference": clean(content.letter_id),
        "letterhead": head,
        "addressee": [line for text in content.addressee if (line := clean(text))],
        "note_lines": [line for text in content.note_lines if (line := clean(text))],
        "today": content.date.isoformat(),
        "date": german_date(content.date),
        "name": clean(content.salutation_name),
        "legal_remedy": paragraphs(content.legal_remedy),
        "privacy_notice": paragraphs(content.privacy_notice),
        "contact": clean(content.contact),
        "town": clean(content.town),
        "postal": content.postal,
    }


def _check_fields(content: LetterContent) -> None:
    """What no template can notice: an address that fits no window, a way out that leads nowhere."""
    if not any(map(clean, content.addressee)):
        raise LetterIncomplete("letter.missing_variable", content.letter_id, "addressee")
    if not all(re.match("https?://", part.reply_url) for part in content.sections):
        raise LetterIncomplete("letter.missing_variable", content.letter_id, "reply_url")
    if len(content.addressee) > 6 or len(content.note_lines) > 4:
        raise LetterIncomplete("letter.address_too_long", content.letter_id)


def _with_data(content: LetterContent, name: str) -> LetterContent:
    # An ISO date is a value that every filter takes.
    return replace(
        content,
        sections=tuple(
            replace(section, data={**section.data, name: "2026-01-01"})
            for section in content.sections
        ),
    )
