"""Fills the templates of the residents' and the clerks' page: `templates/pages/`."""

from datetime import date, datetime
from pathlib import Path

from jinja2 import FileSystemLoader
from markupsafe import Markup

from tasks.letters.words import german_date, paragraphs, sandbox


class Pages:
    """Of the installation alone: no municipality can change what clerks and residents click on.

    `folder`: a template is named as it lies in `pages/` below it.
    """

    def __init__(self, folder: Path) -> None:
        loader = FileSystemLoader(folder.resolve() / "pages")
        self._templates = sandbox(loader, autoescape=_not_text)
        self._templates.filters |= {
            "german_time": german_time,
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
