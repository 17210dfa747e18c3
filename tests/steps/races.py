"""Where a case may stand, and what may come in between: each brought about by real means.

The case is the one of Łukasz Wójcik: permit BPA-0002 in zone A3, and a move into zone A2 that
arrives on 2026-11-23. Before it his name was put right, so he has one letter with a code already.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from sqlmodel import select

import tasks.decide
from tasks.act import effects_of
from tasks.domain.address import Address
from tasks.domain.person import (
    Dwelling,
    Lock,
    Name,
    PartialDate,
    Person,
    PersonKey,
)
from tasks.domain.races import Race, Stand
from tasks.domain.record import Permit
from tasks.domain.reply import ReplyKind, Scope
from tasks.errors import ReplyRefused
from tasks.records.rows import save_permits
from tasks.review import open_questions
from tasks.send import recover_claims
from tasks.state import cases, decisions, outbox
from tasks.state.database import reading, writing
from tasks.state.documents import load_person
from tasks.state.tables import CaseRow, DeltaRow, PersonRow
from tests.delivery_writer import BASELINE, Sent
from tests.town import DELIVERIES, SLUG, Town, living_in, make_town

AGS = "09000009"
KEY = PersonKey(AGS, "000000010025")
NEW_KEY = PersonKey(AGS, "000000090025")
PERMIT, NEXT = "BPA-0002", "BPA-0002/2"
NAME_EVENT, MOVE_EVENT, RACE_EVENT = "E0002-0001", "E0003-0001", "E0004-0001"
ARRIVED = date(2026, 11, 23)  # the day on which the move arrives
SETTLED = date(2026, 11, 25)  # the day on which it is carried out
AHEAD = date(2026, 12, 1)  # the day of moving in, where that lies ahead
NOBODY_HOME = "mailto://127.0.0.1:9"  # a mail server that is away


def a_home(street: str, number: str, since: str) -> Dwelling:
    day = date.fromisoformat(since)
    address = Address(street, number, postcode="60000", town="Musterstadt", ags=AGS)
    return Dwelling(address, moved_in=day, registered=day)


OLD = a_home("Wollenweberstraße", "44", "2021-02-01")  # zone A3
NEW = a_home("Kröpeliner Straße", "40", "2026-11-15")  # zone A2
NEXT_DOOR = a_home("Altschmiedestraße", "5", "2026-11-15")  # zone A3 as well
THIRD = a_home("Große Mönchenstraße", "3", "2026-11-22")  # zone A1
WOJCIK = Person(
    KEY,
    Name("Wójcik", "Łukasz"),
    born=PartialDate(1991, 7, 30),
    sex="m",
    dwellings=(OLD,),
)
FORMERLY = replace(WOJCIK, name=Name("Wojcik", "Lukasz"))


def left(home: Dwelling, on: date | None) -> Dwelling:
    day = on or ARRIVED
    return replace(home, current=False, moved_out=PartialDate(day.year, day.month, day.day))


def moved_to(home: Dwelling) -> Person:
    return replace(WOJCIK, dwellings=(home, left(OLD, home.moved_in)))


# The town and its days -----------------------------------------------------------------------


def news(code: str, person: Person) -> Sent:
    return Sent("", BASELINE, code, person)


def deletion(key: PersonKey = KEY) -> Sent:
    return Sent("", BASELINE, key=key)


def a_town(home: Path, **options: Any) -> Town:
    """Wójcik lives in Wollenweberstraße, and has a letter about his name."""
    row = next(
        row
        for line in (DELIVERIES / "permits-sample.jsonl").read_text().splitlines()
        if (row := json.loads(line))["permit_no"] == PERMIT
    )
    permits = home / "permits.jsonl"
    permits.write_text(json.dumps(row | {"name": "Lukasz Wojcik"}))
    options = {"settling_days": 2, "extra": "notify_same_zone = false"} | options
    town = make_town(home, permits=permits, **options)
    town.send(news("101", FORMERLY), kind="full")
    town.run_day(date(2026, 11, 16))
    town.send(news("304", WOJCIK))
    town.run_day(date(2026, 11, 17))
    town.run_day(date(2026, 11, 19))
    assert case_of(town, NAME_EVENT).status == "sent"
    return town


# What is there -------------------------------------------------------------------------------


def rows(town: Town) -> list[tuple[str, CaseRow]]:
    """(event sign, case), in the order of events."""
    query = select(DeltaRow.event, CaseRow).join(CaseRow, CaseRow.delta_id == DeltaRow.id)
    with reading(town.opened.engine) as session:
        return list(session.exec(query.order_by(CaseRow.delta_id, CaseRow.created_at)))


def case_of(town: Town, event: str = MOVE_EVENT, cause: str = "") -> CaseRow:
    """The case of an event, or the one that follows it up because of a reply or an answer."""
    found = [
        case
        for sign, case in rows(town)
        if sign == event and (case.cause.startswith(cause) if cause else not case.cause)
    ]
    assert len(found) == 1, [(case.status, case.code, case.cause) for case in found]
    return found[0]


def permits(town: Town) -> dict[str, Permit]:
    return town.opened.register.get([PERMIT, NEXT, f"{PERMIT}/3", f"{PERMIT}/4"])


def questions(town: Town) -> dict[str, str]:
    """case id -> code"""
    return {asked.case: asked.code for asked in town.questions()}


@dataclass(frozen=True)
class Look:
    """Everything that may not change by itself."""

    cases: tuple[tuple[str, str, str, str], ...]  # event, cause's kind, status, code
    permits: tuple[tuple[str, str, str, str, str], ...]
    letters: tuple[tuple[str, str, str, str], ...]  # event's case code, status, code, first street
    questions: tuple[tuple[str, str], ...]  # event, code


def look(town: Town) -> Look:
    found = rows(town)
    events = {case.id: sign for sign, case in found}
    told = {}
    with reading(town.opened.engine) as session:
        for letter_id, its in outbox.cases_of(session, [row.id for row in town.letters()]).items():
            told[letter_id] = "+".join(f"{events[case.id]} {case.cause[:6]}" for case in its)
    return Look(
        tuple((sign, case.cause.partition(":")[0], case.status, case.code) for sign, case in found),
        tuple(
            (p.number, p.zone, p.status, p.valid_until.isoformat(), p.street)
            for p in permits(town).values()
        ),
        tuple(
            sorted((told[row.id], row.status, row.code, row.addressee) for row in town.letters())
        ),
        tuple(sorted((events[case], code) for case, code in questions(town).items())),
    )


# By hand -------------------------------------------------------------------------------------


def by_hand(town: Town, number: str = PERMIT, **changes: Any) -> None:
    """Somebody changes a permit in the permit system itself."""
    register = town.opened.register
    permit = register.get([number])[number]
    with register._database.writing() as connection:
        save_permits(connection, {number: permit}, {number: replace(permit, **changes)})


def set_profile(town: Town, old: str, new: str) -> None:
    path = town.folder / "profile.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


# Stands --------------------------------------------------------------------------------------


def _arrives(town: Town, home: Dwelling = NEW) -> None:
    town.send(news("302", moved_to(home)))
    town.run_day(ARRIVED)


def _open(town: Town) -> None:
    _arrives(town, replace(NEW, moved_in=AHEAD))


def _acting(town: Town, *, reached: bool) -> None:
    """A process that died between its two commits, before or after the register had its effect."""
    _arrives(town)
    town.run_day(SETTLED, until="decide")
    case = case_of(town)
    with writing(town.opened.engine) as session:
        (row,) = cases.load(session, [case.id])
        row.acting = True
    if reached:
        with reading(town.opened.engine) as session:
            last = decisions.last_decisions(session, [case.id])
            planned = effects_of(cases.load(session, [case.id]), last)
        town.opened.register.apply_many([(key, effect) for key, _, effect in planned])


def _acted(town: Town) -> None:
    _arrives(town)
    town.run_day(SETTLED, until="act")


def _lettered(town: Town) -> None:
    _arrives(town)
    town.run_day(SETTLED, until="render")


def _letter_stopped(town: Town) -> None:
    _lettered(town)
    locked = replace(moved_to(NEW), locks=(Lock("3", SETTLED),))
    town.send(news("307", locked))
    town.run_day(SETTLED)


def _needs_review(town: Town) -> None:
    by_hand(town, standing_application=False)
    _arrives(town)


def _sent(town: Town) -> None:
    _arrives(town)
    town.run_day(SETTLED)


def _closed(town: Town) -> None:
    _arrives(town, NEXT_DOOR)
    town.run_day(SETTLED)


def _declined(town: Town) -> None:
    _needs_review(town)
    assert town.answer(MOVE_EVENT, "by_hand", ARRIVED) == "valid"
    town.run_replies(ARRIVED)


def _suppressed(town: Town) -> None:
    town.reply(NAME_EVENT, ReplyKind.OPT_OUT, Scope.SERVICE, ARRIVED)
    _arrives(town)


def _undone(town: Town) -> None:
    _sent(town)
    town.reply(MOVE_EVENT, ReplyKind.DEREGISTER, Scope.CASE, SETTLED)
    town.run_replies(SETTLED)


def _failed_decide(town: Town) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError  # a rule with a fault

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks.decide, "decider", lambda *_: broken)
        _arrives(town)


def _failed_act(town: Town) -> None:
    _arrives(town)
    town.run_day(SETTLED, before={"act": lambda: by_hand(town, zone="W1")})
    by_hand(town, zone="A3")  # somebody has put it right again


def _failed_render(town: Town) -> None:
    own = town.folder / "templates"
    own.mkdir()
    (own / "resident_parking.md.j2").write_text("{{ no_such_word }}")
    _arrives(town)
    town.run_day(SETTLED)
    shutil.rmtree(own)


def _failed_send(town: Town) -> None:
    _arrives(town)
    with patch("tasks.send._parcel", side_effect=ZeroDivisionError):
        town.run_day(SETTLED)


def _uncertain(town: Town) -> None:
    by_hand(town, email="lukasz@residents.example", email_consent=True)
    with living_in(town.settings.home, NOBODY_HOME) as with_mail:
        _arrives(with_mail)
        with_mail.run_day(SETTLED)
        with writing(with_mail.opened.engine) as session:
            assert outbox.claim(session, outbox.ids_ready(session, SLUG, "email"))
        recover_claims(with_mail.opened, "run")


BRING: dict[Stand, Callable[[Town], None]] = {
    Stand.OPEN: _open,
    Stand.GRANTED: _arrives,
    Stand.ACTING_NOT_REACHED: lambda town: _acting(town, reached=False),
    Stand.ACTING_REACHED: lambda town: _acting(town, reached=True),
    Stand.ACTED: _acted,
    Stand.LETTERED: _lettered,
    Stand.LETTER_STOPPED: _letter_stopped,
    Stand.NEEDS_REVIEW: _needs_review,
    Stand.SENT: _sent,
    Stand.CLOSED: _closed,
    Stand.DECLINED: _declined,
    Stand.SUPPRESSED: _suppressed,
    Stand.UNDONE: _undone,
    Stand.FAILED_DECIDE: _failed_decide,
    Stand.FAILED_ACT: _failed_act,
    Stand.FAILED_RENDER: _failed_render,
    Stand.FAILED_SEND: _failed_send,
    Stand.UNCERTAIN: _uncertain,
}

# (status, code) with which the case stands there.
STANDS: dict[Stand, tuple[str, str]] = {
    Stand.OPEN: ("open", "future_move"),
    Stand.GRANTED: ("granted", "zone_switched"),
    Stand.ACTING_NOT_REACHED: ("granted", "zone_switched"),
    Stand.ACTING_REACHED: ("granted", "zone_switched"),
    Stand.ACTED: ("acted", "zone_switched"),
    Stand.LETTERED: ("lettered", "zone_switched"),
    Stand.LETTER_STOPPED: ("needs_review", "address_locked"),
    Stand.NEEDS_REVIEW: ("needs_review", "no_standing_application"),
    Stand.SENT: ("sent", "zone_switched"),
    Stand.CLOSED: ("closed", "address_updated"),
    Stand.DECLINED: ("declined", "settled_by_hand"),
    Stand.SUPPRESSED: ("suppressed", "opted_out"),
    Stand.UNDONE: ("undone", "deregistered"),
    Stand.FAILED_DECIDE: ("failed", "internal.ZeroDivisionError"),
    Stand.FAILED_ACT: ("failed", "records.changed_meanwhile"),
    Stand.FAILED_RENDER: ("failed", "letter.missing_variable"),
    Stand.FAILED_SEND: ("failed", "internal.ZeroDivisionError"),
    Stand.UNCERTAIN: ("failed", "channel.uncertain"),
}


# Races ---------------------------------------------------------------------------------------


def now(town: Town) -> Person:
    """As the registry's last delivery told it."""
    with reading(town.opened.engine) as session:
        row = session.exec(select(PersonRow).where(PersonRow.number == KEY.number)).one()
    person = load_person(row.snapshot)
    assert person is not None
    return person


