"""The demo itself, in a process whose environment is the demo's own (see `place.environment`)."""

import os
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from datetime import date, datetime
from zoneinfo import ZoneInfo

from flows._login import POOL
from flows.demo.catcher import mail_catcher
from flows.demo.place import HOST, Place, alone_in
from flows.demo.processes import Processes, Stopped, stop_signals
from flows.demo.show import Screen, letters_left
from tasks.errors import AntragslosError, PermanentError

_BEGAN = time.monotonic()
START_LIMIT = 120  # seconds; a first start makes the database, which a slow disk takes long over


def main(arguments: list[str]) -> int:
    leave = "--exit" in arguments
    place = Place.from_arguments(*(text for text in arguments if text != "--exit"))
    try:
        with (
            stop_signals(),
            alone_in(place.home),
            ExitStack() as stack,
            Processes(place.logs, os.environ) as processes,
        ):
            _demo(place, processes, stack, stay=not leave)
    except Stopped:
        print("\nThe demo has ended; no process is left.")
    except AntragslosError as error:
        print(f"\n{error}\n{error.detail}", file=sys.stderr)
        return 1
    return 0


def _demo(place: Place, processes: Processes, stack: ExitStack, *, stay: bool) -> None:
    processes.start("server", "prefect", "server", "start", "--host", HOST, f"--port={place.port}")
    screen = Screen(_BEGAN)
    screen.say(f"Starting in {place.home}; Ctrl-C ends it")
    if place.asked_port:
        screen.say(f"Port {place.asked_port} is taken, so the UI gets {place.port}")
    stack.enter_context(mail_catcher(place.mail, place.mail_port))
    screen.say(f"Mail catcher listens on {HOST}:{place.mail_port}")
    with screen.step("Preparing Musterstadt"):
        # While the server starts: our own imports take seconds, too.
        from flows.demo.town import SLUG, STORY, let_clerks_in, prepare, showcase
        from tasks.settings import settings

        town, story = prepare(settings(), _today())
        let_clerks_in(town)
    screen.say("Musterstadt is ready: profile, parking zones, permits")

    with screen.step("Waiting for the Prefect server"):
        from prefect.client.orchestration import get_client

        from flows.demo import runs
        from tasks.report import read_report

        _wait_for_server(place, processes)
    screen.say(f"Prefect server is up: {place.ui}")
    client = stack.enter_context(get_client(sync_client=True))
    runs.make_pool(client)
    runs.tidy(client)
    processes.start("worker", "prefect", "worker", "start", "--pool", POOL)
    processes.start("deploy", "prefect", "--no-prompt", "deploy", "--all")
    with screen.step("Deploying prefect.yaml, starting a worker"):
        processes.wait_for("deploy")
    screen.say("Deployed prefect.yaml; a worker of the process pool takes its runs")
    # Only now, since nobody has a letter before, and all of these load the same modules.
    processes.start("replies", "flows.cli", "replies", "--port", str(place.reply_port))
    screen.say(f"Residents answer at {place.replies}")

    days = story.days()
    for number, day in days:
        title = f"Day {number} of {len(STORY)}, {story.on(day)}"
        story.deliver(day)
        with screen.step(f"{title}: {day.what}"):
            run = runs.play(client, SLUG, story.on(day), processes.check)
        screen.say(f"{title}: {day.what}")
        screen.say(f"  → {runs.told(run)}; {letters_left(read_report(town))}")
        if run.state_name == "Crashed":
            raise PermanentError("demo.run_crashed", str(run.id), f"See {place.logs}/worker.log")
        story.told = number
        story.keep()
    if not days:
        with screen.step("Looking for new deliveries"):
            run = runs.play(client, SLUG, _today(), processes.check)
        screen.say(f"All deliveries were played before; a run of today says: {runs.told(run)}")
    report = read_report(town)
    screen.report(report)
    screen.where(place, town.folder, report, showcase(town))
    if stay:
        screen.console.print("\nThis stays up until Ctrl-C.")
    while stay:
        processes.check()
        time.sleep(1)


def _wait_for_server(place: Place, processes: Processes) -> None:
    until = time.monotonic() + START_LIMIT
    while True:
        processes.check()
        try:
            with urllib.request.urlopen(f"{place.ui}/api/health", timeout=5):  # noqa: S310
                return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > until:
                raise AntragslosError("demo.server_slow", detail=str(place.logs)) from None
        time.sleep(0.2)


def _today() -> date:
    return datetime.now(ZoneInfo("Europe/Berlin")).date()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
