"""`antragslos demo`, for real: server, worker, pages, mail catcher, all of Musterstadt's story.

One call tells it and stays up, so that a resident can answer. The thorough tests tell it as it may
happen: cut off in the middle, gone on with, and called once more.
"""

import base64
import email
import email.policy
import json
import os
import re
import signal
import socket
import stat
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from flows.demo.town import CLERKS, PASSWORD, SLUG, STORY
from tasks.settings import TEMPLATES
from tests.cli.demo_at_work import Caller, Demo, Guest, eventually
from tests.shell import shell


@pytest.fixture(scope="module")
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, taken: int) -> Iterator[Demo]:
    """The first call: the whole story is told, and it stays up."""
    demo = Demo(tmp_path_factory.mktemp("demo"), *everywhere(taken))
    try:
        demo.until("stays up")
        yield demo
    finally:
        demo.process.kill()
        demo.end()


@pytest.fixture(scope="module")
def ended(demo: Demo) -> Demo:
    """The same call, ended with Ctrl-C."""
    assert any("flows.cli replies" in name for name in demo.processes().values())
    demo.process.send_signal(signal.SIGINT)
    demo.end()
    return demo


def everywhere(port: int) -> list[str]:
    return [f"--port={port}", f"--mail-port={port}", f"--reply-port={port}"]


def test_a_taken_port_is_named_and_replaced(demo: Demo, taken: int) -> None:
    assert f"Port {taken} is taken" in demo.output


def test_the_story_is_told_to_its_end(demo: Demo) -> None:
    told = re.findall(r"Day (\d) of 6.*\n.*→ (\w+):", demo.output)
    assert [number for number, _ in told] == list("123456")
    assert {state for _, state in told} <= {"NeedsReview", "Completed"}
    assert "5 letters so far" in demo.output  # day 5: the move that lay ahead


def test_every_resident_who_is_due_one_gets_one_letter(demo: Demo) -> None:
    mails = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted((demo.home / "mail").glob("*.eml"))
    ]
    assert sorted(mail["To"] for mail in mails) == [
        "antje.brandt@post.example",
        "lukasz.wojcik@post.example",
    ]
    assert any(mail["Subject"].startswith("Ihr Bewohnerparkausweis gilt jetzt") for mail in mails)
    assert len(list((demo.home / SLUG / "spool").glob("*.pdf"))) == 4
    assert "6 letters so far" in demo.output  # day 6: that move is taken back


def test_the_table_says_what_happened_and_what_waits(demo: Demo) -> None:
    for text in ("zone_switched", "address_updated", "name_updated", "taken_back", "email", "post"):
        assert text in demo.output
    assert "move_reversed" in demo.output
    assert "can lie in several parking zones" in demo.output
    assert "Waiting for a clerk: 8" in demo.output
    assert "Waiting for an admin" not in demo.output
    (case,) = re.findall(r"explain (c-\w+)", demo.output)
    assert demo.output.count(case) == 2


def test_every_delivery_was_taken_in(demo: Demo) -> None:
    done = {path.name for path in (demo.home / SLUG / "done").iterdir()}
    assert done == {name for day in STORY for name in day.deliveries}


def test_no_name_and_no_street_is_found_in_prefect_or_in_a_log(demo: Demo) -> None:
    permits = (TEMPLATES / SLUG / "permits.jsonl").read_text(encoding="utf-8").splitlines()
    words = {json.loads(line)["name"].split()[-1] for line in permits}
    words |= {"Wollenweberstr", "Molkenstr", "ZZ-MU", "post.example", "09000009"}
    for folder in (demo.home / "prefect", demo.home / "logs"):
        for path in folder.rglob("*"):
            content = path.read_bytes() if path.is_file() else b""
            for word in words:
                assert word.encode() not in content, f"{word} in {path}"
                assert json.dumps(word)[1:-1].encode() not in content, f"{word} in {path}"
    assert not any(word in demo.output for word in words)


def test_the_schedules_of_prefect_yaml_make_runs(demo: Demo) -> None:
    # Prefect's scheduler comes by once a minute.
    assert eventually(lambda: any(kind == "SCHEDULED" for _, kind, _ in demo.runs()), 180)
    # Only of the scheduler: on a busy machine the server tries a locked SQLite again, and logs it.
    told = (demo.home / "logs" / "server.log").read_text(encoding="utf-8")
    assert "Error scheduling" not in told


