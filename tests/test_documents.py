"""The documents say what the code does: commands, words, codes, paths and the example service."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from flows.cli import app
from tasks.domain.case import Status, Step
from tasks.domain.decision import Outcome, Result
from tasks.domain.record import LinkedBy
from tasks.domain.service import LegalMode
from tasks.letters.render import LetterRenderer, sample_content
from tasks.records.importing import OPTIONAL, REQUIRED
from tasks.services.resident_parking import CODES
from tasks.state.database import TABLES

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "GLOSSARY.md", *sorted((ROOT / "docs").glob("*.md"))]
EACH = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
SERVICE, TEST = 0, 1  # the Python blocks of docs/adding_a_service.md
COMMANDS: dict[str, Any] = vars(typer.main.get_command(app))["commands"]
# What looks like a code and is the name of a file or column.
NOT_CODES = {"id", "toml", "json", "jsonl", "log", "key", "txt", "lock"}


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text(name), re.DOTALL | re.MULTILINE)


def rows(name: str) -> Iterator[tuple[str, str]]:
    """(section, first cell) of each table row that begins with a code."""
    section = ""
    for line in text(name).splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        if found := re.match(r"\| `([^`]+)` \|", line):
            yield section, found[1]


def strings(tree: ast.AST) -> set[str]:
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {node.value for node in nodes if isinstance(node.value, str)}


def raised(tree: ast.AST) -> set[str]:
    """What stands first in each `raise SomeError(…)`."""
    calls = (node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise))
    first = (call.args[0] for call in calls if isinstance(call, ast.Call) and call.args)
    return {arg.value for arg in first if isinstance(arg, ast.Constant)}


def error_codes(families: set[str]) -> set[str]:
    """Every code of these families and of those raised, also where a variable carries it."""
    paths = [path for top in ("tasks", "flows") for path in (ROOT / top).rglob("*.py")]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in paths]
    written = {value.removeprefix("stopped:") for tree in trees for value in strings(tree)}
    dotted = {value for value in written if re.fullmatch(r"[a-z]+\.[a-z_]+", value)}
    first = set().union(*map(raised, trees)) & dotted
    families = families | {code.split(".")[0] for code in first}
    return {
        code
        for code in dotted
        if code.split(".")[0] in families and code.split(".")[1] not in NOT_CODES
    }


def test_every_command_is_in_the_readme() -> None:
    for name in COMMANDS:
        assert f"`antragslos {name}`" in text("README.md"), name


@EACH
def test_a_command_that_a_document_shows_exists_with_its_options(path: Path) -> None:
    told = path.read_text(encoding="utf-8")
    for name, rest in re.findall(
        r"(?:^|`|/)antragslos ([a-z][a-z-]+)([^`\n]*)", told, re.MULTILINE
    ):
        options = {option for param in COMMANDS[name].params for option in param.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= options, f"antragslos {name}{rest}"


@EACH
def test_every_path_in_a_document_leads_somewhere(path: Path) -> None:
    told = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", told):
        assert (path.parent / target).exists(), target
    for named in re.findall(r"`((?:flows|tasks|templates|tests|docs)/[^`<>*]*)`", told):
        assert (ROOT / named).exists(), named


def test_the_glossary_has_every_word_of_the_domain() -> None:
    words = text("GLOSSARY.md")
    for path in (ROOT / "tasks/domain").glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                assert f"`{node.name}`" in words, node.name


@pytest.mark.parametrize("values", [Status, Step, Outcome, Result, LegalMode, LinkedBy])
def test_the_glossary_has_every_stored_value(values: type[StrEnum]) -> None:
    for value in values:
        assert f"`{value}`" in text("GLOSSARY.md"), value


def test_every_error_code_tells_operators_what_to_do() -> None:
    told = {code for _, code in rows("docs/operations.md") if "." in code and "<" not in code}
    codes = error_codes({code.split(".")[0] for code in told})

    assert codes >= {"registry.packet_missing", "channel.uncertain", "case.unknown"}
    assert codes - told == set(), "not told"
    assert told - codes == set(), "no longer raised"


def test_every_column_of_the_permit_file_is_told_with_whether_it_is_required() -> None:
    told = re.findall(r"^\| `(\w+)` \| (yes|no|with [a-z ]+) \|", text("docs/operations.md"), re.M)

    assert [name for name, _ in told] == [*REQUIRED, *OPTIONAL]
    assert {name for name, required in told if required == "yes"} == set(REQUIRED)


def test_every_code_of_the_service_tells_clerks_what_to_do() -> None:
    section = "Codes of the service `resident_parking`"
    told = [code for where, code in rows("docs/operations.md") if where == section]

    assert sorted(told) == sorted(CODES)


def test_the_page_on_privacy_has_every_table() -> None:
    from tasks.records.tables import Register

    told = {name for _, name in rows("docs/privacy.md")}
    for table in (*TABLES, *Register.metadata.sorted_tables):
        assert table.name in told, table.name


def test_the_changelog_has_a_dated_entry_for_this_version() -> None:
    version = tomllib.loads(text("pyproject.toml"))["project"]["version"]
    entry = re.search(rf"^## {re.escape(version)} – (\S+)$", text("CHANGELOG.md"), re.MULTILINE)

    assert entry
    assert date.fromisoformat(entry[1])


def test_the_licence_is_the_eupl_as_the_readme_says() -> None:
    licence = text("LICENSE")

    assert licence.startswith("EUROPEAN UNION PUBLIC LICENCE v. 1.2\n")
    assert licence.endswith("require the production of a new EUPL version.\n")
    assert "[EUPL-1.2](LICENSE)" in text("README.md")


def test_the_readmes_excerpt_is_from_the_example_service() -> None:
    (excerpt,) = blocks("README.md", "python")

    assert excerpt in blocks("docs/adding_a_service.md", "python")[SERVICE]


@pytest.fixture
def newcomers(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The example service, as if its file were there."""
    module = ModuleType("tasks.services.newcomers")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    source = blocks("docs/adding_a_service.md", "python")[SERVICE]
    exec(compile(source, "newcomers.py", "exec"), module.__dict__)
    return module


def test_the_example_test_passes_on_the_example_service(newcomers: Any) -> None:
    names: dict[str, Any] = {}
    exec(blocks("docs/adding_a_service.md", "python")[TEST], names)

    by_birth = names["test_a_newcomer_is_written_to_from_the_eighteenth_birthday"]
    (mark,) = by_birth.pytestmark
    for case in mark.args[1]:
        by_birth(*case)
    names["test_without_the_approval_of_the_law_on_registration_a_clerk_is_asked"]()


def test_the_example_letter_is_written(newcomers: Any, tmp_path: Path) -> None:
    (template,) = blocks("docs/adding_a_service.md", "jinja")
    (tmp_path / "newcomers.md.j2").write_text(template, encoding="utf-8")
    renderer = LetterRenderer([tmp_path, ROOT / "templates"])
    renderer.check(newcomers.service)
    letter = renderer.render_without_pdf(sample_content(newcomers.service))

    assert letter.subject == "Willkommen in Musterstadt – Sie müssen nichts tun"
    assert "Rechtsbehelfsbelehrung" not in letter.text
