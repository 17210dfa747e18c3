"""Fills the templates of the residents' and the clerks' page: `templates/pages/`."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tasks.letters.words import german_citation, german_date, paragraphs


class Pages:
    """`folders`: the municipality's own folder first, then ours. A template is named as it lies in
    `pages/` below them."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._templates = Environment(
            loader=FileSystemLoader([folder.resolve() / "pages" for folder in folders]),
            undefined=StrictUndefined,
            autoescape=_not_text,  # noqa: S701  (all but plain text is escaped)
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "german_date": german_date,
            "german_time": german_time,
            "german_citation": german_citation,
            "paragraphs": paragraphs,
            "letter_html": Markup,  # of a Part: rendered and escaped by us
        }

    def __call__(self, template: str, /, **values: object) -> str:
        return self._templates.get_template(template).render(values)


def german_time(at: str) -> str:
    """`2026-11-24T14:05:09+01:00` as „24. November 2026, 14:05 Uhr“."""
    time = datetime.fromisoformat(at)
    return f"{german_date(date(time.year, time.month, time.day))}, {time:%H:%M} Uhr"


def _not_text(name: str | None) -> bool:
    return name is None or not name.endswith(".txt.j2")
