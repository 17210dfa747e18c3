"""No process outlives the demo that started it."""

import os
import smtplib
import subprocess
import sys
from pathlib import Path

from flows.demo.catcher import mail_catcher
from flows.demo.place import HOST, next_free_port

# Each in a process of its own: a subreaper would collect other tests' orphans.
HEAD = """
import os, sys, time
from pathlib import Path
from flows.demo.processes import Processes, Stopped, stop_signals
folder = Path(sys.argv[1])
def here(name):
    while not (folder / name).exists():
        time.sleep(0.01)
    return int((folder / name).read_text())
def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
"""
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if len(sys.argv) == 1:
    subprocess.Popen([sys.executable, __file__, "child"], start_new_session=True)
name = "child" if len(sys.argv) > 1 else "parent"
with open(f"{os.environ['FOLDER']}/{name}.part", "w") as file:
    file.write(str(os.getpid()))
os.replace(file.name, file.name[:-5])
time.sleep(60)
"""


def play(folder: Path, script: str) -> str:
    (folder / "stubborn.py").write_text(STUBBORN)
    environment = os.environ | {"FOLDER": str(folder), "PYTHONPATH": f"{folder}:{os.getcwd()}"}
    done = subprocess.run(
        [sys.executable, "-c", HEAD + script, str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_neither_a_stubborn_process_nor_its_child_in_another_session_is_left(
    tmp_path: Path,
) -> None:
    play(
        tmp_path,
        """
import flows.demo.processes
flows.demo.processes.GRACE = 0.2
with Processes(folder, os.environ) as processes:
    processes.start("worker", "stubborn")
    pids = here("parent"), here("child")
assert all(gone(pid) for pid in pids)
""",
    )


def test_a_demo_killed_outright_takes_its_processes_along(tmp_path: Path) -> None:
    play(
        tmp_path,
        """
(folder / "mild.py").write_text("import os, time; from pathlib import Path\\n"
    "Path(os.environ['FOLDER'], 'mild').write_text(str(os.getpid())); time.sleep(60)")
if os.fork() == 0:
    with Processes(folder, os.environ) as processes:
        processes.start("server", "mild")
        while not (folder / "mild").exists() or not (folder / "mild").read_text():
            time.sleep(0.01)
        os.kill(os.getpid(), 9)
os.wait()
until = time.monotonic() + 20
while not gone(here("mild")) and time.monotonic() < until:
    time.sleep(0.05)
assert gone(here("mild"))
""",
    )


def test_a_second_ctrl_c_does_not_disturb_cleaning_up(tmp_path: Path) -> None:
    output = play(
        tmp_path,
        """
import signal
import flows.demo.processes
flows.demo.processes.GRACE = 0.2
try:
    with stop_signals(), Processes(folder, os.environ) as processes:
        processes.start("worker", "stubborn")
        here("child")
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
except Stopped:
    os.kill(os.getpid(), signal.SIGINT)
    print("cleaned up", gone(here("parent")), gone(here("child")))
""",
    )
    assert output == "cleaned up True True\n"


def test_a_process_that_fails_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    output = play(
        tmp_path,
        """
from tasks.errors import PermanentError
with Processes(folder / "logs", os.environ) as processes:
    processes.start("deploy", "json.tool", "/nowhere")
    try:
        processes.wait_for("deploy")
    except PermanentError as error:
        print(error, error.detail)
""",
    )
    assert output.startswith("demo.deploy_failed")
    assert "/nowhere" in output
    assert str(tmp_path / "logs" / "deploy.log") in output


def test_a_server_that_ends_is_noticed_and_a_finished_deployment_is_not(tmp_path: Path) -> None:
    output = play(
        tmp_path,
        """
from tasks.errors import PermanentError
with Processes(folder, os.environ) as processes:
    processes.start("deploy", "this")
    processes.wait_for("deploy")
    processes.check()
    processes.start("server", "this")
    try:
        while True:
            processes.check()
            time.sleep(0.05)
    except PermanentError as error:
        print(error.code)
""",
    )
    assert output == "demo.server_failed\n"


def test_every_e_mail_becomes_a_file_in_the_folder_whoever_it_is_for(tmp_path: Path) -> None:
    port = next_free_port(18025)
    for recipient in ("a@post.example", "../../b@post.example"):
        with mail_catcher(tmp_path / "mail", port), smtplib.SMTP(HOST, port) as server:
            server.sendmail("amt@post.example", recipient, "Subject: Betreff\n\nText")
    names = sorted(path.name for path in (tmp_path / "mail").iterdir())
    assert names == ["0001 a@post.example.eml", "0002 .._.._b@post.example.eml"]
    assert (tmp_path / "mail" / names[0]).read_bytes().startswith(b"Subject: Betreff\r\n")
