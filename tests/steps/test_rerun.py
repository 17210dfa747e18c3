"""An admin runs failed cases again: the preview tells the truth, and twice changes nothing."""

from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import update

from tasks.domain.person import Lock
from tasks.explain import explain
from tasks.municipality import Municipality
from tasks.rerun import Preview, find_cases, preview, rerun
from tasks.send import send, to_send
from tasks.state.database import writing
from tasks.state.selection import Selection
from tasks.state.story import list_cases
from tasks.state.tables import LetterRow, SectionRow
from tests.steps.test_send import change_person
from tests.town import Town, make_town

DAY = date(2026, 11, 23)
FILES = ("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
BAD_TEMPLATE = "# Betreff {{ gibt_es_nicht }}\n\nText\n"


def letters(town: Town) -> int:
    return len(list((town.folder / "spool").glob("*.pdf")))


def look(town: Town, **criteria: tuple[str, ...]) -> tuple[Preview, list[str]]:
    opened = town.opened
    ids = find_cases(opened, Selection(**criteria))  # type: ignore[arg-type]
    return preview(opened, ids, DAY, False), ids


def run(town: Town, ids: list[str], resend_uncertain: bool = False) -> Preview:
    return rerun(town.opened, ids, DAY, "cause removed", "run-2", resend_uncertain)


@pytest.fixture
def broken_letter(town: Town) -> Town:
    folder = town.folder / "templates"
    folder.mkdir()
    (folder / "resident_parking.md.j2").write_text(BAD_TEMPLATE)
    counts = town.run_day(DAY, *FILES)
    assert counts["failed"] == 3
    return town


def test_while_the_cause_is_there_the_preview_says_so_and_a_rerun_changes_nothing(
    broken_letter: Town,
) -> None:
    before = broken_letter.cases()

    found, ids = look(broken_letter)

    assert found.sentence(done=False) == (
        "0 would now pass, 3 still blocked (letter.missing_variable), 0 second letters"
    )
    assert run(broken_letter, ids).blocked() == Counter({"letter.missing_variable": 3})
    assert broken_letter.cases() == before
    assert letters(broken_letter) == 0


def test_once_the_cause_is_gone_each_case_goes_on_where_it_failed(broken_letter: Town) -> None:
    (broken_letter.folder / "templates" / "resident_parking.md.j2").unlink()

    found, ids = look(broken_letter)
    assert found.sentence(done=False) == ("3 would now pass, 0 still blocked, 0 second letters")
    assert letters(broken_letter) == 0, "a preview sends nothing"

    done = run(broken_letter, ids)

    assert done.sentence(done=True) == "3 passed, 0 still blocked, 0 second letters"
    assert letters(broken_letter) == 3
    assert broken_letter.cases()["E0002-0002"] == ("sent", "zone_switched")


def test_pressed_twice_nothing_happens_twice(broken_letter: Town) -> None:
    (broken_letter.folder / "templates" / "resident_parking.md.j2").unlink()
    _, ids = look(broken_letter)
    run(broken_letter, ids)
    before, permits = broken_letter.cases(), broken_letter.permits("BPA-0002/3")

    run(broken_letter, ids)

    assert broken_letter.cases() == before
    assert letters(broken_letter) == 3
    assert not permits
    assert look(broken_letter)[1] == []


def test_the_reason_is_kept_in_the_history(broken_letter: Town) -> None:
    (broken_letter.folder / "templates" / "resident_parking.md.j2").unlink()
    _, ids = look(broken_letter)
    run(broken_letter, ids)

    history = explain(ids[0], broken_letter.settings)["history"]
    assert "admin: cause removed" in {
        change["by"] for change in history if change["run"] == "run-2"
    }


def test_a_permit_changed_by_hand_blocks_until_it_fits_again(town: Town) -> None:
    from tasks.domain.effect import Effect, EffectKind

    register = town.opened.register
    town.run_day("2026-11-22", FILES[0])
    # Between decision and act somebody ends the permit in the permit system.
    ended = Effect(EffectKind.END, "BPA-0002", {"valid_until": "2026-11-22"})
    by_hand = {"act": lambda: register.apply("by hand", ended)}
    town.run_day(DAY, FILES[1], before=by_hand, strict=True)
    assert town.cases()["E0002-0002"] == ("failed", "records.changed_meanwhile")

    found, ids = look(town)
    assert found.sentence(done=False).startswith("1 would now pass")  # it is decided anew

    run(town, ids)
    assert town.cases()["E0002-0002"] == ("declined", "no_active_permit")


def test_a_corrected_zone_list_lets_a_clerks_cases_pass(town: Town) -> None:
    town.run_day(DAY, *FILES)
    zones = town.folder / "zones.json"
    criteria = {"statuses": ("needs_review",), "codes": ("zone_ambiguous",)}
    assert look(town, **criteria)[0].blocked() == Counter({"zone_ambiguous": 1})

    zones.write_text(zones.read_text().replace("Molkenstr.;Mühlenstr.;", "Molkenstr.;"))
    found, ids = look(town, **criteria)
    assert found.passing == ids

    run(town, ids)
    assert town.cases()["E0002-0004"] == ("sent", "zone_switched")


def test_an_uncertain_letter_goes_out_again_only_when_an_admin_says_so(town: Town) -> None:
    town.run_day(DAY, *FILES)
    case = make_uncertain(town.opened, "E0002-0002")
    before = letters(town)

    found, ids = look(town)
    assert ids == [case]
    assert found.sentence(done=False) == (
        "0 would now pass, 1 still blocked (channel.uncertain), 0 second letters"
    )
    assert preview(town.opened, ids, DAY, True).second_letters() == 1

    run(town, ids)
    assert town.cases()["E0002-0002"] == ("failed", "channel.uncertain")
    run(town, ids, resend_uncertain=True)
    assert town.cases()["E0002-0002"][0] == "sent"
    assert letters(town) == before, "the spool knows the letter by its name"


def make_uncertain(town: Municipality, event: str) -> str:
    from tasks.domain.case import Status, Step
    from tasks.state import cases as store

    with writing(town.engine) as session:
        (line,) = [line for line in list_cases(session, town.slug) if line.event == event]
        (row,) = store.load(session, [line.case])
        row.status = Status.LETTERED.value
        store.fail(session, [row], Step.SEND, {row.id: "channel.uncertain"}, "run")
        sections = SectionRow.__table__.c  # type: ignore[attr-defined]
        from sqlalchemy import select

        letter = session.execute(select(sections.letter_id).where(sections.case_id == row.id))
        session.execute(
            update(LetterRow)
            .where(LetterRow.id == letter.scalar_one())  # type: ignore[arg-type]
            .values(status="uncertain")
        )
        return row.id


def test_an_admin_finds_cases_by_run_service_code_and_id(broken_letter: Town) -> None:
    _, ids = look(broken_letter)

    assert look(broken_letter, codes=("letter.missing_variable",))[1] == ids
    assert look(broken_letter, codes=("channel.spool_full",))[1] == []
    assert look(broken_letter, services=("resident_parking",))[1] == ids
    assert look(broken_letter, services=("dog_tax",))[1] == []
    assert look(broken_letter, case_ids=(ids[0],))[1] == ids[:1]
    opened = broken_letter.opened
    assert find_cases(opened, Selection(run="run")) == ids
    assert find_cases(opened, Selection(run="another")) == []


def test_a_mail_server_out_of_reach_blocks_and_once_back_lets_pass(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise ZeroDivisionError

    town = make_town(home, settling_days=0)
    with monkeypatch.context() as patch:
        patch.setattr("tasks.send._parcel", breaks)
        town.run_day(DAY, *FILES)
    assert town.cases()["E0002-0002"] == ("failed", "internal.ZeroDivisionError")

    spool = town.folder / "spool"
    spool.rmdir()
    found, ids = look(town)
    assert found.blocked() == Counter({"channel.spool_unreachable": 3})
    spool.mkdir()
    assert look(town)[0].passing == ids
    run(town, ids)

    assert town.cases()["E0002-0002"] == ("sent", "zone_switched")
    assert letters(town) == 3


@pytest.mark.parametrize(
    ("day", "blocked"),
    [(date(2026, 11, 24), True), (date(2026, 11, 25), True), (date(2026, 11, 26), False)],
)
def test_a_stopped_letter_goes_once_the_lock_has_ended_and_nothing_is_decided_anew(
    town: Town, day: date, blocked: bool
) -> None:
    town.run_day(DAY, *FILES, until="render")
    change_person(town, "000000010025", locks=(Lock("3", date(2026, 11, 25)),))
    send(town.opened, "post", to_send(town.opened, "post"), DAY, "run")
    assert town.cases()["E0002-0002"] == ("needs_review", "address_locked")
    permits = town.permits("BPA-0002", "BPA-0002/2")
    criteria = {"statuses": ("needs_review",), "codes": ("address_locked",)}
    (case,) = set(look(town, **criteria)[1]) - locked_before(town)

    assert bool(preview(town.opened, [case], day, False).blocked()) is blocked
    rerun(town.opened, [case], day, "lock ended", "run-2", False)

    expected = ("needs_review", "address_locked") if blocked else ("sent", "zone_switched")
    assert town.cases()["E0002-0002"] == expected
    assert letters(town) == (2 if blocked else 3)
    # A letter that leaves later says a later last day of the old permit.
    known = {} if blocked else {"valid_until": date(2026, 11, 30)}
    permits["BPA-0002"] = replace(permits["BPA-0002"], **known)
    assert town.permits("BPA-0002", "BPA-0002/2") == permits


def locked_before(town: Town) -> set[str]:
    return {line.case for line in town.lines() if line.event == "E0002-0010"}
