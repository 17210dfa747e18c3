"""Finds and fills templates, and says clearly what is wrong with one."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

from jinja2 import (
    BaseLoader,
    DictLoader,
    StrictUndefined,
    TemplateNotFound,
    TemplateSyntaxError,
    UndefinedError,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from tasks.errors import LetterIncomplete
from tasks.files import NotAFile, read_regular
from tasks.letters.markup import html, plain, shielded

MONTHS = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
]

# „§ 46 Abs. 5“, „1. Dezember“ and the plate „MU-LW 91“ stay on one line.
_LEADS = (
    "§",
    r"\b(?:Abs\.|Art\.|Satz)",
    r"\bNr\.",
    r"\bBuchst\.",
    *(rf"\b\d{{{digits}}}\." for digits in (1, 2)),
    *(rf"\b[A-ZÄÖÜ]{{{town}}}-[A-Z]{{{sign}}}" for town in (1, 2, 3) for sign in (1, 2)),
)
# Starts with the blank, and looks at once whether its neighbour can end a lead: a letter is read
# three times, and a pattern that starts with the leads tries each of them at every character.
_KEPT_TOGETHER = re.compile(
    rf" (?<=[§.zA-Z] )(?:{'|'.join(rf'(?<={lead} )' for lead in _LEADS)})(?=\w)"
)


def clean(text: str) -> str:
    """One line of printable text: whatever cannot be printed, line ends too, becomes a blank."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(text.split())


def paragraphs(text: str) -> list[str]:
    return [line for part in re.split(r"\n\s*\n", text) if (line := clean(part))]


def kept_together(text: str) -> str:
    """With no-break spaces; all markup around the text may be there already."""
    return _KEPT_TOGETHER.sub("\u00a0", text)


def german_date(day: str | date) -> str:
    """`2026-12-01` as „1. Dezember 2026“."""
    day = date.fromisoformat(day) if isinstance(day, str) else day
    return f"{day.day}. {MONTHS[day.month - 1]} {day.year}"


def german_citation(law: str) -> str:
    """`StVO § 46 Abs. 5` as a letter cites it: „§ 46 Abs. 5 StVO“; several joined with `;`."""
    return ", ".join(
        re.sub(r"^([^\W\d]\w*) ((?:§|Art\.).*)$", r"\2 \1", part.strip()) for part in law.split(";")
    )


def _is_html(name: str | None) -> bool:
    return name is not None and name.endswith(".html.j2")


class TemplateFolders:
    """The municipality's own folder first, then ours: a file of the same name replaces ours.

    Read at once, whole, and through no link: what is not a file of these folders is not there.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        files: dict[str, bytes] = {}
        for folder in reversed(folders):
            files |= _files(folder)
        loader = DictLoader({name: _text(name, files[name]) for name in files if _is_words(name)})
        self.words = sandbox(loader, finalize=shielded)
        self.frames = sandbox(loader, autoescape=_is_html)
        # `html` has escaped the text.
        self.frames.filters |= {"plain": plain, "html": lambda line: Markup(html(line))}  # noqa: S704
        # What the page may show: the frame, and what lies beside it.
        self.page = {name: files[name] for name in files if not _is_words(name)}


def _files(folder: Path) -> dict[str, bytes]:
    files = {}
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                continue
            try:
                files[entry.name] = read_regular(folder / entry.name)
            except OSError as error:
                why = f"{entry.name}: {error if isinstance(error, NotAFile) else 'unreadable'}"
                raise LetterIncomplete("letter.template_invalid", detail=why) from None
    return files


def _is_words(name: str) -> bool:
    return name.endswith(".j2")


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise LetterIncomplete("letter.template_invalid", detail=f"{name}: not UTF-8") from None


class _Sandbox(ImmutableSandboxedEnvironment):
    """Asks once of each attribute of a type: a letter looks up hundreds, always the same."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._known: dict[tuple[type, str], bool] = {}

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        # Jinja looks at the name and at what kind of thing has it, never at the value.
        key = type(obj), attr
        if key not in self._known:
            self._known[key] = super().is_safe_attribute(obj, attr, value)
        return self._known[key]


def sandbox(loader: BaseLoader, **options: Any) -> ImmutableSandboxedEnvironment:
    """The one kind of environment that there is: no template reaches Python."""
    environment = _Sandbox(
        loader=loader,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **options,
    )
    environment.filters |= {"german_date": german_date, "german_citation": german_citation}
    return environment


@contextmanager
def template_errors(ref: str) -> Iterator[None]:
    """The one door for everything that Jinja or a template can raise."""
    try:
        yield
    except LetterIncomplete:
        raise
    except UndefinedError as error:
        name = re.fullmatch(r"'(\w+)' is undefined", error.message or "")
        detail = name[1] if name else error.message or ""
        raise LetterIncomplete("letter.missing_variable", ref, detail) from None
    except TemplateNotFound as error:
        raise LetterIncomplete("letter.missing_template", ref, str(error.name)) from None
    except TemplateSyntaxError as error:
        where = f"{error.name}:{error.lineno}: {error.message}"
        raise LetterIncomplete("letter.template_invalid", ref, where) from None
    except Exception as error:  # a filter or an expression of the template failed
        raise LetterIncomplete("letter.template_invalid", ref, repr(error)) from None
