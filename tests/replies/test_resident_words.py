"""What the pages say: for every refusal, in both languages, and nothing that makes people guess."""

import re
from pathlib import Path

import pytest

from tasks.letters.pages import Pages, german_time
from tasks.replies import wording
from tests.replies.visitor import TEMPLATES

TASKS = TEMPLATES.parent / "tasks"


def codes() -> set[str]:
    """Every code with which a desk or a page refuses, as the source names them."""
    found: set[str] = set()
    for path in [*TASKS.glob("*.py"), *(TASKS / "replies").glob("*.py")]:
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r'ReplyRefused\(\s*"((?:reply|clerk|question)\.\w+)"', text))
    # Of signed notes and of setting up: no page meets them.
    return found - {"reply.bad_signature", "reply.wrong_purpose", "reply.weak_key"}


def test_every_refusal_has_words() -> None:
    assert len(codes()) > 5
    for code in codes():
        assert wording.words(code).text, code


def test_every_refusal_is_an_answer_of_the_client_error_kind() -> None:
    for code in codes():
        assert 400 <= wording.words(code).status < 500, code


def test_unknown_and_revoked_read_the_same() -> None:
    assert wording.words("reply.unknown") == wording.words("reply.revoked")


@pytest.mark.parametrize("code", sorted(code for code in codes() if code.startswith("reply.")))
def test_plain_language_has_short_sentences(code: str) -> None:
    for sentence in re.split(r"(?<=[.!?]) ", wording.words(code).plain):
        assert len(sentence.split()) <= 12, sentence


def test_values_are_text_in_a_page_and_left_alone_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    for name in ("a.html.j2", "a.txt.j2"):
        (tmp_path / "pages" / name).write_text("{{ name }}")
    pages = Pages(tmp_path)
    assert pages("a.html.j2", name="<b>O'Hara</b>") == "&lt;b&gt;O&#39;Hara&lt;/b&gt;"
    assert pages("a.txt.j2", name="O'Hara & Söhne") == "O'Hara & Söhne"


def test_a_time_reads_as_it_was_on_the_clock_of_the_town() -> None:
    assert german_time("2026-03-01T09:05:59+01:00") == "1. März 2026, 09:05 Uhr"
