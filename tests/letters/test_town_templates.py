"""A template that a town has written runs nothing, reads nothing, and stops nobody else."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks.errors import LetterIncomplete, ProfileInvalid
from tasks.letters import confined
from tasks.letters.confined import ConfinedRenderer
from tasks.letters.pages import Pages
from tasks.letters.render import LetterRenderer
from tasks.municipality import check_municipality
from tests.letters.letters import TEMPLATES, a_letter, renderer
from tests.town import Town, make_town

SECRET = "dies-ist-der-geheime-schluessel-der-anlage"
ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ cycler.__init__.__globals__.os.popen('touch PWNED').read() }}",
    "{{ lipsum.__globals__['os'].popen('touch PWNED').read() }}",
    "{{ (lipsum|attr('__globals__'))['os'].system('touch PWNED') }}",
    "{{ self.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ '{0.__class__.__init__.__globals__}'.format(grounds) }}",
    "{{ ('{0.__class__.__mro__}'|attr('format'))(grounds) }}",
    "{{ grounds.append(1) }}",
    "{{ grounds[0].__class__.__init__.__globals__ }}",
    "{{ letterhead.update({'authority': 'x'}) }}",
    "{% include '/{home}/secret.key' %}",
    "{% include '../secret.key' %}",
    "{% include '../../nachbar/profile.toml' %}",
    "{% import '../secret.key' as x %}{{ x }}",
    "{% extends '../secret.key' %}",
]
READS = [
    '#read("/{home}/secret.key")',
    '#read("../secret.key")',
    '#read("../../nachbar/profile.toml")',
    '#read("/etc/passwd")',
    '#read("link.txt")',
    '#import "@preview/cetz:0.3.0": *',
    '#import ("@pre" + "view/cetz:0.3.0"): *',
    '#include "../secret.key"',
    '#image("/proc/self/environ")',
    '#plugin("../secret.key")',
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "secret.key").write_text(SECRET)
    (tmp_path / "secret.key").chmod(0o600)
    (tmp_path / "nachbar").mkdir()
    (tmp_path / "nachbar" / "profile.toml").write_text(SECRET)
    (tmp_path / "town").mkdir()
    return tmp_path


def words(home: Path, expression: str) -> list[Path]:
    text = (TEMPLATES / "resident_parking.md.j2").read_text()
    head, mark, rest = text.partition("{% set decides")
    own = home / "town" / "resident_parking.md.j2"
    own.write_text(f"{head}{mark}{rest}\n{expression}\n")
    return [home / "town", TEMPLATES]


def page(home: Path, code: str) -> list[Path]:
    frame = (TEMPLATES / "_letter.typ").read_text()
    (home / "town" / "_letter.typ").write_text(f"{frame}\n#let letter(data) = {{ [{code}] }}\n")
    return [home / "town", TEMPLATES]


def problem(by: LetterRenderer) -> LetterIncomplete:
    with pytest.raises(LetterIncomplete) as error:
        by.render(a_letter())
    assert SECRET not in error.value.detail
    return error.value


@pytest.mark.parametrize("kind", [LetterRenderer, "pages"])
@pytest.mark.parametrize("escape", ESCAPES)
def test_a_template_reaches_neither_python_nor_another_file(
    home: Path, monkeypatch: pytest.MonkeyPatch, escape: str, kind: object
) -> None:
    monkeypatch.chdir(home)
    escape = escape.replace("{home}", str(home)[1:])
    if kind == "pages":  # these are ours; the same sandbox all the same
        (home / "pages").mkdir()
        (home / "pages" / "x.txt.j2").write_text(escape)
        with pytest.raises(Exception, match=r".") as error:
            Pages(home)("x.txt.j2", grounds=[1], letterhead={})
        assert SECRET not in str(error.value)
    else:
        problem(LetterRenderer(words(home, escape)))
    assert not (home / "PWNED").exists()


@pytest.mark.parametrize("read", READS)
def test_a_page_reads_nothing_but_what_lies_beside_it(home: Path, read: str) -> None:
    code = read.replace("{home}", str(home)[1:])

    assert problem(LetterRenderer(page(home, code))).code == "letter.page_failed"


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined, "SECONDS", 1.0)


def test_a_towns_own_templates_make_the_same_letter_and_page(home: Path) -> None:
    own = ConfinedRenderer(words(home, "{# nothing #}"))
    content = a_letter()

    assert own.render(content) == renderer().render(content)
    assert own.render_without_pdf(content) == renderer().render_without_pdf(content)
    part = own.page_part(content.sections[0], content, frozenset({"new_address"}))
    assert part == renderer().page_part(content.sections[0], content, frozenset({"new_address"}))
    with pytest.raises(LetterIncomplete, match=r"letter\.missing_template"):
        own.render(a_letter(section={"service": "dog_tax"}))


COSTLY = {
    "loops": words,
    "memory": words,
    "constant": words,
    "text": words,
    "page memory": page,
    "page loops": page,
    "page text": page,
}
CODE = {
    "loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "memory": "{% set ns = namespace(x='x' * 10 ** 6) %}{% for a in range(99999) %}"
    "{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "constant": "{{ 'x' * 10 ** 12 }}",
    "text": "{% for a in range(99999) %}{{ '%99999999d' % 1 }}{% endfor %}",
    "page memory": "#range(1000000000).len()",
    "page loops": "#for a in range(100000) { for b in range(100000) { let c = a * b } }",
    "page text": '#("x" * 10000000000)',
}


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("kind", COSTLY)
def test_a_template_without_end_or_measure_costs_its_letter_and_nothing_else(
    home: Path, kind: str
) -> None:
    own = ConfinedRenderer(COSTLY[kind](home, CODE[kind]))
    began = time.monotonic()

    code = problem(own).code

    assert code in ("letter.template_too_costly", "letter.template_invalid")
    assert time.monotonic() - began < 15
    assert renderer().render(a_letter()).pdf


@pytest.mark.usefixtures("short")
def test_what_ended_its_process_is_not_tried_for_ever(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confined, "ENDED", 2)
    own = ConfinedRenderer(page(home, "#range(1000000000).len()"))
    for _ in range(confined.ENDED):
        assert problem(own).detail == ""

    began = time.monotonic()
    assert problem(own).detail == "given up"
    assert time.monotonic() - began < 0.1


def test_a_process_with_closed_doors_opens_nothing(home: Path) -> None:
    """What is left to whoever breaks out of the sandbox."""
    tries = """