def reversed_move(town: Town) -> Sent:
    return news("390", replace(now(town), dwellings=(OLD,)))


def moved_on(town: Town) -> Sent:
    person = now(town)
    home, *others = person.dwellings
    third = replace(THIRD, moved_in=AHEAD + timedelta(days=1)) if home.moved_in == AHEAD else THIRD
    return news("302", replace(person, dwellings=(third, left(home, third.moved_in), *others)))


def locked(town: Town) -> Sent:
    return news("307", replace(now(town), locks=(Lock("3", date(2028, 11, 30)),)))


def died(town: Town) -> Sent:
    day = PartialDate(2026, 11, 22)
    person = now(town)
    gone = tuple(
        replace(home, current=False, moved_out=day) if home.current else home
        for home in person.dwellings
    )
    return news("201", replace(person, died=day, dwellings=gone))


def key_changed(town: Town) -> Sent:
    return news("29", replace(now(town), key=NEW_KEY))


def play_race(town: Town, race: Race, day: date) -> None:
    """Happens on that day, before its run. Raises ReplyRefused where it cannot happen."""
    deliveries: dict[Race, Callable[[Town], Sent]] = {
        Race.EVENT_REVERSED: reversed_move,
        Race.RECORD_DELETED: lambda _: deletion(),
        Race.KEY_CHANGED: key_changed,
        Race.MOVED_AGAIN: moved_on,
        Race.LOCKED: locked,
        Race.DIED: died,
    }
    replies = {
        Race.DEREGISTERED: (ReplyKind.DEREGISTER, Scope.CASE, ""),
        Race.SAYS_WRONG: (ReplyKind.WRONG, Scope.CASE, "Ich bin nie umgezogen."),
    }
    if race in deliveries:
        town.send(deliveries[race](town))
    elif race in replies:
        kind, scope, text = replies[race]
        town.reply(MOVE_EVENT, kind, scope, day, text)
    elif race is Race.OPTED_OUT:
        town.reply(NAME_EVENT, ReplyKind.OPT_OUT, Scope.SERVICE, day)
    elif race is Race.PERMIT_CHANGED:
        live = next((p for p in permits(town).values() if p.number == NEXT), None)
        by_hand(town, live.number if live else PERMIT, zone="W1")
    elif race is Race.CLERK_ANSWERS:
        case = case_of(town)
        choice = next((q.choices[0].name for q in open_questions(town.opened, case=case.id)), "-")
        if (status := town.answer_case(case.id, choice, day)) != "valid":
            raise ReplyRefused(status)
    elif race is Race.SWITCHED_OFF:
        set_profile(town, "enabled = true", "enabled = false")
