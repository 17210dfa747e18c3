"""How letters leave: consent, quiet hours, test mode, a lock in the last minute, a dead process."""

import json
from collections import Counter
from dataclasses import replace
from datetime import date, time
from pathlib import Path

import pytest
from sqlmodel import select

from tasks.domain.person import Address, Dwelling, Lock
from tasks.profile import QuietHours
from tasks.send import recover_claims, send, to_send
from tasks.settings import settings
from tasks.state import outbox
from tasks.state.database import writing
from tasks.state.documents import PERSON, dump, load_person
from tasks.state.tables import LetterRow, PersonRow
from tests.delivery_writer import BASELINE, Sent
from tests.steps.races import NEW, WOJCIK, left, moved_to
from tests.town import DELIVERIES, Town, make_town

DAY = date(2026, 11, 23)
FILES = ("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")


def letters(town: Town) -> Counter[tuple[str, str]]:
    return Counter((letter.channel, letter.status) for letter in town.letters())


def with_email(home: Path, consent: bool) -> Path:
    path = home / "permits.jsonl"
    rows = [json.loads(line) for line in (DELIVERIES / "permits-sample.jsonl").open()]
    more = {"email": "someone@residents.example", "email_consent": consent}
    path.write_text("\n".join(json.dumps(row | more) for row in rows))
    return path


@pytest.mark.parametrize(("consent", "channel"), [(True, "email"), (False, "post")])
def test_an_email_needs_a_recorded_consent(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    consent: bool,
    channel: str,
) -> None:
    monkeypatch.setenv("ANTRAGSLOS_SMTP_URL", "mailto://127.0.0.1:9")
    settings.cache_clear()
    town = make_town(home, settling_days=0, permits=with_email(home, consent))
    town.run_day(DAY, *FILES)

    assert {found for found, _ in letters(town)} == {channel}


def test_without_a_mail_server_everything_goes_by_post(home: Path) -> None:
    town = make_town(home, settling_days=0, permits=with_email(home, True))
    town.run_day(DAY, *FILES)

    assert letters(town) == Counter({("post", "handed_over"): 3})


