"""`antragslos` as a person at a shell meets it, without a process of its own."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.cli import main
from tasks.settings import settings


@dataclass(frozen=True)
class Said:
    """What a command has said, and how it ended."""

    returncode: int
    stdout: str
    stderr: str


def shell(home: Path, *words: str, typed: str = "") -> Said:
    """`antragslos WORDS` in the folder above `home`, with `typed` on its standard input."""
    out, err = io.StringIO(), io.StringIO()
    with (
        _place(home),
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(sys, "argv", ["antragslos", *words])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed.encode()), "utf-8"))
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(bool(end.code))
    return Said(code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _place(home: Path) -> Iterator[None]:
    """Only this home: none of the caller's settings, no `.env` but that of the folder."""
    umask = os.umask(0o022)  # a command sets its own
    try:
        with pytest.MonkeyPatch.context() as patch, contextlib.chdir(home.parent):
            for name in os.environ:
                if name.startswith("ANTRAGSLOS_"):
                    patch.delenv(name)
            patch.setenv("ANTRAGSLOS_HOME", str(home))
            settings.cache_clear()
            yield
    finally:
        os.umask(umask)
        settings.cache_clear()
