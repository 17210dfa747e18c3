"""No package of the lock file forbids what the EUPL allows, and known holes are asked for."""

import json
from collections.abc import Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import Distribution
from threading import Thread
from typing import Any

import pytest

from tests.audit import __main__ as audit
from tests.audit.licences import READ, problems
from tests.audit.locked import LOCK, Locked, locked
from tests.audit.vulnerabilities import NotReachable, known


def test_every_locked_package_that_is_installed_may_be_used_under_the_eupl() -> None:
    packages = list(locked(LOCK.read_text()))

    assert list(problems(packages)) == []
    assert len([one for one in packages if one.installed]) > 100
    assert READ.keys() <= {(one.name, one.version) for one in packages}, "read for nothing"


class Told(Distribution):
    def __init__(self, fields: dict[str, str], classifiers: tuple[str, ...], version: str) -> None:
        self._told = Message()
        for name, value in {"Name": "x", "Version": version, **fields}.items():
            self._told[name] = value
        for classifier in classifiers:
            self._told["Classifier"] = f"License :: {classifier}"

    @property
    def metadata(self) -> Any:
        return self._told

    def read_text(self, filename: str) -> None:
        return None

    def locate_file(self, path: Any) -> Any:
        return path


def found(fields: dict[str, str], *classifiers: str, version: str = "1") -> list[str]:
    return list(problems([Locked("x", "1", True, Told(fields, classifiers, version))]))


@pytest.mark.parametrize(
    "expression",
    [
        "MIT",
        "mit",
        "GPL-3.0-only OR MIT",
        "MIT AND (Apache-2.0 OR SSPL-1.0)",
        "Apache-2.0 WITH LLVM-exception",
        "(MIT)",
        "LGPL-3.0-only",
    ],
)
def test_an_expression_of_which_one_side_does_is_accepted(expression: str) -> None:
    assert found({"License-Expression": expression}) == []


@pytest.mark.parametrize(
    "expression",
    [
        "GPL-3.0-only",
        "AGPL-3.0-only",
        "MIT AND SSPL-1.0",
        "SSPL-1.0 OR BUSL-1.1",
        "(MIT OR SSPL-1.0) AND BUSL-1.1",
        "LicenseRef-Proprietary",
        "GPL-2.0-or-later",
    ],
)
def test_one_that_asks_for_more_is_named(expression: str) -> None:
    (problem,) = found({"License-Expression": expression})

    assert problem == f"x 1: {expression} is not accepted"


@pytest.mark.parametrize(
    ("fields", "classifiers", "right"),
    [
        ({"License": "BSD-3-Clause"}, (), True),
        ({"License": "Ask us"}, ("OSI Approved :: MIT License",), True),
        ({"License": "Dual"}, ("BSD License", "Apache Software License"), True),
        ({"License": "Ask us"}, ("OSI Approved",), False),
        ({}, (), False),
        ({}, ("Other/Proprietary License",), False),
        ({}, ("MIT License", "GNU General Public License v3 (GPLv3)"), False),
    ],
)
def test_what_says_nothing_or_too_much_is_not_taken_for_good(
    fields: dict[str, str], classifiers: tuple[str, ...], right: bool
) -> None:
    assert (found(fields, *classifiers) == []) is right


def test_what_is_not_as_locked_is_named_and_what_is_for_others_is_not() -> None:
    assert "2 is installed, and 1 is locked" in found({"License": "MIT"}, version="2")[0]
    (one,) = locked("nirgends-da==1\n")
    assert "not installed" in next(problems([one]))
    assert list(problems(locked("nirgends-da==1 ; sys_platform == 'win32' \\\n"))) == []


# Vulnerabilities ----------------------------------------------------------------------------


@pytest.fixture
def osv() -> Iterator[tuple[str, dict[str, Any]]]:
    """A database that answers what stands in `reply`, and keeps what it was asked."""
    seen: dict[str, Any] = {}

    class Database(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen["asked"] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(seen["reply"]).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Database) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", seen
        server.shutdown()


PACKAGES = list(locked("a==1\nb==2.1\n"))


def test_each_locked_version_is_asked_for_and_what_is_known_is_named(
    osv: tuple[str, dict[str, Any]],
) -> None:
    url, seen = osv
    seen["reply"] = {"results": [{}, {"vulns": [{"id": "GHSA-1"}, {"id": "PYSEC-2"}]}]}

    assert known(PACKAGES, url) == {"b 2.1": ["GHSA-1", "PYSEC-2"]}
    assert seen["asked"]["queries"][1] == {
        "package": {"name": "b", "ecosystem": "PyPI"},
        "version": "2.1",
    }


@pytest.mark.parametrize("reply", [{}, [], {"results": [{}]}, {"results": [1, 2]}, "x"])
def test_an_answer_that_says_nothing_is_not_a_good_one(
    osv: tuple[str, dict[str, Any]], reply: object
) -> None:
    url, seen = osv
    seen["reply"] = reply

    with pytest.raises(NotReachable):
        known(PACKAGES, url)


@pytest.mark.parametrize(
    ("vulns", "status", "said"),
    [
        ([], 0, "0 of"),
        ([{"id": "GHSA-1"}], 1, "GHSA-1"),
        (None, 2, "NOT CHECKED"),
    ],
)
def test_the_exit_status_tells_unchecked_from_good(
    osv: tuple[str, dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
    vulns: list[object] | None,
    status: int,
    said: str,
) -> None:
    url, seen = osv
    number = len(list(locked(LOCK.read_text())))
    seen["reply"] = {"results": [{"vulns": vulns}] * number} if vulns is not None else {}

    assert audit.main(["--osv", url]) == status
    assert said in capsys.readouterr().out
