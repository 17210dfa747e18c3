"""No personal data in the orchestrator: planted names are searched in all that Prefect keeps."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from prefect import flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.events import emit_event
from prefect.settings import get_current_settings
from sqlalchemy import make_url
from sqlmodel import col, select, update

from flows.apply_replies import ApplyParameters, apply_replies
from flows.forget import ForgetParameters, forget
from flows.rerun_cases import RerunParameters, rerun_cases
from flows.review_cases import ReviewParameters, as_markdown, form, review_cases
from tasks.desks.clerks import StateClerkDesk
from tasks.domain.reply import ReplyKind, Scope
from tasks.records.sql import SqlPermitRegister
from tasks.replies.desk import Seat
from tasks.review import Asked, open_questions
from tasks.services import resident_parking
from tasks.settings import settings
from tasks.state.database import open_database, reading, writing
from tasks.state.tables import QuestionRow, ReplyRow
from tests.builders import stated
from tests.flows.reply_town import (
    BORN,
    CLERK,
    DAY,
    FIRST,
    NEUMANN,
    WOJCIK,
    add_clerk,
    case_of,
    change_profile,
    environment,
    pages,
    play,
    reply,
    token,
)
from tests.shell import shell
from tests.town import DELIVERIES, Town, make_town

# Names, birth dates, registry keys, plates, permit numbers, streets and addresses of the samples,
# and what is planted below.
PLANTED = [
    "Brandt", "Wójcik", "Yılmaz", "Hoffmann", "Petersen", "Zöllner", "Lindner", "Schuster",
    "Albrecht", "Seidel", "Neumann", "Sukarni", "Rahimi", "Łukasz", "Antje",
    "000000010017", "000000010025", "1984-03-12", "1991-07-30", "ZZ-MU", "BPA-00",
    "Wollenweber", "Altschmiede", "Kröpeliner", "Mönchen", "kanarienvogel",
    "30.07.1991", "30. Juli 1991", "1996-04-11", "11.04.1996", "11. April 1996",
    # What residents write, clerks note and give as reasons, and what is typed in a wrong place.
    "Zirbelkiefer", "Wachtelkönig", "Rohrdommel", "Uferschnepfe", "Tannenhäher", "Ziegenmelker",
    "Wendehals",
]  # fmt: skip
# A resident may type anything, and some of it breaks things.
NASTY = {
    WOJCIK: "**Zirbelkiefer** [x](javascript:1) {{ Wachtelkönig }} {% raise %} <b>\n\n# Brandt",
    NEUMANN: "Uferschnepfe\x00\x07\x1b[31m\u202e\ufeff " + "Rohrdommel " * 20_000,
}
# Without the pauses in which a mail server may come back.
DELIVER = """
from tasks.send import send_letters
send_letters.task.retry_delay_seconds = [0, 0]
from flows.cli import main
main()
"""
EMAIL = "kanarienvogel@residents.example"
NOBODY = "mailto://127.0.0.1:9"  # no mail server listens there


def permits_with_email(path: Path) -> Path:
    """Everybody has consented to e-mail, and no mail server answers."""
    lines = [json.loads(line) for line in (DELIVERIES / "permits-sample.jsonl").open()]
    more = {"email": EMAIL, "email_consent": True}
    path.write_text("\n".join(json.dumps(line | more) for line in lines))
    return path


def prefect_database() -> Path:
    url = str(get_current_settings().server.database.connection_url.get_secret_value())
    database = Path(make_url(url).database or "")
    assert database.exists()
    return database


def everything_prefect_keeps() -> list[tuple[str, bytes]]:
    current, database = get_current_settings(), prefect_database()
    files = [path for path in database.parent.glob(f"{database.name}*") if path.is_file()]
    for folder in {
        Path(os.environ["PREFECT_HOME"]),
        current.home,
        current.results.local_storage_path,
    }:
        files += [path for path in Path(folder).rglob("*") if path.is_file()]
    return [(str(path), path.read_bytes()) for path in set(files)]


def all_that_was_said() -> list[tuple[str, bytes]]:
    """Once logs and events are there: they travel in batches, the last ones some seconds long."""
    log, event = f"log-{uuid.uuid4()}", f"event.{uuid.uuid4()}"

    @flow(name="last")
    def last() -> None:
        get_run_logger().info(log)

    last()
    emit_event(event, resource={"prefect.resource.id": "antragslos.test"})
    for _ in range(300):
        kept = everything_prefect_keeps()
        if all(any(mark.encode() in text for _, text in kept) for mark in (log, event)):
            return kept
        time.sleep(0.1)
    raise AssertionError("what was said last has not arrived: looked in the wrong place?")


def found_in(texts: list[tuple[str, bytes]], *more: str) -> list[tuple[str, str]]:
    encoded = [
        (name, form)
        for name in [*PLANTED, *more]
        for form in {name.encode(), json.dumps(name)[1:-1].encode()}
    ]
    return [(name, where) for where, text in texts for name, form in encoded if form in text]


def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a mail server or a register to come back."""
    from tasks.act import act_cases
    from tasks.decide import decide_cases
    from tasks.forget import forget_people
    from tasks.send import send_letters

    settings.cache_clear()
    for step in (send_letters, act_cases, decide_cases, forget_people):
        monkeypatch.setattr(step.task, "retry_delay_seconds", [0, 0])