def test_a_mail_server_out_of_reach_keeps_the_letter_ready(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTRAGSLOS_SMTP_URL", "mailto://127.0.0.1:9")
    settings.cache_clear()
    town = make_town(home, settling_days=0, permits=with_email(home, True))
    counts = town.run_day(DAY, *FILES)

    assert counts["waiting_letters"] == 3
    assert counts["stopped:channel.smtp_unreachable"] == 1
    assert letters(town) == Counter({("email", "ready"): 3})
    assert {(row.code, row.attempts) for row in town.letters()} == {("channel.smtp_unreachable", 0)}
    assert town.cases()["E0002-0002"] == ("lettered", "zone_switched")


def test_in_test_mode_everything_is_rendered_and_nothing_leaves(home: Path) -> None:
    town = make_town(home, settling_days=0, test_mode=True)
    counts = town.run_day(DAY, *FILES)

    assert counts["held_back"] == 3
    assert letters(town) == Counter({("post", "held_back"): 3})
    assert not list((town.folder / "spool").iterdir())
    assert all(letter.pdf.startswith(b"%PDF") for letter in town.letters())


def change_person(town: Town, number: str, **changes: object) -> None:
    with writing(town.opened.engine) as session:
        row = session.exec(select(PersonRow).where(PersonRow.number == number)).one()
        person = load_person(row.snapshot)
        assert person is not None
        row.snapshot = dump(PERSON, replace(person, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("until", "status"),
    [(date(2026, 11, 22), "sent"), (DAY, "needs_review"), (date(2026, 11, 24), "needs_review")],
)
def test_a_lock_that_arrives_after_rendering_stops_the_letter(
    town: Town, until: date, status: str
) -> None:
    town.run_day(DAY, *FILES, until="render")
    change_person(town, "000000010025", locks=(Lock("3", until),))

    send(town.opened, "post", to_send(town.opened, "post"), DAY, "run")

    assert town.cases()["E0002-0002"][0] == status
    assert len(list((town.folder / "spool").glob("*.pdf"))) == (3 if status == "sent" else 2)


def test_a_letter_in_the_hands_of_a_dead_process_is_never_silently_repeated(town: Town) -> None:
    town.run_day(DAY, *FILES, until="render")
    with writing(town.opened.engine) as session:
        for letter in session.exec(select(LetterRow)):
            letter.channel = "email"
        session.flush()
        outbox.claim(session, outbox.ids_ready(session, town.slug, "email"))

    counts = recover_claims(town.opened, "run-2")

    assert counts["uncertain"] == 3
    assert letters(town) == Counter({("email", "uncertain"): 3})
    assert town.cases()["E0002-0002"] == ("failed", "channel.uncertain")
    assert to_send(town.opened, "email") == []


def test_a_letter_for_the_spool_is_simply_put_there_again(town: Town) -> None:
    town.run_day(DAY, *FILES, until="render")
    with writing(town.opened.engine) as session:
        outbox.claim(session, outbox.ids_ready(session, town.slug, "post"))

    recover_claims(town.opened, "run-2")
    send(town.opened, "post", to_send(town.opened, "post"), DAY, "run-2")

    assert letters(town) == Counter({("post", "handed_over"): 3})
    assert len(list((town.folder / "spool").glob("*.pdf"))) == 3


def test_a_letter_that_a_dead_process_put_into_the_spool_has_left_whatever_comes_then(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    town.run_day(DAY, *FILES, until="render")
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "settle", die)  # listed in the manifest, and not noted
        with pytest.raises(KeyboardInterrupt):
            send(town.opened, "post", to_send(town.opened, "post"), DAY, "run-1")
    assert letters(town) == Counter({("post", "claimed"): 3})

    # Brandt has moved back and Wójcik has moved on: their letters would be stopped otherwise.
    town.run_day("2026-11-24", "0003-deltalieferung-ruecknahme.xml")

    assert letters(town)["post", "stopped"] == 0
    assert letters(town)["post", "handed_over"] >= 3
    told = [letter.reference for letter in town.letters() if letter.dated == DAY]
    assert sorted(told) == sorted(path.name for path in _printed(town, DAY))


def _printed(town: Town, day: date) -> list[Path]:
    manifest = town.folder / "spool" / f"manifest-{day}.jsonl"
    return [Path(json.loads(line)["file"]) for line in manifest.read_text().splitlines()]


def test_while_the_spool_is_away_nobody_knows_what_it_has(town: Town) -> None:
    town.run_day(DAY, *FILES, until="render")
    with writing(town.opened.engine) as session:
        outbox.claim(session, outbox.ids_ready(session, town.slug, "post"))
    spool = town.folder / "spool"
    spool.rename(town.folder / "away")

    recover_claims(town.opened, "run-2")
    assert letters(town) == Counter({("post", "claimed"): 3})

    (town.folder / "away").rename(spool)
    recover_claims(town.opened, "run-3")
    assert letters(town) == Counter({("post", "ready"): 3})


@pytest.mark.parametrize(
    ("moment", "quiet"),
    [
        (time(20, 59), False),
        (time(21, 0), True),
        (time(23, 59), True),
        (time(0, 0), True),
        (time(5, 59), True),
        (time(6, 0), False),
    ],
)
def test_no_email_leaves_at_night(moment: time, quiet: bool) -> None:
    assert QuietHours().cover(moment) is quiet


def test_quiet_hours_may_lie_within_a_day_or_be_switched_off() -> None:
    noon = QuietHours(start=time(12), end=time(13))
    assert [noon.cover(time(hour)) for hour in (11, 12, 13)] == [False, True, False]
    assert not QuietHours(start=time(0), end=time(0)).cover(time(3))


def test_a_letter_is_stopped_when_its_addressee_has_moved_on_before_it_left(town: Town) -> None:
    spool = town.folder / "spool"
    spool.rmdir()
    town.run_day(DAY, *FILES)
    spool.mkdir()

    town.run_day("2026-11-24", "0003-deltalieferung-ruecknahme.xml")

    found = town.cases()
    assert found["E0002-0001"] == ("needs_review", "superseded")  # Brandt has moved back
    assert found["E0002-0002"] == ("needs_review", "superseded")  # Wójcik has moved on
    assert found["E0002-0011"][0] == "sent"  # Neumann-Roth still lives there


def test_a_letter_to_who_has_left_the_town_meanwhile_is_stopped(home: Path) -> None:
    """Nothing was changed in the permit since: only the addressee lives elsewhere."""
    town = make_town(home, settling_days=0)
    town.run_day(DAY, FILES[0])
    town.send(Sent("", BASELINE, "302", moved_to(NEW)))
    town.run_day(DAY, until="render")
    leipzig = Address("Waldstraße", "7", postcode="04105", town="Leipzig", ags="14713000")
    away = replace(WOJCIK, dwellings=(left(NEW, DAY), Dwelling(leipzig, moved_in=DAY)))
    town.send(Sent("", BASELINE, "202", away))

    town.run_day(DAY)

    (letter,) = town.letters()
    assert (letter.status, letter.code) == ("stopped", "superseded")
    assert not list((town.folder / "spool").glob("*.pdf"))


def test_a_letter_whose_event_the_registry_has_taken_back_is_stopped(home: Path) -> None:
    """Also where it would still reach its addressee, who has moved to the same house after all."""
    town = make_town(home, settling_days=0, resolutory_condition=False)
    town.run_day(DAY, FILES[0])
    town.send(Sent("", BASELINE, "302", moved_to(NEW)))
    town.run_day(DAY, until="render")
    assert [letter.status for letter in town.letters()] == ["ready"]

    # Without the condition a clerk undoes it: the case stands while the letter waits.
    town.send(Sent("", BASELINE, "390", WOJCIK), Sent("", BASELINE, "302", moved_to(NEW)))
    town.run_day(DAY)

    (letter,) = town.letters()
    assert (letter.status, letter.code) == ("stopped", "reversed")
    assert not list((town.folder / "spool").glob("*.pdf"))


def test_an_error_that_nobody_foresaw_while_a_letter_is_handed_over_leaves_it_uncertain(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setenv("ANTRAGSLOS_SMTP_URL", "mailto://127.0.0.1:9")
    settings.cache_clear()
    monkeypatch.setattr("tasks.send.hand_over", breaks)
    town = make_town(home, settling_days=0, permits=with_email(home, True))
    for day in (DAY, date(2026, 11, 24)):
        town.run_day(day, *(FILES if day == DAY else ()))

    assert {(letter.status, letter.attempts) for letter in town.letters()} == {("uncertain", 1)}
