"""The documents say what the code does: commands, words, codes, paths and the example service."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
import yaml

from flows.cli import app
from flows.demo.town import STORY
from tasks.domain.case import Status, Step
from tasks.domain.decision import Answer, Outcome, Result, Then
from tasks.domain.delta import DeltaKind
from tasks.domain.follow_up import FOLLOW_UP_CODES
from tasks.domain.record import LinkedBy
from tasks.domain.reply import ReplyKind, Scope
from tasks.domain.service import LegalMode
from tasks.domain.statements import Taking
from tasks.letters.render import LetterRenderer, sample_content
from tasks.profile import Retention
from tasks.records.importing import OPTIONAL, REQUIRED
from tasks.services.resident_parking import CODES
from tasks.state.database import TABLES
from tests.builders import a_delta, a_gate, a_person, a_situation
from tests.mutations.listed import MUTATIONS

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "GLOSSARY.md", *sorted((ROOT / "docs").glob("*.md"))]
EACH = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
TODAY = date(2026, 11, 23)
SERVICE, TEST = 0, 1  # the Python blocks of docs/adding_a_service.md
COMMANDS: dict[str, Any] = vars(typer.main.get_command(app))["commands"]
STORED = [Status, Step, Outcome, Result, LegalMode, LinkedBy, Then, Taking, ReplyKind, Scope]
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
        assert (ROOT / named.partition("::")[0]).exists(), named


def test_every_attack_names_a_test_that_tries_it() -> None:
    attacks, _, rest = text("docs/security.md").partition("## What is left")
    _, _, attacks = attacks.partition("## Who attacks")
    assert rest
    for row in re.findall(r"^\| (?!tries |---)(.+) \|$", attacks, re.MULTILINE):
        tests = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row.rpartition(" | ")[2])
        assert tests, row
        for path, name in tests:
            assert f"def {name}(" in text(path), f"{path}::{name}"


@EACH
def test_every_link_to_a_section_finds_its_heading(path: Path) -> None:
    for name, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", path.read_text(encoding="utf-8")):
        target = path.parent / name if name else path
        headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor in map(anchor_of, headings), f"{name}#{anchor}"


def anchor_of(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def guarantees() -> list[tuple[str, list[str]]]:
    """(claim, the tests that prove it) of each row of the README's table."""
    table = text("README.md").partition("## What is guaranteed")[2].partition("\n## ")[0]
    cells = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return [(row[0].strip("| "), re.findall(r"`([^`]+::[^`]+)`", row[2])) for row in cells[2:]]


@pytest.mark.parametrize(("claim", "tests"), guarantees())
def test_what_proves_a_guarantee_fails_when_it_is_broken(claim: str, tests: list[str]) -> None:
    """`make mutants` breaks it and sees the test fail; tests/test_mutations.py keeps that true."""
    assert tests, "names no test"
    assert set(tests) <= {one.test for one in MUTATIONS}, "no mutation is known that it notices"


def test_every_deployment_is_in_the_readme() -> None:
    for deployment in yaml.safe_load(text("prefect.yaml"))["deployments"]:
        assert f"| `{deployment['name']}` |" in text("README.md"), deployment["name"]


def test_the_readme_counts_the_days_of_the_demo() -> None:
    number = {5: "five", 6: "six", 7: "seven", 8: "eight"}[len(STORY)]

    assert f"plays {number} days" in text("README.md")


def test_the_glossary_has_every_word_of_the_domain() -> None:
    words = text("GLOSSARY.md")
    for path in (ROOT / "tasks/domain").glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                assert f"`{node.name}`" in words, node.name


@pytest.mark.parametrize("values", STORED)
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


@pytest.mark.parametrize(
    ("section", "codes"),
    [
        ("Codes of the service `resident_parking`", CODES),
        ("Codes of follow-up cases", FOLLOW_UP_CODES),
    ],
)
def test_every_code_of_a_case_tells_clerks_what_to_do(section: str, codes: dict[str, str]) -> None:
    told = [code for where, code in rows("docs/operations.md") if where == section]

    assert sorted(told) == sorted(codes)


def test_the_page_on_privacy_has_every_period_with_its_default() -> None:
    told = re.findall(r"^\| `(\w+_days)` \| (\d+) \|", text("docs/privacy.md"), re.MULTILINE)

    assert {name: int(days) for name, days in told} == Retention().model_dump()


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


def test_the_example_service_hears_what_a_clerk_answers(newcomers: Any) -> None:
    arrival = a_delta(DeltaKind.ARRIVAL, before=None, after=a_person())
    asked = a_situation(arrival, links=())
    gate = replace(a_gate(), legal_basis_ref="")

    def said(choice: str) -> Any:
        answers = (Answer("no_legal_basis_ref", choice, "sb-1"),)
        heard = replace(asked, answers=answers)
        return newcomers.decide(heard, newcomers.NewcomersParameters(), gate, TODAY)

    assert said("go_on").code == "welcomed"
    assert said("by_hand").code == "settled_by_hand"


def test_the_example_letter_is_written(newcomers: Any, tmp_path: Path) -> None:
    (template,) = blocks("docs/adding_a_service.md", "jinja")
    (tmp_path / "newcomers.md.j2").write_text(template, encoding="utf-8")
    renderer = LetterRenderer([tmp_path, ROOT / "templates"])
    renderer.check(newcomers.service)
    letter = renderer.render_without_pdf(sample_content(newcomers.service))

    assert letter.subject == "Willkommen in Musterstadt – Sie müssen nichts tun"
    assert "Rechtsbehelfsbelehrung" not in letter.text
