"""The life of a case as it is told: in order, with who or what caused each line, nothing twice."""

import json
import shutil
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import select
from typer.testing import CliRunner

from flows.cli import app
from tasks.act import act_batch
from tasks.decide import decide_batch
from tasks.explain import UnknownCase, explain, tell
from tasks.replies.tokens import token_for
from tasks.send import recover_claims
from tasks.services import resident_parking
from tasks.settings import settings
from tasks.state import answers, outbox
from tasks.state.database import open_database, reading, utcnow, writing
from tasks.state.story import list_cases
from tasks.state.tables import (
    AnswerRow,
    CaseRow,
    DecisionRow,
    Delivery,
    DeltaRow,
    EffectRow,
    History,
    LetterRow,
    OptOut,
    QuestionRow,
    ReplyRow,
    SectionRow,
)
from tasks.take_up import take_up_batch
from tests.builders import stated
from tests.steps.conftest import Deliver
from tests.town import Town, make_town, worked_town

FIRST = ("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
BACK = "0003-deltalieferung-ruecknahme.xml"
DAY = date(2026, 11, 23)
RULE = "rule resident_parking"
VERSION = f" {resident_parking.service.rule_version}"


@pytest.fixture
def any_town(home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Town:
    """The state on SQLite and on PostgreSQL."""
    state = "" if database_url.startswith("sqlite") else database_url
    monkeypatch.setenv("ANTRAGSLOS_DATABASE_URL", state)
    settings.cache_clear()
    open_database.cache_clear()  # the PostgreSQL of the test before was swept
    return make_town(home, database_url=state, settling_days=0)


@pytest.fixture
def monday(home: Path) -> Town:
    return worked_town(home, settling_days=0)


def case_of(town: Town, sign: str) -> str:
    with reading(town.opened.engine) as session:
        (found,) = [
            line.case
            for line in list_cases(session, town.slug)
            if line.event == sign and not session.get_one(CaseRow, line.case).follows
        ]
        return found


def told(town: Town, case_id: str, *kinds: str, chain: bool = False) -> list[dict[str, Any]]:
    """Entries of the timeline, all or those of some kinds."""
    story = explain(case_id, town.settings, chain)
    return [entry for entry in story["timeline"] if not kinds or entry["kind"] in kinds]


def only(town: Town, case_id: str, kind: str) -> dict[str, Any]:
    (entry,) = told(town, case_id, kind)
    return entry


def refs(entries: list[dict[str, Any]], prefix: str) -> set[str]:
    """Without the further lines that a row has, such as a letter's hand-over."""
    return {entry["ref"] for entry in entries if entry["ref"].startswith(f"{prefix}:")}


def in_order(entries: list[dict[str, Any]]) -> bool:
    moments = [datetime.fromisoformat(entry["at"]) for entry in entries]
    return all(one.tzinfo for one in moments) and moments == sorted(moments)


# One case


def test_a_switched_permit_is_told_from_the_registry_to_the_print_spool(monday: Town) -> None:
    case_id = case_of(monday, "E0002-0002")
    entries = told(monday, case_id)

    assert [(entry["kind"], entry["who"].removesuffix(VERSION)) for entry in entries] == [
        ("event", "registry"),
        ("opened", "pipeline"),
        ("link", "pipeline"),
        ("decision", RULE),
        ("status", "rule"),
        ("effect", "pipeline"),
        ("status", "pipeline"),
        ("letter", "pipeline"),
        ("status", "pipeline"),
        ("letter_claimed", "channel post"),
        ("letter_settled", "channel post"),
        ("status", "pipeline"),
    ]
    assert in_order(entries)
    arrived = entries[0]
    assert (
        "in delivery 2 (xmeldit), packet 1, position 2, received on 2026-11-23"
        in arrived["details"]
    )
    assert any("Łukasz Wójcik" in line for line in arrived["details"])
    with reading(monday.opened.engine) as session:
        row = session.exec(select(DecisionRow).where(DecisionRow.case_id == case_id)).one()
        letter = session.exec(
            select(LetterRow).join(SectionRow).where(SectionRow.case_id == case_id)
        ).one()
    decided = entries[3]
    assert decided["who"] == f"{RULE} {row.rule_version}"
    assert decided["details"][0] == "decided for the day 2026-11-23, replays to the same"
    assert any("StVO § 46 Abs. 5" in line for line in decided["details"])
    done = entries[5]
    assert "the record system answered: new_permit_number=BPA-0002/2" in done["details"]
    assert any(line.startswith("is taken back by restore BPA-0002") for line in done["details"])
    assert entries[-2]["what"] == f"letter {letter.id} was handed over as {letter.reference}"
    assert entries[-1]["what"] == "status lettered → sent (zone_switched)"


def test_times_are_those_of_the_municipality(monday: Town) -> None:
    case_id = case_of(monday, "E0002-0002")
    story = explain(case_id, monday.settings)

    assert story["time_zone"] == "Europe/Berlin"
    first = datetime.fromisoformat(story["timeline"][1]["at"])
    with reading(monday.opened.engine) as session:
        assert first == session.get_one(CaseRow, case_id).created_at
    assert first.utcoffset() != UTC.utcoffset(first)
    assert tell(case_id, monday.settings).count("all times in Europe/Berlin") == 1


def test_a_case_can_be_told_when_its_municipality_cannot_be_opened_any_more(monday: Town) -> None:
    case_id = case_of(monday, "E0002-0002")
    shutil.rmtree(monday.folder)

    story = explain(case_id, monday.settings)

    assert story["time_zone"] == "UTC"
    assert len(story["timeline"]) == 12


def test_whoever_has_a_case_explained_at_a_shell_leaves_a_line(monday: Town) -> None:
    case_id = case_of(monday, "E0002-0002")
    for more in ([], ["--json"], ["--chain"]):
        assert CliRunner().invoke(app, ["explain", case_id, *more]).exit_code == 0

    log = (monday.settings.home / "access.log").read_text()
    assert log.count(f"{monday.slug} shell explain {case_id}") == 3


def test_an_unknown_case_is_named(town: Town) -> None:
    with pytest.raises(UnknownCase, match=r"^case\.unknown c-nowhere$"):
        explain("c-nowhere", town.settings)
    with pytest.raises(UnknownCase, match=r"^case\.unknown c-nowhere$"):
        tell("c-nowhere", town.settings)


# All cases of a week


def week(town: Town, deliver: Deliver) -> list[str]:
    deliver(town, "2026-11-23", *FIRST)
    deliver(town, "2026-11-24", BACK)
    deliver(town, "2026-11-25", "0004-paket1.xml", "0004-paket2.xml")
    deliver(town, "2026-11-26")
    with reading(town.opened.engine) as session:
        return [line.case for line in list_cases(session, town.slug)]


@pytest.mark.both_databases
def test_whatever_is_stored_of_a_case_is_told_once_and_in_order(
    any_town: Town, deliver: Deliver
) -> None:
    ids = week(any_town, deliver)
    assert len(ids) > 20

    for case_id in ids:
        entries = told(any_town, case_id)
        assert in_order(entries)
        assert max(Counter(entry["ref"] for entry in entries).values()) == 1
        with reading(any_town.opened.engine) as session:

            def of(model: Any, case_id: str = case_id, session: Any = session) -> list[Any]:
                return list(session.exec(select(model).where(model.case_id == case_id)))

            case = session.get_one(CaseRow, case_id)
            moves, decided = of(History), of(DecisionRow)
            assert refs(entries, "history") == {f"history:{row.id}" for row in moves}
            assert refs(entries, "decision") == {f"decision:{case_id}:{r.seq}" for r in decided}
            assert refs(entries, "effect") == {f"effect:{row.key}" for row in of(EffectRow)}
            letters = {ref for ref in refs(entries, "letter") if ref.count(":") == 1}
            assert letters == {f"letter:{row.letter_id}" for row in of(SectionRow)}
            asked = {ref for ref in refs(entries, "question") if ref.count(":") == 1}
            assert asked == {f"question:{row.id}" for row in of(QuestionRow)}
            assert f"delta:{case.delta_id}" in refs(entries, "delta")
        # What is open still stands; what is withdrawn was withdrawn last.
        for row in explain(case_id, any_town.settings)["questions"]:
            lines = [e for e in entries if e["ref"].startswith(f"question:{row['id']}")]
            gone = lines[-1]["kind"] == "question_withdrawn"
            assert gone == (row["status"] == "withdrawn"), row


def test_the_status_told_last_is_the_status_of_the_case(town: Town, deliver: Deliver) -> None:
    for case_id in week(town, deliver):
        story = explain(case_id, town.settings)
        moves = [entry for entry in story["timeline"] if entry["kind"] == "status"]
        assert story["status"] in moves[-1]["what"]
        assert story["history"][-1]["to"] == story["status"]


def test_the_document_holds_everything_and_is_json(town: Town, deliver: Deliver) -> None:
    for case_id in week(town, deliver):
        story = explain(case_id, town.settings, chain=True)
        assert json.loads(json.dumps(story)) == story
        wanted = {"case", "municipality", "service", "status", "code", "follows", "cause", "delta"}
        wanted |= {"decisions", "effects", "questions", "answers", "letters", "tokens", "replies"}
        wanted |= {"history", "related", "timeline", "time_zone", "chain"}
        assert wanted <= story.keys()
        assert {doc["case"] for doc in story["chain"]} == {doc["case"] for doc in story["related"]}


def test_no_copy_of_a_case_holds_what_opens_its_letter(monday: Town) -> None:
    """The birth date stands in the same document: whoever finds it could reply."""
    case = case_of(monday, "E0002-0002")
    token = token_for(case, "reply", settings().signing_key())

    document = json.dumps(explain(case, settings()), ensure_ascii=False)

    assert "1991" in document
    assert "[Ihr Code]" in document
    assert token.short_code not in document
    assert token.link_secret not in document


def test_telling_takes_a_few_queries_however_long_the_chain(monday: Town, deliver: Deliver) -> None:
    deliver(monday, "2026-11-24", BACK)
    statements: list[str] = []
    engine = open_database(monday.settings.state_url)

    def count(*args: Any) -> None:
        statements.append(args[2])

    event.listen(engine, "before_cursor_execute", count)
    try:
        explain(case_of(monday, "E0002-0012"), monday.settings, chain=True)
        alone = len(statements)
        statements.clear()
        explain(case_of(monday, "E0002-0003"), monday.settings, chain=True)
    finally:
        event.remove(engine, "before_cursor_execute", count)
    assert len(statements) == alone
    assert alone < 25


def test_a_case_decided_again_says_what_was_new(town: Town, deliver: Deliver) -> None:
    deliver(town, "2026-11-23", *FIRST)
    deliver(town, "2026-11-24", BACK)
    case_id = case_of(town, "E0002-0004")

    _, again = told(town, case_id, "decision")

    assert again["what"] == "decided again (decision 2): suppressed (superseded)"
    assert "new since the last decision: the person's data, later events" in again["details"]
    later = only(town, case_id, "later_event")
    assert later["what"] == "a later event of the same person: E0003-0005, address_update"
    assert case_of(town, "E0003-0005") in later["details"][1]
    entries = told(town, case_id)
    assert entries.index(later) < [entry["ref"] for entry in entries].index(again["ref"])


def test_an_event_that_came_after_the_end_of_a_case_is_not_its_history(
    monday: Town, deliver: Deliver
) -> None:
    deliver(monday, "2026-11-24", BACK)  # Wójcik has moved on, a day after his letter left

    assert told(monday, case_of(monday, "E0002-0002"), "later_event") == []


def test_a_question_is_told_as_it_was_asked_then_and_asked_again(monday: Town) -> None:
    case_id = case_of(monday, "E0002-0004")
    answer(monday, case_id, "by_hand")
    with writing(monday.opened.engine) as session:  # as if the answer was found to be wrong
        for row in session.exec(select(AnswerRow)):
            row.status = "refused"
    decide(monday, case_id)
    with writing(monday.opened.engine) as session:
        row = session.exec(select(QuestionRow).where(QuestionRow.case_id == case_id)).one()
        row.text, row.choices = "Another sentence.", "[]"

    first, again = told(monday, case_id, "question")

    assert "asks a clerk (zone_ambiguous): The new address can lie in several" in first["what"]
    assert "asks a clerk again (zone_ambiguous)" in again["what"]
    assert "may be answered: zone:W2: The address lies in zone W2." in first["details"]
    assert told(monday, case_id, "question_withdrawn") == []


def test_a_delivery_that_was_refused_first_is_not_told_as_having_arrived_then(
    monday: Town,
) -> None:
    case_id = case_of(monday, "E0002-0002")
    with writing(monday.opened.engine) as session:
        delivery = session.exec(select(Delivery).where(Delivery.number == 2)).one()
        delivery.attempts, delivery.created_at = 2, datetime(2026, 1, 7, 9, 30, tzinfo=UTC)

    arrived, opened = told(monday, case_id, "event", "opened")

    assert arrived["at"] == opened["at"]
    assert arrived["details"][0].endswith("noted 2 times, first 2026-01-07 10:30")


# Decisions that do not replay


def change_decision(town: Town, case_id: str, **values: Any) -> None:
    with writing(town.opened.engine) as session:
        row = session.exec(select(DecisionRow).where(DecisionRow.case_id == case_id)).one()
        for name, value in values.items():
            setattr(row, name, value)


def test_a_decision_that_comes_out_otherwise_today_is_told_as_such(monday: Town) -> None:
    case_id = case_of(monday, "E0002-0002")
    with reading(monday.opened.engine) as session:
        text = session.exec(select(DecisionRow).where(DecisionRow.case_id == case_id)).one()
    change_decision(
        monday, case_id, decision=text.decision.replace("zone_switched", "address_updated")
    )

    assert explain(case_id, monday.settings)["decisions"][0]["replays"] is False
    assert "DOES NOT REPLAY" in only(monday, case_id, "decision")["details"][0]


def test_a_decision_that_todays_rule_cannot_read_is_told_all_the_same(monday: Town) -> None:
    case_id = case_of(monday, "E0002-0002")
    change_decision(monday, case_id, parameters='{"service":"dog_tax","parameters":{},"gate":{}}')

    assert explain(case_id, monday.settings)["decisions"][0]["replays"] is None
    assert "cannot be replayed" in only(monday, case_id, "decision")["details"][0]


# Letters


def test_a_letter_kept_back_by_test_mode_is_told_as_such(home: Path, deliver: Deliver) -> None:
    town = make_town(home, settling_days=0, test_mode=True)
    deliver(town, "2026-11-23", *FIRST)

    settled = only(town, case_of(town, "E0002-0002"), "letter_settled")

    assert (settled["who"], settled["what"].split(" was ")[1]) == (
        "profile",
        "held back: test mode",
    )


def test_a_stopped_letter_is_told_with_its_reason_and_the_question_it_left(
    town: Town, deliver: Deliver
) -> None:
    spool = town.folder / "spool"
    spool.rmdir()
    assert deliver(town, "2026-11-23", *FIRST)["waiting_letters"]
    case_id = case_of(town, "E0002-0002")
    waits = only(town, case_id, "letter_settled")
    assert "could not leave yet (channel." in waits["what"]
    spool.mkdir()
    deliver(town, "2026-11-24", BACK)

    entries = told(town, case_id)

    stopped, asked = (
        next(entry for entry in entries if entry["kind"] == kind)
        for kind in ("letter_settled", "question")
    )
    assert "is stopped (superseded)" in stopped["what"]
    assert "The letter was stopped." in asked["what"]
    assert stopped["at"] == asked["at"]
    assert entries[-1]["what"] == "status lettered → needs_review (superseded)"


def test_an_uncertain_letter_says_that_nobody_knows(town: Town, deliver: Deliver) -> None:
    spool = town.folder / "spool"
    spool.rmdir()
    assert deliver(town, "2026-11-23", *FIRST)["waiting_letters"]
    with writing(town.opened.engine) as session:
        for letter in session.exec(select(LetterRow)):
            letter.channel = "email"
        session.flush()
        outbox.claim(session, outbox.ids_ready(session, town.slug, "email"))
    recover_claims(town.opened, "run-2")

    case_id = case_of(town, "E0002-0002")
    settled = only(town, case_id, "letter_settled")

    assert "uncertain (channel.uncertain: nobody knows whether it has left)" in settled["what"]
    claimed = only(town, case_id, "letter_claimed")
    assert claimed["at"] <= settled["at"]


def test_a_locked_token_is_told_without_a_moment_that_nobody_noted(monday: Town) -> None:
    case_id = case_of(monday, "E0002-0002")
    with writing(monday.opened.engine) as session:
        section = session.exec(select(SectionRow).where(SectionRow.case_id == case_id)).one()
        section.token_status, section.failures = "locked", 5

    entry = told(monday, case_id)[-1]

    assert entry["kind"] == "token"
    assert entry["what"].endswith("locked after 5 wrong birth dates")
    assert entry["details"] == ["the moment itself was not recorded"]


# Clerks


def answer(town: Town, case_id: str, choice: str, *, four_eyes: bool = False) -> None:
    with writing(town.opened.engine) as session:
        answers.give(
            session,
            town.slug,
            case_id,
            choice,
            by="MU",
            via="page",
            note="called the surveyor",
            stated=stated(),
            four_eyes=four_eyes,
            today=DAY,
        )


def decide(town: Town, case_id: str) -> None:
    decide_batch(town.opened, "resident_parking", [case_id], DAY, "run-2")


def test_a_clerks_answer_is_told_with_the_decision_that_stands_on_it(monday: Town) -> None:
    case_id = case_of(monday, "E0002-0004")
    answer(monday, case_id, "zone:W2")
    decide(monday, case_id)

    entries = told(monday, case_id)

    given = only(monday, case_id, "answer")
    assert given["who"] == "clerk MU (page)"
    assert given["what"].startswith("answered the question zone_ambiguous with „zone:W2“ (a-")
    assert "that means: The address lies in zone W2." in given["details"]
    assert "> called the surveyor" in given["details"]
    assert [e["kind"] for e in entries].count("question_withdrawn") == 0
    kinds = [entry["kind"] for entry in entries]
    assert kinds.index("question") < kinds.index("answer") < len(kinds) - 2
    assert "the question zone_ambiguous is answered; status stays needs_review" in [
        entry["what"] for entry in entries
    ]
    _, decided = told(monday, case_id, "decision")
    assert decided["who"].startswith(f"clerk MU, {RULE}")
    assert "with the answer „zone:W2“ of clerk MU to zone_ambiguous" in decided["details"]
    assert "replays to the same" in decided["details"][0]
    assert in_order(entries)


@pytest.mark.parametrize(("agree", "word"), [(True, "agreed to"), (False, "refused")])
def test_the_second_clerk_is_told_by_sign(monday: Town, agree: bool, word: str) -> None:
    case_id = case_of(monday, "E0002-0004")
    answer(monday, case_id, "zone:W2", four_eyes=True)
    assert "waits for a second clerk" in only(monday, case_id, "answer")["details"]
    with writing(monday.opened.engine) as session:
        question = session.exec(select(QuestionRow).where(QuestionRow.case_id == case_id)).one()
        seen = answers.seen_as(session, question, session.get_one(CaseRow, case_id))
        answers.confirm(
            session, monday.slug, question.id or 0, by="AB", agree=agree, today=DAY, seen=seen
        )

    confirmed = only(monday, case_id, "answer_confirmed")

    assert confirmed["who"] == "clerk AB"
    assert confirmed["what"].startswith(f"{word} the answer „zone:W2“ of clerk MU (four eyes, a-")
    details = only(monday, case_id, "answer")["details"]
    assert "waits for a second clerk" not in details
    assert not any(line.startswith("came to nothing") for line in details)


def test_an_answer_that_was_overtaken_is_not_told_as_refused_by_anyone(monday: Town) -> None:
    case_id = case_of(monday, "E0002-0004")
    answer(monday, case_id, "zone:W2", four_eyes=True)
    with writing(monday.opened.engine) as session:
        session.exec(select(AnswerRow)).one().status = "refused"

    given = only(monday, case_id, "answer")

    assert any(line.startswith("came to nothing") for line in given["details"])
    assert told(monday, case_id, "answer_confirmed") == []


def test_the_part_left_to_a_clerk_is_opened_once_the_rest_is_carried_out(
    home: Path, deliver: Deliver
) -> None:
    town = make_town(home, settling_days=0, resolutory_condition=False)
    deliver(town, "2026-11-23", *FIRST)
    case_id = case_of(town, "E0002-0002")

    entries = told(town, case_id)

    left, opened = (entry["what"] for entry in entries if entry["kind"] == "question")
    assert left.startswith("leaves a part to a clerk, asked once the rest is carried out (end_old")
    assert opened == "the rest is carried out: the question end_old_permit is open to clerks"
    kinds = [entry["kind"] for entry in entries]
    assert kinds.index("question") < kinds.index("effect")
    assert in_order(entries)

    answer(town, case_id, "end")
    (line,) = told(town, case_id, "related")
    assert line["who"].startswith("a clerk's answer a-")
    assert "another case follows this one up" in line["what"]
    with reading(town.opened.engine) as session:
        follow = session.exec(select(CaseRow.id).where(CaseRow.follows == case_id)).one()
    decide(town, follow)
    decided = only(town, follow, "decision")
    assert "with the clerk's choice „end“ for the part left open" in decided["details"]
    assert "replays to the same" in decided["details"][0]
    assert told(town, case_id, "question_withdrawn") == []


# Residents, and the chain


def reply(town: Town, case_id: str, text: str = "", **values: Any) -> str:
    """Records a reply, takes it up, and carries out what follows."""
    with writing(town.opened.engine) as session:
        section = session.exec(select(SectionRow).where(SectionRow.case_id == case_id)).one()
        row = ReplyRow(
            **{
                "id": "r-4k7m2x9qtbnr",
                "municipality": town.slug,
                "case_id": case_id,
                "section_id": section.id or 0,
                "kind": "deregister",
                "scope": "service",
                "text": text,
                "at": utcnow(),
                "received_on": DAY,
            }
            | values
        )
        session.add(row)
    assert "not taken up yet" in only(town, case_id, "reply")["details"]
    take_up_batch(town.opened, [row.id], DAY, "run-2")
    with reading(town.opened.engine) as session:
        follow = session.exec(select(CaseRow.id).where(CaseRow.follows == case_id)).one()
    decide(town, follow)
    act_batch(town.opened, [follow], DAY, "run-2")
    return follow


def test_a_reply_and_the_case_that_follows_it_up_name_each_other(monday: Town) -> None:
    case_id = case_of(monday, "E0002-0002")
    follow = reply(monday, case_id)

    said = only(monday, case_id, "reply")
    assert said["who"] == "resident (page)"
    assert "r-4k7m2x9qtbnr" in said["what"]
    assert "deregister" in said["what"]
    assert "for this service in future" in said["what"]
    assert "leaves this person alone from 2026-11-23: resident_parking" in said["details"]
    entries = told(monday, case_id)
    related = only(monday, case_id, "related")
    assert related["who"] == "the resident's reply r-4k7m2x9qtbnr"
    assert f"another case follows this one up: {follow}" in related["what"]
    assert entries.index(said) < entries.index(related)
    undone = entries[-1]
    assert (undone["who"], undone["what"].split(" (")[0]) == (
        f"case {follow}",
        "status sent → undone",
    )

    back = only(monday, follow, "related")
    assert f"the case that this one follows up: {case_id}" in back["what"]
    opened = only(monday, follow, "opened")
    assert opened["who"] == "the resident's reply r-4k7m2x9qtbnr"
    assert opened["what"].endswith(f"to follow up case {case_id}")
    decided = only(monday, follow, "decision")
    assert "replays to the same" in decided["details"][0]
    assert any(line.startswith("with the resident's reply") for line in decided["details"])
    assert "undoes the case that this one is about" in decided["details"]


def test_a_reply_from_the_phone_names_the_clerk_who_wrote_it_down(monday: Town) -> None:
    case_id = case_of(monday, "E0002-0002")
    reply(monday, case_id, via="phone", recorded_by="MU")

    assert only(monday, case_id, "reply")["who"] == "resident, taken down by clerk MU (phone)"


def test_the_chain_tells_both_cases_in_one_order_and_nothing_twice(monday: Town) -> None:
    case_id = case_of(monday, "E0002-0002")
    follow = reply(monday, case_id)

    whole = told(monday, case_id, chain=True)

    assert whole == told(monday, follow, chain=True)
    assert in_order(whole)
    assert {entry["case"] for entry in whole} == {case_id, follow}
    assert max(Counter(entry["ref"] for entry in whole).values()) == 1
    assert "related" not in {entry["kind"] for entry in whole}
    for one in (case_id, follow):
        parts = {e["ref"] for e in told(monday, one) if e["kind"] not in ("related", "opt_out")}
        assert parts <= {entry["ref"] for entry in whole}
    lines = tell(case_id, monday.settings, chain=True)
    assert any(follow in line and "to follow up case" in line for line in lines)


def test_a_reversal_and_what_it_takes_back_name_each_other(monday: Town, deliver: Deliver) -> None:
    deliver(monday, "2026-11-24", BACK)
    first, back = case_of(monday, "E0002-0003"), case_of(monday, "E0003-0001")

    line = only(monday, first, "related")
    assert line["who"] == "registry"
    assert line["what"].startswith(
        f"event E0003-0001 has taken this case's event back: {back}, now declined"
    )
    entries = told(monday, first)
    suppressed = next(e for e in entries if e["what"].startswith("decided again"))
    assert entries.index(line) < entries.index(suppressed)

    line = only(monday, back, "related")
    assert line["what"].startswith(
        f"the case of event E0002-0003, which this one takes back: {first}, now suppressed"
    )
    assert "takes back event E0002-0003 of delivery 2" in only(monday, back, "event")["details"]
    whole = told(monday, back, chain=True)
    assert whole == told(monday, first, chain=True)
    assert in_order(whole)
    assert [entry["kind"] for entry in whole].count("event") == 2


def test_a_resident_cannot_write_a_line_of_the_history(monday: Town) -> None:
    case_id = case_of(monday, "E0002-0002")
    forged = "2026-11-23 10:00:00  clerk MU: status sent → undone"
    reply(monday, case_id, f"Hallo\n{forged}\r\x1b[2Jweg\u202edrehen")

    lines = tell(case_id, monday.settings)

    assert forged not in lines
    assert f"      > {forged}" in lines
    assert not any("\x1b" in line or "\u202e" in line or "\n" in line for line in lines)


def test_an_earlier_wish_to_be_left_alone_is_told_where_it_was_said(monday: Town) -> None:
    case_id = case_of(monday, "E0002-0002")
    with writing(monday.opened.engine) as session:
        case = session.get_one(CaseRow, case_id)
        for service, since in ((case.service, date(2026, 1, 7)), ("", date(2999, 1, 1))):
            session.add(
                OptOut(
                    municipality=monday.slug,
                    person_id=case.person_id,
                    service=service,
                    since=since,
                    reply_id="r-elsewhere",
                )
            )

    first, *rest = told(monday, case_id)

    assert (first["kind"], first["at"]) == ("opt_out", "2026-01-07T00:00:00+01:00")
    assert first["details"] == ["by reply r-elsewhere"]
    assert "opt_out" not in {entry["kind"] for entry in rest}


# What is left after retention


def forget(town: Town, case_id: str, day: date) -> None:
    """As retention leaves it: documents empty, rows and codes there."""
    with writing(town.opened.engine) as session:
        case = session.get_one(CaseRow, case_id)
        case.forgotten_on = day
        delta = session.get_one(DeltaRow, case.delta_id)
        delta.before = delta.after = None
        for model, names in (
            (DecisionRow, ("decision", "situation", "parameters")),
            (EffectRow, ("effect", "inverse", "result")),
            (QuestionRow, ("proposal", "choices")),
            (ReplyRow, ("text",)),
            (AnswerRow, ("note",)),
        ):
            for row in session.exec(select(model).where(model.case_id == case_id)):
                for name in names:
                    setattr(row, name, "")
        for letter in session.exec(
            select(LetterRow).join(SectionRow).where(SectionRow.case_id == case_id)
        ):
            letter.text = letter.html = letter.addressee = letter.recipient = letter.subject = ""


@pytest.mark.parametrize("day", [date(2026, 1, 7), date(2999, 1, 7)])
def test_a_forgotten_case_is_told_without_personal_data(monday: Town, day: date) -> None:
    case_id = case_of(monday, "E0002-0002")
    reply(monday, case_id, "Ich brauche ihn nicht mehr. Wójcik")
    before = [entry["ref"] for entry in told(monday, case_id) if entry["kind"] != "link"]
    forget(monday, case_id, day)

    entries = told(monday, case_id)

    last = entries.pop()
    assert (last["kind"], last["what"]) == ("forgotten", f"personal data was removed on {day}")
    assert [entry["ref"] for entry in entries] == before
    text = "\n".join(tell(case_id, monday.settings))
    for word in ("Wójcik", "Kröpeliner", "ZZ-MU", "1991"):
        assert word not in text
    assert "granted (zone_switched)" in text
    assert "cannot be replayed" in text
    assert in_order([*entries, last])
    story = explain(case_id, monday.settings)
    assert json.loads(json.dumps(story)) == story
    assert story["forgotten_on"] == day.isoformat()


def test_a_forgotten_question_is_still_told_as_asked(monday: Town) -> None:
    case_id = case_of(monday, "E0002-0004")
    forget(monday, case_id, date(2999, 1, 7))

    asked = only(monday, case_id, "question")

    assert "(zone_ambiguous)" in asked["what"]
    assert asked["details"] == []
