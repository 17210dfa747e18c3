"""The house: who may import whom, where a library lives, and what a service consists of."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {
    path.name for path in (ROOT / "tasks").iterdir() if path.is_dir() and path.name[0] not in "._"
}
# Folders of steps that are too large for one file: they may do what a step may.
STEPS = {"desks", "history"}
WORDS = {"domain", "errors", "files"}  # what every folder may speak
# library -> where it may be imported (a folder of tasks, "steps" or "flows")
HOMES = {
    "prefect": {"flows", "steps"},
    "sqlmodel": {"state", "records"},
    "sqlalchemy": {"state", "records"},
    "apprise": {"channels"},
    "jinja2": {"letters"},
    "typst": {"letters"},
    "segno": {"letters"},
    "lxml": {"registry"},
    "rapidfuzz": {"matching"},
    "typer": {"flows"},
    "aiosmtpd": {"flows"},
    "pydantic_settings": {"steps"},
    "fastapi": {"replies", "steps"},
    "starlette": {"replies"},
    "itsdangerous": {"replies"},
    "uvicorn": {"flows"},
}


def modules() -> list[Path]:
    return sorted(
        path
        for top in ("flows", "tasks")
        for path in (ROOT / top).rglob("*.py")
        if "__pycache__" not in path.parts
    )


def room(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    if parts[0] == "flows":
        return "flows"
    return parts[1] if len(parts) > 2 and parts[1] not in STEPS else "steps"


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_lies_below_it(path: Path) -> None:
    here = room(path)
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "flows":
            assert here == "flows", f"{name}: only flows import flows"
        if parts[0] != "tasks" or here in ("flows", "steps"):
            continue
        if path.name == "errors.py":
            raise AssertionError(f"{name}: errors import nothing of ours")
        there = parts[1] if len(parts) > 1 else ""
        allowed = {here, "domain"} if here == "domain" else {here, *WORDS}
        assert there in allowed, f"{name}: {here} may not know {there}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_library_has_one_home(path: Path) -> None:
    for name in imports(path):
        homes = HOMES.get(name.split(".")[0])
        assert homes is None or room(path) in homes, f"{name} does not live in {room(path)}"


def test_a_flow_knows_no_sql() -> None:
    for path in (ROOT / "flows").glob("*.py"):
        names = {name.split(".")[0] for name in imports(path)}
        assert not names & {"sqlmodel", "sqlalchemy", "lxml", "apprise", "jinja2"}, path.name


def test_every_service_has_its_file_its_template_and_its_test() -> None:
    services = {path.stem for path in (ROOT / "tasks/services").glob("[a-z]*.py")}
    templates = {
        path.name.removesuffix(".md.j2") for path in (ROOT / "templates").glob("[a-z]*.j2")
    }
    tests = {path.stem for path in (ROOT / "tests/services").glob("test_*.py")}
    assert services
    assert services == templates
    for service in services:
        assert any(name.startswith(f"test_{service}") for name in tests), service


def test_every_flow_file_is_one_flow_and_one_deployment() -> None:
    import yaml

    deployed = {
        entry["entrypoint"].partition(":")[0]
        for entry in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    }
    flows = {f"flows/{path.name}" for path in (ROOT / "flows").glob("[a-z]*.py")}
    assert flows == deployed


def test_rules_never_ask_the_clock() -> None:
    for folder in ("domain", "services", "matching"):
        for path in (ROOT / "tasks" / folder).glob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert "date.today(" not in text, path
            assert "datetime.now(" not in text, path


def test_lock_files_pin_every_dependency_with_hashes_and_name_no_host() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        for line in text.splitlines():
            if line and line[0] not in " #":
                assert "==" in line, f"{name}: {line}"
        for dependency in project["dependencies"]:
            bare = dependency.split(">")[0].split("[")[0].split("<")[0]
            assert f"\n{bare}==" in f"\n{text}" or f"\n{bare}[" in f"\n{text}", bare


def test_every_setting_is_described_in_the_example_file() -> None:
    from tasks.settings import Settings

    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    for name, field in Settings.model_fields.items():
        assert f"ANTRAGSLOS_{name.upper()}=" in text, name
        assert field.description, name