def test_a_taken_port_of_the_pages_is_replaced_too(demo: Demo, taken: int) -> None:
    port = urllib.parse.urlsplit(demo.says("Resident").split()[0]).port
    assert port
    assert port > taken
    assert f":{port}/sachbearbeitung" in demo.says("Clerks")


def test_a_clerk_gets_in_with_what_is_printed_and_sees_the_questions(demo: Demo) -> None:
    address, rest = demo.says("Clerks").split("  ")
    assert rest == f"({SLUG}, {' or '.join(CLERKS)}, {PASSWORD})"
    guest = Guest()
    guest.get(address)
    guest.submit(f"{address}/anmelden", town=SLUG, sign=CLERKS[0], password=PASSWORD)
    assert "8 Fragen warten auf eine Antwort" in guest.page


def test_the_printed_link_opens_a_letter_and_an_answer_starts_a_run_by_itself(
    demo: Demo,
) -> None:
    link, born = re.match(r"(\S+) .*born (\S+)\)", demo.says("Resident")).groups()
    year, month, day = born.split("-")
    guest = Guest()
    guest.get(link)
    guest.submit(tag=day, monat=month, jahr=year)
    assert "Ihr Bewohnerparkausweis gilt jetzt in Zone" in guest.page
    (form,) = re.findall(r'href="(/brief/[^"]+/abmelden)"', guest.page)
    assert demo.triggered() == []
    guest.get(urllib.parse.urljoin(guest.address, form))
    guest.submit(umfang="case")
    assert "Bitte prüfen Sie Ihre Antwort" in guest.page
    guest.submit(f"{form}/absenden", umfang="case")
    assert "Belegnummer" in guest.page
    assert eventually(lambda: demo.triggered() == ["apply-replies"])


# Attacks ----------------------------------------------------------------------------------------


def basic(login: str) -> str:
    return f"Basic {base64.b64encode(login.encode()).decode()}"


@pytest.mark.parametrize(
    "login", ["", basic(""), basic("antragslos:"), basic("antragslos:geraten"), "Bearer x", "Basic"]
)
def test_nobody_gets_into_prefect_without_the_log_in(demo: Demo, login: str) -> None:
    stranger = Caller(demo.api, **{"Authorization": login} if login else {})
    for path in ("admin/version", "admin/settings", "work_pools/antragslos", "openapi.json"):
        assert stranger.ask("GET", path)[0] == 401, path
    for path in ("flow_runs/", "deployments/", "deployments/filter", "work_pools/", "logs/filter"):
        assert stranger.ask("POST", path, {})[0] in (401, 403), path


@pytest.mark.parametrize("path", ["events/in", "events/out", "logs/out"])
@pytest.mark.parametrize("token", [None, "", "antragslos:geraten"])
def test_nobody_listens_to_prefect_or_tells_it_events_without_the_log_in(
    demo: Demo, path: str, token: str | None
) -> None:
    address = f"{demo.api.replace('http', 'ws', 1)}/{path}"
    with pytest.raises(WebSocketException), connect(address, proxy=None) as line:
        line.recv(10)
    with connect(address, subprotocols=[Subprotocol("prefect")], proxy=None) as line:
        line.send(json.dumps({"type": "auth", "token": token}))
        with pytest.raises(ConnectionClosed) as closed:
            line.recv(10)
    assert closed.value.rcvd
    assert closed.value.rcvd.code == 1008


def test_no_page_of_another_origin_may_ask_prefect(demo: Demo) -> None:
    evil = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    inside = {"Authorization": basic(demo.login)}
    for headers in (evil, evil | inside):
        page = Caller(demo.api, **headers)
        for method, path in (("OPTIONS", "flow_runs/"), ("GET", "admin/version")):
            _, _, answered = page.ask(method, path)
            assert answered["Access-Control-Allow-Origin"] is None, (method, headers)


