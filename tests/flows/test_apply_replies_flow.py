"""Replies and answers carried out by a run of their own, and what such a run leaves alone."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.settings import get_current_settings

from flows.apply_replies import ApplyParameters, apply_replies
from flows.cli.replies import _emit
from flows.review_cases import ReviewParameters, review_cases
from tasks.domain.reply import ReplyKind, Scope
from tasks.review import open_questions, record_answers
from tasks.settings import settings
from tasks.state.database import open_database
from tests.failures.kill_everywhere import mail_catcher
from tests.flows.reply_town import (
    CLERK,
    DAY,
    FIRST,
    NEUMANN,
    ROOT,
    add_clerk,
    case_of,
    change_profile,
    environment,
    pages,
    permit,
    play,
    recorded,
    reply,
)
from tests.flows.test_review_flow import filled_in
from tests.town import DELIVERIES, SLUG, Town, copied, make_town

LOCK = """
import sys
from tasks.municipality import open_municipality
from tasks.settings import settings
from tasks.state.lock import municipality_lock
town = open_municipality(sys.argv[1], settings())
with municipality_lock(town.engine, town.slug, town.folder):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two municipalities after their first week, once for all tests."""
    home = tmp_path_factory.mktemp("replies") / "home"
    home.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANTRAGSLOS_HOME", str(home))
        settings.cache_clear()
        for slug in (SLUG, "neustadt"):
            town = make_town(home, slug, settling_days=0)
            play(town, *FIRST)
            assert case_of(town).status == "sent"
        add_clerk(Town(settings()))
    settings.cache_clear()
    return home


@pytest.fixture
def towns(worked: Path, home: Path) -> tuple[Town, Town]:
    copied(worked, home)
    return Town(settings()), Town(settings(), "neustadt")


@pytest.fixture
def only(towns: tuple[Town, Town]) -> Town:
    return towns[0]


def run(*slugs: str, on: date = DAY) -> Any:
    return apply_replies(ApplyParameters(municipalities=list(slugs), on=on), return_state=True)


def name_and_message(state: Any) -> tuple[str, str]:
    return state.name, state.message


@contextmanager
def at_work(town: Town) -> Iterator[None]:
    """Another process has the municipality."""
    process = subprocess.Popen(
        [sys.executable, "-c", LOCK, town.slug],
        cwd=town.settings.home,
        env=environment(town.settings.home),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == "locked\n"
        yield
    finally:
        process.communicate("", timeout=30)


def test_one_run_carries_out_the_replies_of_all_municipalities(towns: tuple[Town, Town]) -> None:
    for town in towns:
        reply(town, ReplyKind.DEREGISTER)
        assert permit(town) == ("A2", "active")

    state = run()

    assert name_and_message(state) == ("Completed", "4 cases, 2 acted, 2 letters sent")
    for town in towns:
        assert permit(town) == ("A2", "ended")
        assert (case_of(town, cause="reply:").status, case_of(town).status) == ("sent", "undone")
        assert recorded(town) == {"deregister": "taken_up"}
    assert name_and_message(run()) == ("Completed", "nothing new")


def test_a_run_for_one_municipality_leaves_the_other_alone(towns: tuple[Town, Town]) -> None:
    one, other = towns
    for town in towns:
        reply(town, ReplyKind.DEREGISTER)

    run(other.slug)

    assert (permit(one)[1], permit(other)[1]) == ("active", "ended")
    assert recorded(one) == {"deregister": "recorded"}


def test_the_run_names_its_municipalities_and_day_and_what_it_did(only: Town) -> None:
    reply(only, ReplyKind.DEREGISTER)
    state = run(only.slug)

    with get_client(sync_client=True) as client:
        flow_run = client.read_flow_run(state.state_details.flow_run_id)
    assert flow_run.name == f"apply replies musterstadt {DAY}"
    assert f"municipality:{only.slug}" not in flow_run.tags  # tags belong to its steps
    assert flow_run.state_name == "Completed"


def test_what_a_resident_calls_wrong_shows_as_a_case_that_needs_review(only: Town) -> None:
    reply(only, ReplyKind.WRONG, "So heiße ich nicht.", event=NEUMANN)

    state = run()

    assert name_and_message(state) == ("NeedsReview", "1 of 1 case needs review")
    assert case_of(only, NEUMANN, "reply:").code == "resident_says_wrong"


def test_where_another_run_is_at_work_nothing_is_lost_and_nobody_alarmed(only: Town) -> None:
    reply(only, ReplyKind.DEREGISTER)
    with at_work(only):
        state = run(only.slug)
        assert recorded(only) == {"deregister": "recorded"}

    assert name_and_message(state) == ("Busy", "musterstadt: another run is at work")
    assert state.is_completed()
    assert run(only.slug).is_completed()
    assert permit(only)[1] == "ended"


def test_a_municipality_at_work_does_not_make_a_failure_of_another_ones_replies(
    towns: tuple[Town, Town],
) -> None:
    busy, free = towns
    for town in towns:
        reply(town, ReplyKind.DEREGISTER)
    with at_work(busy):
        state = run()

    assert name_and_message(state) == (
        "Completed",
        "2 cases, 1 acted, 1 letter sent; musterstadt: another run is at work",
    )
    assert (permit(busy)[1], permit(free)[1]) == ("active", "ended")
    assert name_and_message(run()) == ("Completed", "2 cases, 1 acted, 1 letter sent")


def test_a_municipality_in_trouble_never_stops_another(towns: tuple[Town, Town]) -> None:
    bad, good = towns
    for town in towns:
        reply(town, ReplyKind.DEREGISTER)
    (bad.folder / "profile.toml").write_text("name = [")

    state = run()

    message = "musterstadt: profile.invalid"
    assert name_and_message(state) == ("PartiallyFailed", message)
    assert permit(good)[1] == "ended"


@pytest.mark.parametrize(("days", "refused"), [(-1, False), (0, False), (1, True)])
def test_a_day_in_the_future_is_refused_where_letters_would_really_leave(
    only: Town, days: int, refused: bool
) -> None:
    reply(only, ReplyKind.DEREGISTER)
    day = date.today() + timedelta(days)  # noqa: DTZ011

    state = run(only.slug, on=day)

    assert ("run.day_in_future" in state.message) is refused
    assert (permit(only)[1] == "active") is refused


def test_a_day_in_the_future_is_played_in_test_mode(only: Town) -> None:
    change_profile(only, "test_mode = false", "test_mode = true")
    reply(only, ReplyKind.DEREGISTER)

    state = run(only.slug, on=date(2027, 1, 4))

    assert name_and_message(state) == ("Completed", "2 cases, 1 acted, 0 letters sent")
    assert permit(only)[1] == "ended"


def test_what_nobody_waits_for_is_left_to_the_next_delivery(home: Path) -> None:
    town = make_town(home, settling_days=2)
    play(town, *FIRST, day=DAY - timedelta(3))
    before = case_of(town)
    assert (before.status, before.prompted) == ("granted", False)

    for days in (3, 1, 0):
        assert name_and_message(run(on=DAY - timedelta(days))) == ("Completed", "nothing new")
        assert case_of(town).status == "granted"

    play(town)
    assert case_of(town).status == "sent"


def test_a_letter_that_nobody_waits_for_leaves_with_the_next_delivery(home: Path) -> None:
    """That delivery may take back what it says; so the inbox is left to it, too."""
    town = make_town(home, settling_days=0)
    spool = town.folder / "spool"
    spool.rmdir()
    spool.touch()  # nothing can be put there
    assert play(town, *FIRST)["waiting_letters"]
    spool.unlink()
    spool.mkdir()
    town.put("0003-deltalieferung-ruecknahme.xml")

    assert name_and_message(run()) == ("Completed", "nothing new")
    assert case_of(town).status == "lettered"
    assert [path.name[:4] for path in (town.folder / "inbox").iterdir()] == ["0003"]


def test_a_reply_given_again_is_carried_out_once(only: Town) -> None:
    for _ in range(2):
        reply(only, ReplyKind.DEREGISTER)
    reply(only, ReplyKind.OPT_OUT, scope=Scope.SERVICE)
    run()
    ended = permit(only)
    reply(only, ReplyKind.DEREGISTER)

    assert name_and_message(run()) == ("Completed", "nothing new")
    assert (ended, permit(only)) == (("A2", "ended"), ("A2", "ended"))
    assert recorded(only) == {"deregister": "taken_up", "opt_out": "taken_up"}


def test_a_clerks_answer_is_carried_out_without_a_delivery(only: Town) -> None:
    asked = next(q for q in open_questions(only.opened) if q.code == "zone_ambiguous")
    given = {asked.case: "zone:A3"}
    record_answers(only.opened, given, by=CLERK, via="shell", today=DAY)

    assert name_and_message(run()) == ("Completed", "1 case, 1 acted, 1 letter sent")
    assert permit(only, "BPA-0004/2") == ("A3", "active")


def test_an_answer_in_the_form_stands_though_another_run_is_at_work(only: Town) -> None:
    asked = open_questions(only.opened)
    number = next(n for n, q in enumerate(asked, start=1) if q.code == "zone_ambiguous")
    thread = filled_in({"clerk": CLERK, f"q{number}": "zone:A3"})
    with at_work(only):
        state = review_cases(
            ReviewParameters(municipality=SLUG, questions=25, minutes=1, on=DAY), return_state=True
        )
    thread.join()

    assert name_and_message(state) == ("Reviewed", "1 answered; another run is at work")
    run()
    assert permit(only, "BPA-0004/2") == ("A3", "active")


@pytest.fixture
def by_email(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Town, list[str]]]:
    """Everybody reads e-mail; and what has arrived there."""
    more = {"email": "somebody@residents.example", "email_consent": True}
    lines = [json.loads(line) | more for line in (DELIVERIES / "permits-sample.jsonl").open()]
    permits = home / "permits.jsonl"
    permits.write_text("\n".join(json.dumps(line) for line in lines))
    with mail_catcher() as (catcher, url):
        monkeypatch.setenv("ANTRAGSLOS_SMTP_URL", url)
        settings.cache_clear()
        town = make_town(home, settling_days=0, permits=permits, smtp_url=url)
        play(town, *FIRST)
        assert catcher.ids
        catcher.ids.clear()
        yield town, catcher.ids


def test_no_confirmation_leaves_by_email_in_quiet_hours(
    by_email: tuple[Town, list[str]],
) -> None:
    town, arrived = by_email
    change_profile(town, 'end = "00:00"', 'end = "23:59:59"')
    reply(town, ReplyKind.DEREGISTER)

    run()

    assert case_of(town, cause="reply:").status == "lettered"
    assert (permit(town)[1], arrived) == ("ended", [])

    change_profile(town, 'end = "23:59:59"', 'end = "00:00"')
    run()
    assert case_of(town, cause="reply:").status == "sent"
    assert len(arrived) == 1


def test_a_form_of_unknown_parameters_is_refused() -> None:
    with pytest.raises(ValueError, match="town"):
        ApplyParameters(town="musterstadt")  # type: ignore[call-arg]


def test_without_a_municipality_it_says_so(home: Path) -> None:
    assert name_and_message(run()) == ("Failed", "there is no municipality in ANTRAGSLOS_HOME")


def test_a_resident_is_answered_at_once_while_prefect_is_down(only: Town) -> None:
    open_database.cache_clear()
    with pages(only, "http://127.0.0.1:9/api") as served:  # nobody listens there
        receipt = served.say_wrong(only, "So ist es nicht.")
        asked_while_it_tries = [served.open("/gesund").status_code for _ in range(20)]
        time.sleep(1)  # it has tried to reach Prefect
        code, _, err = served.stop(signal.SIGINT)

    assert "Beleg" in receipt
    assert recorded(only) == {"wrong": "recorded"}
    assert asked_while_it_tries == [204] * 20
    assert max(served.seconds) < 1
    assert (code in (0, 130), "Traceback" in err) == (True, False)
    assert run().name == "NeedsReview"


def test_a_reply_wakes_a_run_through_the_trigger_of_the_deployment() -> None:
    """prefect.yaml as it is, on a real server; the run is due a minute after the first reply."""
    url = get_current_settings().api.url
    assert url
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name="antragslos", type="process"), overwrite=True)
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--name", "apply-replies"],
        cwd=ROOT,
        env=environment(Path("/nowhere/home"), PREFECT_API_URL=url, PREFECT_HOME=prefect_home()),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name("apply-replies/apply-replies")
        try:
            assert not woken(client, deployment.id)
            _emit()
            for _ in range(300):
                if runs := woken(client, deployment.id):
                    break
                time.sleep(0.1)
            (one,) = runs
            assert one.state_name == "Scheduled"
            assert 30 < (one.expected_start_time - one.created).total_seconds() < 90
            assert one.parameters == {"parameters": {"municipalities": []}}
        finally:
            client.delete_deployment(deployment.id)
            client.delete_work_pool("antragslos")


def prefect_home() -> str:
    return str(get_current_settings().home)


def woken(client: Any, deployment: Any) -> list[Any]:
    """Runs that no schedule has made."""
    return [
        one
        for one in client.read_flow_runs(limit=200)
        if one.deployment_id == deployment and not one.auto_scheduled
    ]