import ctypes, os, socket, sys
sys.path.insert(0, sys.argv[1])
from tasks.letters.confined import close_doors
close_doors()
for name, attempt in {
    "file": lambda: open(sys.argv[2]),
    "link": lambda: os.open(sys.argv[2], os.O_RDONLY),
    "net": lambda: socket.socket(),
    "program": lambda: 1 / os.system("touch " + sys.argv[2]),
    "memory": lambda: len("x" * 2 * 1024 ** 3),
}.items():
    try:
        attempt()
        print(name, "OPEN")
    except (OSError, MemoryError, ZeroDivisionError) as error:
        print(name, type(error).__name__)
"""
    secret = home / "secret.key"
    then = secret.stat().st_mtime_ns
    done = subprocess.run(
        [sys.executable, "-c", tries, str(TEMPLATES.parent), str(secret)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "file OSError" in done.stdout
    assert "net OSError" in done.stdout
    assert "memory MemoryError" in done.stdout
    assert "OPEN" not in done.stdout.replace("program OPEN", "")
    assert secret.stat().st_mtime_ns == then


def test_the_process_has_nothing_of_our_environment(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTRAGSLOS_SECRET_KEY", SECRET)
    own = ConfinedRenderer(words(home, ""))
    own.render(a_letter())
    child = own._idle.get_nowait()
    place = Path(f"/proc/{child._process.pid}")

    assert SECRET.encode() not in (place / "environ").read_bytes()
    child.end()
    assert not place.exists()


def test_the_process_ends_with_its_renderer(home: Path) -> None:
    own = ConfinedRenderer(words(home, ""))
    own.render(a_letter())
    child = own._idle.get_nowait()
    process = child._process
    own._idle.put(child)
    del child, own

    assert process.poll() is not None


# In a municipality's folder -----------------------------------------------------------------


@pytest.fixture
def town(tmp_path: Path) -> Town:
    made = make_town(tmp_path)
    (made.folder / "templates").mkdir()
    (tmp_path / "secret.key").write_text(SECRET)
    (tmp_path / "secret.key").chmod(0o600)
    return made


@pytest.mark.parametrize("way", [os.symlink, os.link])
@pytest.mark.parametrize("name", ["_letter.typ", "resident_parking.md.j2", "logo.svg"])
def test_a_link_in_the_templates_is_not_followed(town: Town, name: str, way: object) -> None:
    way(town.settings.home / "secret.key", town.folder / "templates" / name)  # type: ignore[operator]

    (told,) = check_municipality(town.slug, town.settings)

    assert f"templates/{name}: a " in told
    assert SECRET not in told
    with pytest.raises(ProfileInvalid):
        _ = town.opened


def test_a_pipe_in_the_templates_hangs_nobody(town: Town) -> None:
    os.mkfifo(town.folder / "templates" / "_letter.typ")

    assert "_letter.typ: not a file" in "\n".join(check_municipality(town.slug, town.settings))


def test_pages_of_a_towns_own_are_named_and_not_read(town: Town) -> None:
    pages = town.folder / "templates" / "pages"
    pages.mkdir()
    (pages / "disclosure.html.j2").write_text("{{ cycler.__init__.__globals__.os }}")

    told = check_municipality(town.slug, town.settings)

    assert told == ["templates/pages: pages are the installation's"]


def test_an_endless_template_fails_its_letters_and_the_rest_of_the_town_goes_on(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTRAGSLOS_HOME", str(town.settings.home))
    monkeypatch.setattr(confined, "SECONDS", 0.5)
    monkeypatch.setattr(confined, "ENDED", 1)
    from tasks.settings import settings

    settings.cache_clear()
    (town.folder / "templates" / "resident_parking.md.j2").write_text(CODE["loops"])
    names = ("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
    town.run_day("2026-11-23", *names)

    counts = town.run_day("2026-11-25")

    assert counts["failed"], counts
    assert counts["acted"]
    assert {code for status, code in town.cases().values() if status == "failed"} == {
        "letter.template_too_costly"
    }
    settings.cache_clear()