def test_a_run_cannot_say_what_is_executed_not_even_with_the_log_in(
    demo: Demo, tmp_path: Path
) -> None:
    mark = tmp_path / "executed"
    variables = {"command": f"touch {mark}", "env": {"X": "1"}, "working_dir": str(tmp_path)}
    admin = Caller(demo.api, Authorization=basic(demo.login))
    path = "deployments/name/deliver-services/deliver-services"
    deployment = admin.ask("GET", path)[1]
    for name, value in variables.items():
        asked = {"job_variables": {name: value}}
        made = admin.ask("POST", f"deployments/{deployment['id']}/create_flow_run", asked)
        assert made[0] == 422, name
    # Prefect looks at the variables of a run of its own, without a deployment, only when it starts.
    run = {
        "flow_id": deployment["flow_id"],
        "work_pool_name": "antragslos",
        "job_variables": variables,
        "state": {"type": "SCHEDULED"},
    }
    status, made, _ = admin.ask("POST", "flow_runs/", run)
    assert status == 201
    path = f"flow_runs/{made['id']}"
    assert eventually(lambda: admin.ask("GET", path)[1]["state"]["type"] == "CRASHED", 60)
    assert not mark.exists()


def test_the_log_in_is_in_a_file_of_the_owner_and_nowhere_else(demo: Demo) -> None:
    secret = demo.login.partition(":")[2].encode()
    file = demo.home / "prefect.login"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert str(file) in demo.says("  log-in")
    assert len(secret) >= 43  # 32 random bytes
    assert not any(secret in command.encode() for command in demo.processes().values())
    assert secret not in demo.output.encode()
    kept = [path for path in demo.home.rglob("*") if path.is_file() and path != file]
    assert [path for path in kept if secret in path.read_bytes()] == []


def test_check_finds_the_demos_prefect_shut(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", demo.api)
    for login, said in ((demo.login, "Prefect: ready\n"), ("a:b", "  its API does not take")):
        monkeypatch.setenv("PREFECT_API_AUTH_STRING", login)
        assert said in shell(demo.home, "check").stdout


def test_ctrl_c_ends_the_demo_and_leaves_no_process_behind(ended: Demo) -> None:
    assert ended.process.returncode == 0
    assert ended.processes() == {}


# Stopped and called again -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    demo = Demo(tmp_path_factory.mktemp("killed"))
    demo.until("Day 1 of 6")
    assert eventually(lambda: any("prefect.engine" in name for name in demo.processes().values()))
    assert any("flows.cli replies" in name for name in demo.processes().values())
    # Like a power cut: nobody can tell anybody, and the server goes first.
    pids = demo.processes()
    for pid in sorted(pids, key=lambda pid: "server start" not in pids[pid]):
        os.kill(pid, signal.SIGKILL)
    demo.process.kill()
    demo.end()
    assert {kind for _, kind, _ in demo.runs()} & {"PENDING", "RUNNING"}
    return demo


@pytest.fixture(scope="module")
def finished(killed: Demo) -> Demo:
    demo = Demo(killed.home, "--exit")
    assert demo.end() == 0, demo.output
    return demo


@pytest.mark.thorough
def test_the_next_call_goes_on_with_the_story_and_tells_it_to_its_end(finished: Demo) -> None:
    told = re.findall(r"Day (\d) of 6.*\n.*→ (\w+):", finished.output)
    assert [number for number, _ in told] == list("123456")
    assert {state for _, state in told} <= {"NeedsReview", "Completed"}
    assert "5 letters so far" in finished.output  # day 5: the move that lay ahead


@pytest.mark.thorough
def test_a_run_that_was_taken_along_is_not_shown_as_running_for_ever(finished: Demo) -> None:
    kinds = {kind for _, kind, _ in finished.runs()}
    assert "CRASHED" in kinds
    assert not kinds & {"RUNNING", "PENDING"}


@pytest.mark.thorough
def test_a_further_call_finds_nothing_new_and_says_so(finished: Demo) -> None:
    further = Demo(finished.home, "--exit")
    assert further.end() == 0, further.output
    assert "Completed: nothing new" in further.output
    assert table(further.output) == table(finished.output)
    assert len(list((further.home / "mail").glob("*.eml"))) == 2


@pytest.mark.thorough
def test_a_demo_told_to_end_while_it_starts_leaves_no_process_behind(finished: Demo) -> None:
    demo = Demo(finished.home)
    demo.until("Mail catcher")
    demo.process.send_signal(signal.SIGTERM)
    assert demo.end() == 0
    assert demo.processes() == {}


def table(output: str) -> str:
    return output[output.index("Deltas") : output.index("Prefect  ")]
