"""The life of cases as one ordered list: when, who or what caused it, and what happened.

Built from stored rows alone, so that it can be told years later. The rows of `history` are the
backbone. Where a row keeps no moment of its own (a question, a link), it is told at the moment of
the row that was written with it, or its entry says that the moment was not recorded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from tasks.domain.case import Status
from tasks.domain.delta import DeltaKind
from tasks.domain.person import Person
from tasks.history.decided import answers, decisions, links, questions
from tasks.history.lines import KINDS, Entry, View, closes_question, who_of
from tasks.history.told import effects, letters, opt_outs, replies, tokens
from tasks.state.documents import load_person
from tasks.state.tables import CaseRow, DeltaRow

_RANK = {kind: rank for rank, kind in enumerate(KINDS)}
_CAUSES = {"reply": "the resident's reply", "answer": "a clerk's answer"}


def timeline(view: View, told: Sequence[CaseRow]) -> list[Entry]:
    ids = [case.id for case in told]
    entries: dict[str, Entry] = {}
    for case in told:
        for entry in _life(view, case):
            if entry.about not in ids:
                entries.setdefault(entry.ref, entry)
    place = {case_id: position for position, case_id in enumerate(ids)}
    ordered = sorted(entries.values(), key=lambda e: (e.at, place[e.case], _RANK[e.kind]))
    return [replace(entry, at=entry.at.astimezone(view.zone)) for entry in ordered]


def _life(view: View, case: CaseRow) -> list[Entry]:
    entries = [
        *_event(view, case),
        _opened(case),
        *links(view, case),
        *replies(view, case),
        *answers(view, case),
        *decisions(view, case),
        *questions(view, case),
        *effects(view, case),
        *letters(view, case),
        *_moves(view, case),
    ]
    last = max(entry.at for entry in entries)
    entries += tokens(view, case, last)
    entries += opt_outs(view, case, last)
    entries += _later_events(view, case, last)
    entries += _related(view, case)
    entries += _forgotten(view, case, max(entry.at for entry in entries))
    return entries


def _event(view: View, case: CaseRow) -> Iterator[Entry]:
    delta = view.chain.delta_of(case)
    if delta is None:
        return
    code = f" (code {delta.reason_code})" if delta.reason_code else " (no code)"
    details = [_delivered(view, delta)]
    if delta.reverses:
        back = view.chain.reversed_by(delta)
        of = f" of delivery {back.delivery_no}" if back else ""
        details.append(f"takes back event {delta.reverses}{of}")
    if delta.kind != DeltaKind.IRRELEVANT:
        missing = "removed" if case.forgotten_on else "not in the register"
        details += _person("before", delta.before, missing)
        details += _person("after", delta.after, missing)
    yield Entry(
        _arrived(view, delta),
        case.id,
        "event",
        f"delta:{delta.id}",
        "registry",
        f"event {delta.event} of {view.moment(delta.event_time)}: {delta.kind}{code}",
        tuple(details),
    )


def _later_events(view: View, case: CaseRow, last: datetime) -> Iterator[Entry]:
    """What else came of this person while the case lived: it may have overtaken it."""
    own = {member.delta_id for member in view.chain.cases}
    for delta_id, delta in view.chain.deltas.items():
        if case.delta_id is None or delta_id <= case.delta_id or delta_id in own:
            continue
        arrived = _arrived(view, delta)
        if arrived > last or delta.kind == DeltaKind.IRRELEVANT:
            continue
        cases = [other for other in view.chain.neighbours if other.delta_id == delta_id]
        yield Entry(
            arrived,
            case.id,
            "later_event",
            f"delta:{delta_id}",
            "registry",
            f"a later event of the same person: {delta.event}, {delta.kind}",
            (_delivered(view, delta), *(f"its case: {_standing(other)}" for other in cases)),
        )


def _delivered(view: View, delta: DeltaRow) -> str:
    delivery = view.chain.deliveries.get((delta.source, delta.delivery_no))
    again = ""
    if delivery and delivery.attempts > 1:
        first = view.moment(delivery.created_at)
        again = f", noted {delivery.attempts} times, first {first}"
    stands = delta.kind != DeltaKind.MISSING
    where = f", packet {delta.packet}, position {delta.position}" if stands else ""
    found = ", found by comparison" if delta.compared else ""
    return (
        f"in delivery {delta.delivery_no} ({delta.source}){where}, received on"
        f" {delta.received_on}{found}{again}"
    )


def _arrived(view: View, delta: DeltaRow) -> datetime:
    """A delivery that was refused first keeps its first moment: then the case knows better."""
    delivery = view.chain.deliveries.get((delta.source, delta.delivery_no))
    cases = [case for case in view.chain.neighbours if case.delta_id == delta.id]
    opened = min((case.created_at for case in cases), default=None)
    if delivery and (delivery.attempts == 1 or opened is None):
        return delivery.created_at
    return opened or view.midnight(delta.received_on)


def _opened(case: CaseRow) -> Entry:
    if case.follows:
        who, why = _cause(case), f" to follow up case {case.follows}"
    elif case.delta_id is None:
        who, why = "pipeline", f" for the day {case.trigger_date}"
    else:
        who, why = "pipeline", " for this event"
    details = (f"nothing is carried out before {case.settles_on}",)
    what = f"case {case.id} of service {case.service} was opened{why}"
    ref = f"case:{case.id}"
    return Entry(case.created_at, case.id, "opened", ref, who, what, details)


def _cause(case: CaseRow) -> str:
    kind, _, ref = case.cause.partition(":")
    return f"{_CAUSES[kind]} {ref}" if kind in _CAUSES else case.cause


def _related(view: View, case: CaseRow) -> Iterator[Entry]:
    for other in view.chain.cases:
        if other.id == case.id:
            continue
        who, what = _relation(view, case, other)
        yield Entry(
            other.created_at,
            case.id,
            "related",
            f"related:{other.id}",
            who,
            f"{what}: {_standing(other)}",
            about=other.id,
        )


def _relation(view: View, case: CaseRow, other: CaseRow) -> tuple[str, str]:
    if other.follows == case.id:
        return _cause(other), "another case follows this one up"
    if other.id == case.follows:
        return "pipeline", "the case that this one follows up"
    if other.follows:
        return _cause(other), f"a case that follows {other.follows} up"
    mine, theirs = view.chain.delta_of(case), view.chain.delta_of(other)
    if mine and theirs and view.chain.reversed_by(theirs) is mine:
        return "registry", f"event {theirs.event} has taken this case's event back"
    if mine and theirs and view.chain.reversed_by(mine) is theirs:
        return "registry", f"the case of event {theirs.event}, which this one takes back"
    return "pipeline", "a case of the same chain"


def _moves(view: View, case: CaseRow) -> Iterator[Entry]:
    for row in view.mine(view.chain.history, case):
        stays = row.old == row.new
        change = f"stays {row.new}" if stays else f"{row.old} → {row.new}"
        sends_again = row.new == Status.LETTERED and row.old != Status.ACTED
        what = f"status {change}" + (f" ({row.code})" if row.code else "")
        if closes_question(row):
            what = f"the question {row.code} is answered; status {change}"
        yield Entry(
            row.at,
            case.id,
            "status",
            f"history:{row.id}",
            who_of(row.by),
            what,
            ("its letter may leave again",) if sends_again and not stays else (),
            row.run,
        )


def _forgotten(view: View, case: CaseRow, last: datetime) -> Iterator[Entry]:
    if (day := case.forgotten_on) is not None:
        at = max(view.midnight(day), last)
        what = f"personal data was removed on {day}"
        yield Entry(at, case.id, "forgotten", f"forgotten:{case.id}", "retention", what)


def _standing(case: CaseRow) -> str:
    code = f" ({case.code})" if case.code else ""
    return f"{case.id}, now {case.status}{code}"


def _person(when: str, text: str | None, missing: str) -> Iterator[str]:
    person: Person | None = load_person(text)
    if person is None:
        yield f"{when}: {missing}"
        return
    name = f"{person.name.given} {person.name.family}".strip()
    yield f"{when}: {name}, born {person.born or 'unknown'}"
    for dwelling in person.dwellings:
        address = dwelling.address
        place = address.town_line() or address.country
        yield (
            f"  {'current' if dwelling.current else 'former'}: {address.line()}, {place},"
            f" moved in {dwelling.moved_in or 'unknown'}"
        )