def test_no_personal_data_reaches_prefect_in_good_days_and_in_bad(
    home: Path,
    deliver: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTRAGSLOS_SMTP_URL", NOBODY)
    without_pauses(monkeypatch)
    town = make_town(home, settling_days=0, permits=permits_with_email(home / "permits.jsonl"))
    town.put("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
    assert deliver("2026-11-20").name == "PartiallyFailed"  # the mail server is out of reach

    town.put("bad/05-falscher-ags-datensatz.xml")  # one record is quarantined
    # A rule that breaks with a resident's data in its message.
    real = resident_parking.service.decide

    def broken(situation: Any, *rest: Any) -> Any:
        if situation.delta.event == "E0009-0001":
            raise ValueError(f"cannot decide for {situation.now}")
        return real(situation, *rest)

    object.__setattr__(resident_parking.service, "decide", broken)
    try:
        assert deliver("2026-11-21").name == "PartiallyFailed"
    finally:
        object.__setattr__(resident_parking.service, "decide", real)

    # A record system that breaks with a resident's data in its message.
    def broken_register(register: SqlPermitRegister, keys: object) -> object:
        raise ValueError(f"no permit for Antje Brandt, {keys}")

    monkeypatch.setattr(SqlPermitRegister, "by_keys", broken_register)
    town.put("0004-paket1.xml", "0004-paket2.xml")
    assert " failed" in deliver("2026-11-22").message
    assert ("failed", "internal.ValueError") in town.cases().values()

    kept = all_that_was_said()
    assert any(b"needs_review" in text for _, text in kept), "looked in the wrong place"
    assert found_in(kept) == []


def test_no_personal_data_is_in_the_output_of_a_run_that_fails(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    town = make_town(home, settling_days=0, permits=permits_with_email(tmp_path / "permits.jsonl"))
    town.put("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
    run = subprocess.run(
        [sys.executable, "-c", DELIVER, "deliver", "-m", town.slug, "--on", "2026-11-20"],
        cwd=tmp_path,
        env=environment(home, ANTRAGSLOS_SMTP_URL=NOBODY, PREFECT_API_URL=server()),
        capture_output=True,
        check=False,
        timeout=120,
    )

    assert run.returncode == 1
    assert b"channel.smtp_unreachable" in run.stderr
    assert b"PartiallyFailed" in run.stderr
    assert found_in([("stdout", run.stdout), ("stderr", run.stderr)]) == []


def test_the_search_would_find_a_name() -> None:
    word = "papagei"  # not planted: other tests search what this one leaves behind

    @flow
    def leaky(name: str) -> None:
        get_run_logger().info("%s in a log", name[::-1])

    leaky(word)
    emit_event("antragslos.test", resource={"prefect.resource.id": f"antragslos.{word.upper()}"})

    kept = all_that_was_said()
    for said in (word, word[::-1], word.upper()):  # a parameter, a log, an event
        assert said in {name for name, _ in found_in(kept, said)}


# Replies, answers, and what takes them back ------------------------------------------------------


def apply(town: Town, on: date = DAY) -> Any:
    return apply_replies(ApplyParameters(municipalities=[town.slug], on=on), return_state=True)


def asked_about(town: Town, code: str) -> Asked:
    return next(asked for asked in open_questions(town.opened) if asked.code == code)


def at_the_page(town: Town, code: str, choice: str, note: str) -> None:
    """What a clerk does on the page."""
    case = asked_about(town, code).case
    with reading(town.opened.engine) as session:
        query = select(QuestionRow.id).where(QuestionRow.case_id == case)
        number = session.exec(query.where(QuestionRow.status == "open")).one()
    desk = StateClerkDesk(settings(), lambda _: DAY)
    seat = Seat(town.slug, CLERK)
    seen = desk.question(seat, number or 0).seen
    assert desk.answer(seat, number or 0, choice, note, seen, {}) == "valid"


def at_a_shell(town: Town, *words: str) -> tuple[str, bytes]:
    done = shell(town.settings.home, *words)
    assert done.returncode == 0, done.stderr
    return words[0], (done.stdout + done.stderr).encode()


def in_the_form(town: Town, code: str, choice: str) -> Any:
    """A clerk who first writes what does not belong there. Returns the end state."""
    asked = open_questions(town.opened, 25)
    number = next(n for n, one in enumerate(asked, start=1) if one.code == code)
    good = {"clerk": CLERK, f"q{number}": choice}
    refused: list[str] = []

    def fill() -> None:
        with get_client(sync_client=True) as client:
            for _ in range(300):
                paused = [run for run in client.read_flow_runs() if run.state_name == "Paused"]
                if paused:
                    break
                time.sleep(0.1)
            for bad in ({"clerk": "Frau Wendehals"}, {"note": "Wendehals"}, {"q1": "Wendehals"}):
                done = client.resume_flow_run(paused[0].id, run_input=good | bad)
                refused.append(done.status.value)
            client.resume_flow_run(paused[0].id, run_input=good)

    thread = threading.Thread(target=fill)
    thread.start()
    parameters = ReviewParameters(municipality=town.slug, questions=25, minutes=1, on=DAY)
    state = review_cases(parameters, return_state=True)
    thread.join()
    assert refused == ["REJECT"] * 3
    return state


def breaks(*args: object, **kwargs: object) -> Any:
    """With all the data that it was given in its message."""
    raise ValueError(f"no permit for Antje Brandt, Zirbelkiefer: {args} {kwargs}")


def test_no_word_of_residents_and_clerks_reaches_prefect(
    home: Path, deliver: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_pauses(monkeypatch)
    # Everybody has a letter by post; what is written to them from now on goes by e-mail.
    town = make_town(
        home,
        settling_days=0,
        resolutory_condition=False,
        permits=permits_with_email(home / "permits.jsonl"),
    )
    town.put(*FIRST)
    assert deliver(DAY.isoformat()).name == "NeedsReview"
    add_clerk(town)
    tokens = [token(town, event) for event in BORN]
    secrets = [text for made in tokens for text in (made.link_secret, made.short_code)]
    monkeypatch.setenv("ANTRAGSLOS_SMTP_URL", NOBODY)
    settings.cache_clear()

    # Residents write, and clerks answer on the page and at a shell. The mail server is away.
    for event, text in NASTY.items():
        reply(town, ReplyKind.WRONG, text, event=event)
    reply(town, ReplyKind.OPT_OUT, scope=Scope.INFORMATION)
    with reading(town.opened.engine) as session:
        words = " ".join(row.text for row in session.exec(select(ReplyRow)))
    assert all(word in words for word in ("Zirbelkiefer", "Rohrdommel", "Uferschnepfe"))
    at_the_page(town, "zone_ambiguous", "zone:A3", "Tannenhäher, sagt Herr Brandt")
    end = ("answer", case_of(town).id, "end", "-m", town.slug, "--clerk", CLERK)
    reasons = "Ziegenmelker {{ 1 }} " + "Tannenhäher " * 300
    said = stated(facts=reasons, hearing="Tannenhäher hat nichts eingewandt.")
    states = [word for name, words in said.items() for word in ("--state", f"{name}={words}")]
    outputs = [at_a_shell(town, *end, "--note", reasons, *states, "--on", DAY.isoformat())]
    assert "channel.smtp_unreachable" in apply(town).message
    assert case_of(town, cause="answer:").status == "lettered"

    # Prefect's form; and what does not belong there.
    assert "1 answered" in in_the_form(town, "holder_vanished", "by_hand").message
    outputs += [
        at_a_shell(town, word, "-m", town.slug) for word in ("questions", "clerks", "cases")
    ]

    # A rule breaks while it decides what follows a reply, and once more in the rerun.
    ending = resident_parking.service.ending
    object.__setattr__(resident_parking.service, "ending", breaks)
    try:
        reply(town, ReplyKind.DEREGISTER, event=NEUMANN)
        reply(town, ReplyKind.OBJECT)
        assert " failed" in apply(town).message
    finally:
        object.__setattr__(resident_parking.service, "ending", ending)
    # Mended; but now the confirmation's template asks for a file of the resident's name.
    templates = town.folder / "templates"
    templates.mkdir()
    (templates / "_reply.md.j2").write_text("{% include name %}")
    again = RerunParameters(municipality=town.slug, reason="mended", dry_run=False, on=DAY)
    assert "letter." in rerun_cases(again, return_state=True).message

    # The register breaks when a clerk has something taken back, and when the registry does.
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(SqlPermitRegister, "apply_many", breaks)
        at_the_page(town, "resident_says_wrong", "undo", "Tannenhäher")
        assert " failed" in apply(town).message
        town.put("0003-deltalieferung-ruecknahme.xml")
        assert " failed" in deliver(DAY.isoformat()).message
        assert ("failed", "internal.ValueError") in town.cases().values()

    # A question that cannot be read, with a name where none belongs.
    case = asked_about(town, "zone_list_gap").case
    with writing(town.opened.engine) as session:
        poisoned = update(QuestionRow).where(col(QuestionRow.case_id) == case)
        session.execute(poisoned.values(choices='[{"name": ["Zirbelkiefer", "Wójcik"]}]'))
    parameters = ReviewParameters(municipality=town.slug, on=DAY)
    state = review_cases(parameters, return_state=True)
    assert state.message == "musterstadt: internal.ValidationError"
    apply(town)

    # A person asks what is stored; later it is forgotten, at the second try.
    file = str(home / "auskunft.html")
    outputs.append(
        at_a_shell(
            town, "disclose", "-m", town.slug, "--key", "09000009:000000010025", "--out", file
        )
    )
    assert "Zirbelkiefer" in Path(file).read_text(encoding="utf-8")
    change_profile(town, "test_mode = false", "test_mode = true")
    late = ForgetParameters(municipalities=[town.slug], dry_run=False, on=date(2031, 1, 6))
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(SqlPermitRegister, "forget", breaks)
        assert "internal.ValueError" in forget(late, return_state=True).message
    assert forget(late, return_state=True).message.startswith("forgotten: ")

    kept = all_that_was_said()
    assert any(b"resident_says_wrong" in text for _, text in kept), "looked in the wrong place"
    assert any(CLERK.encode() in text for _, text in kept), "the form's values are not there"
    assert found_in([*kept, *outputs], *secrets) == []


def test_the_form_holds_no_permit_person_or_street(home: Path, deliver: Callable[..., Any]) -> None:
    town = make_town(home, settling_days=0, resolutory_condition=False)
    play(town, *FIRST)
    for event, text in NASTY.items():
        reply(town, ReplyKind.WRONG, text, event=event)
    apply(town)
    asked = open_questions(town.opened)

    model = form(asked).with_initial_data(description=as_markdown(asked))
    shown = json.dumps(model.model_json_schema()) + as_markdown(asked)

    assert len({question.code for question in asked}) > 8
    assert "zone:A3" in shown
    assert "resident_says_wrong" in {question.code for question in asked}
    assert found_in([("form", shown.encode())], "BPA-", "ZZ-", "straße", "Straße") == []


def test_a_reply_tells_prefect_that_there_is_one_and_nothing_else(home: Path) -> None:
    town = make_town(home, settling_days=0)
    play(town, *FIRST)
    made = token(town)
    earlier = len(recorded_events())  # of other tests on the same server
    open_database.cache_clear()
    with pages(town, server()) as served:
        served.open("/a/AAAAAAAA")
        served.open(f"/?code={made.short_code}")
        receipt = served.say_wrong(town, NASTY[WOJCIK])
        for _ in range(300):
            if events := recorded_events()[earlier:]:
                break
            time.sleep(0.1)
        code, out, err = served.stop(signal.SIGINT)
    kept = all_that_was_said()

    assert "Beleg" in receipt
    bare = ({"prefect.resource.id": "antragslos.replies.page"}, {}, [])
    assert set(map(repr, events)) == {repr(bare)}  # one, or also a late one of another test
    assert (code in (0, 130), err) == (True, "")
    assert re.fullmatch(r"Residents: http\S+  Clerks: http\S+/sachbearbeitung\n", out)
    secrets = (made.link_secret, made.short_code, served_number(receipt), case_of(town).id)
    assert found_in([*kept, ("out", out.encode())], *secrets) == []


def server() -> str:
    return get_current_settings().api.url or ""


def served_number(receipt: str) -> str:
    (number, *_) = re.findall(r"r-[a-z0-9]{12}", receipt)
    return str(number)


def recorded_events() -> list[tuple[Any, Any, Any]]:
    """(resource, payload, related) of the page's events."""
    query = "SELECT resource, payload, related FROM events WHERE event = ? ORDER BY recorded"
    with closing(sqlite3.connect(prefect_database())) as database:
        found = database.execute(query, ["antragslos.reply.recorded"]).fetchall()
    return [tuple(json.loads(part) for part in row) for row in found]  # type: ignore[misc]
