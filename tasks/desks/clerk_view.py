"""All that a clerk needs to answer one question, in German words: personal data on purpose."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from tasks.desks.clerk_words import (
    CONDITIONS,
    DWELLINGS,
    EVENTS,
    FORMS,
    PERMIT_STATUSES,
    REPLIES,
    STATEMENTS,
    choice_text,
    day,
    effect_text,
    fact,
    linked_text,
    must_state,
    what_follows,
)
from tasks.domain import statements
from tasks.domain.address import HouseNumber
from tasks.domain.decision import Choice, Decision
from tasks.domain.effect import EffectKind
from tasks.domain.permits import is_printed
from tasks.domain.person import Dwelling, Person
from tasks.domain.record import RESIDENT, Link, LinkedBy, Permit
from tasks.domain.reply import ReplyKind
from tasks.errors import TemporaryError
from tasks.matching.permits import statutory_match
from tasks.matching.statutory import same_street
from tasks.municipality import Municipality
from tasks.replies.clerk_page import WARNING
from tasks.replies.desk import ChoiceView, GroundView, QuestionLine, QuestionView, StatementView
from tasks.state import answers, intake, review
from tasks.state.database import Session
from tasks.state.documents import CHOICES, STATED
from tasks.state.review import Asked, Known
from tasks.state.tables import ReplyRow

Rows = Iterator[tuple[str, str]]

_ZONES = ("zone_ambiguous", "no_zone", "zone_list_gap", "permit_zone_conflict")


def question_view(
    session: Session, town: Municipality, line: QuestionLine, asked: Asked, today: date
) -> QuestionView:
    known = review.known(session, asked.case)
    zones = _zone_reasons(town, asked, known)
    links = known.situation.links if known.situation else ()
    permits = _permits_now(town, links)
    others = _others(session, town, asked.case.person_id, links)
    choices = CHOICES.validate_json(asked.question.choices)
    waiting = asked.waiting
    return QuestionView(
        line=line,
        person=tuple(_person(known, today)),
        records=(
            *_reply(known.reply),
            *_permits(known, links, permits, others, today),
            *_done(known),
            *zones,
        ),
        message=known.reply.text if known.reply else "",
        grounds=tuple(_grounds(known.decision)),
        choices=tuple(
            _choice(choice, zones, proposed=number == 0 and not _one_of_many(choices))
            for number, choice in enumerate(choices)
        ),
        today=today,
        answer=(waiting.choice, waiting.by, waiting.note) if waiting else None,
        seen=answers.seen_as(session, asked.question, asked.case),
        stated=tuple(
            (STATEMENTS[name][0], day(said))
            for name, said in (STATED.validate_json(waiting.stated) if waiting else {}).items()
        ),
    )


# --- the person ----------------------------------------------------------------------------------


def _person(known: Known, today: date) -> Rows:
    delta = known.situation.delta if known.situation else None
    before, after = (delta.before, delta.after) if delta else (None, None)
    yield from _warnings([person for person in (known.now, after, before) if person], today)
    person = known.now or after or before
    if delta:
        reason = f" (Anlass {delta.reason_code})" if delta.reason_code else ""
        yield "Ereignis", f"{EVENTS[delta.kind]}{reason}, eingegangen am {day(delta.received_on)}"
    if person is None:
        return
    yield "Name", _name(person)
    if before and _name(before) != _name(person):
        yield "Name vorher", _name(before)
    yield "Geburtsdatum", day(person.born) or "unbekannt"
    if person.died is not None:
        yield "Verstorben", f"am {day(person.died)}" if person.died.year else "ja, Tag unbekannt"
    if known.now is None:
        yield "Register", "Die Person steht heute nicht mehr im Register."
    yield from _dwellings(before, after, known.now)


def _warnings(snapshots: Sequence[Person], today: date) -> Rows:
    """Whatever protects the person, in any snapshot: the dwelling just left may be a shelter."""
    locks = {lock for person in snapshots for lock in person.address_locks(today)}
    for lock in sorted(locks, key=lambda lock: lock.reason):
        until = f", befristet bis {day(lock.until)}" if lock.until else ""
        yield (
            WARNING,
            f"Auskunftssperre nach § 51 BMG (Sperrgrund {lock.reason}{until}). "
            "Niemand darf erfahren, wo diese Person wohnt.",
        )
    if any(d.conditional_lock for person in snapshots for d in person.dwellings):
        yield (
            WARNING,
            "Bedingter Sperrvermerk nach § 52 BMG: Eine Wohnung liegt in einer geschützten "
            "Einrichtung. Die Anschrift darf niemand erfahren.",
        )


def _dwellings(before: Person | None, after: Person | None, now: Person | None) -> Rows:
    old, new = _home(before), _home(after)
    if old:
        yield "Wohnung vorher", _dwelling(_as_left(old, after))
    if new:
        yield "Wohnung nachher", _dwelling(new)
    today = _home(now)
    if today and today != new:
        yield "Wohnung heute", _dwelling(today)
    if not any((old, new, today)):
        yield "Wohnung", "keine in dieser Kommune bekannt"


def _home(person: Person | None) -> Dwelling | None:
    return (person.home() or person.left_to()) if person else None


def _as_left(old: Dwelling, after: Person | None) -> Dwelling:
    """The old dwelling as the new snapshot tells it, which knows the day of moving out."""
    for dwelling in after.dwellings if after else ():
        if dwelling.address.place == old.address.place and not dwelling.current:
            return dwelling
    return old


def _dwelling(dwelling: Dwelling) -> str:
    address = dwelling.address
    lines = (address.line(), address.town_line())
    parts = [", ".join(part for part in lines if part) or "im Ausland"]
    parts.append(DWELLINGS[dwelling.status])
    if dwelling.moved_in:
        parts.append(f"eingezogen am {day(dwelling.moved_in)}")
    if dwelling.moved_out.year:
        parts.append(f"ausgezogen {day(dwelling.moved_out)}")
    return "; ".join(parts)


def _name(person: Person) -> str:
    name, said = person.name, person.name.full()
    return f"{said} (geborene/r {name.birth})" if name.birth not in ("", name.family) else said


# --- the records ---------------------------------------------------------------------------------


def _permits_now(town: Municipality, links: Sequence[Link]) -> dict[str, Permit] | None:
    """None where the permit register does not answer: then as it was when the case was decided."""
    try:
        return town.register.get([link.permit.number for link in links]) if links else {}
    except TemporaryError:
        return None


def _others(
    session: Session, town: Municipality, person_id: str, links: Sequence[Link]
) -> Mapping[str, list[Person]]:
    """permit -> who else may hold it. A sure link by key leaves no doubt."""
    doubtful = [link.permit for link in links if link.by is LinkedBy.SUGGESTED]
    found = review.others_linked(session, town.slug, [p.number for p in doubtful], person_id)
    born = {permit.birth_date for permit in doubtful if permit.birth_date}
    for other_id, other in intake.people_born(session, town.slug, born):
        for permit in doubtful:
            known = found.setdefault(permit.number, [])
            if other_id != person_id and other not in known and statutory_match(other, permit):
                known.append(other)
    return found


def _permits(
    known: Known,
    links: Sequence[Link],
    now: Mapping[str, Permit] | None,
    others: Mapping[str, list[Person]],
    today: date,
) -> Rows:
    if now is None:
        yield WARNING, "Das Ausweisregister antwortet gerade nicht: Stand der letzten Prüfung."
    for link in links:
        number = link.permit.number
        permit = link.permit if now is None else now.get(number)
        if permit is None:
            yield f"Ausweis {number}", "steht nicht mehr im Ausweisregister"
            continue
        yield f"Ausweis {number}", _permit(permit)
        yield f"Zuordnung von {number}", linked_text(link.by, link.score)
        if permit != link.permit:
            yield f"Hinweis zu {number}", "seit der letzten Prüfung im Ausweisregister geändert"
        person = known.now or (known.situation.delta.after if known.situation else None)
        for difference in _differences(permit, person) if person else ():
            yield f"Abweichung bei {number}", difference
        for other in others.get(number, ()):
            yield from _other(permit, other, today)


def _permit(permit: Permit) -> str:
    parts = [
        f"Zone {permit.zone}",
        f"Kennzeichen {permit.plate}",
        f"Form: {FORMS.get(permit.form, permit.form) or 'nicht angegeben'}",
        f"auf {permit.holder}",
        f"geboren {day(permit.birth_date)}" if permit.birth_date else "",
        f"{permit.street} {permit.house_number}".strip(),
        "" if permit.unread else f"gültig {day(permit.valid_from)} bis {day(permit.valid_until)}",
        PERMIT_STATUSES.get(permit.status, f"Stand: {permit.status}"),
        "" if permit.kind == RESIDENT else f"Art: {permit.kind}",
        f"nicht lesbar: {', '.join(permit.unread)}" if permit.unread else "",
        "mit Dauerantrag" if permit.standing_application else "",
    ]
    return "; ".join(part for part in parts if part)


def _differences(permit: Permit, person: Person) -> Iterator[str]:
    """How the permit differs from the person: register first, permit second."""
    if not is_printed(person.name, permit.holder):
        yield f"Name: Register {_name(person)}, Ausweis {permit.holder}"
    born = str(person.born)
    if permit.birth_date and permit.birth_date != born:
        yield f"Geburtsdatum: Register {day(born) or 'unbekannt'}, Ausweis {day(permit.birth_date)}"
    if not permit.birth_date:
        yield "Geburtsdatum: steht nicht auf dem Ausweis"
    home = _home(person)
    if permit.street and home and not _same_house(permit, home):
        former = any(_same_house(permit, dwelling) for dwelling in person.dwellings)
        note = " (frühere Anschrift der Person)" if former else ""
        yield (
            f"Anschrift: Register {home.address.line()}, Ausweis {permit.street} "
            f"{permit.house_number}{note}"
        )


def _same_house(permit: Permit, dwelling: Dwelling) -> bool:
    address = dwelling.address
    same = HouseNumber.read(permit.house_number) == address.house
    return same and same_street(address.street, permit.street)


def _other(permit: Permit, other: Person, today: date) -> Rows:
    """The question is not about this person: where somebody protected lives is not needed here."""
    warnings, home = list(_warnings([other], today)), _home(other)
    where = f", {home.address.line()}" if home and not warnings else ""
    yield (
        f"Auch möglich für {permit.number}",
        f"{_name(other)}, geboren {day(other.born) or 'unbekannt'}{where}",
    )
    differs = list(_differences(permit, replace(other, dwellings=()) if warnings else other))
    agree = "Name und Geburtsdatum" if warnings else "Name, Geburtsdatum und Anschrift"
    for difference in differs or [f"keine: {agree} passen auch hier"]:
        yield "Deren Abweichung", difference
    yield from warnings


def _done(known: Known) -> Rows:
    """What was carried out in the case that this one is about."""
    for act in known.situation.acts if known.situation else ():
        changed = "" if act.intact else " Seitdem von anderer Hand geändert."
        yield "Schon ausgeführt", f"{effect_text(act.effect)}{changed}"


def _reply(reply: ReplyRow | None) -> Rows:
    if reply is None:
        return
    heard = f", am Telefon aufgenommen von {reply.recorded_by}" if reply.recorded_by else ""
    kind = REPLIES[ReplyKind(reply.kind)]
    yield "Antwort der Person", f"{kind}, eingegangen am {day(reply.received_on)}{heard}"


# --- zones, grounds, choices ---------------------------------------------------------------------


def _zone_reasons(town: Municipality, asked: Asked, known: Known) -> tuple[tuple[str, str], ...]:
    """What the zone list itself says of the address, in its own words."""
    after = known.situation.delta.after if known.situation else None
    home = after.home() if after else None
    if asked.question.code not in _ZONES or home is None or asked.case.service not in town.services:
        return ()
    areas = town.areas(asked.case.service)
    if areas is None:
        return ()
    found = [
        (f"Zone {zone}", f"In der Zonenliste steht: „{text}“")
        for zone, text in areas.reasons(home.address)
    ]
    if not found:
        similar = ", ".join(f"„{street}“" for street in areas.suggest(home.address))
        found = [("Zonenliste", "Die Straße steht nicht in der Liste.")]
        if similar:
            found.append(("Ähnliche Straßen der Liste", similar))
    return tuple(found)


def _grounds(decision: Decision | None) -> Iterator[GroundView]:
    for ground in decision.grounds if decision else ():
        yield GroundView(
            law=ground.law,
            condition=CONDITIONS.get(ground.name, ground.condition),
            result=ground.result.value,
            facts=tuple(fact(name, value) for name, value in ground.facts.items() if value),
        )


def _one_of_many(choices: Sequence[Choice]) -> bool:
    """Several zones, permits or people are offered, none before another: nothing is proposed."""
    kinds = [choice.name.partition(":")[0] for choice in choices if ":" in choice.name]
    first = choices[0].name.partition(":")[0]
    return kinds.count(first) > 1 or first in ("link", "by_hand", "zone")


def _choice(choice: Choice, zones: Sequence[tuple[str, str]], *, proposed: bool) -> ChoiceView:
    text = choice_text(choice)
    if text == choice.text:  # nobody has said it in German
        text = f"{text} {what_follows(choice)}"
    named = {choice.name.removeprefix("zone:")} if choice.name.startswith("zone:") else set()
    named |= {e.data.get("zone", "") for e in choice.effects if e.kind is EffectKind.SWITCH_ZONE}
    reasons = [choice.reason] if choice.reason else []
    reasons += [said for label, said in zones if label.removeprefix("Zone ") in named]
    reasons += [must_state(choice)] if choice.takes else []
    return ChoiceView(
        name=choice.name,
        text=text,
        reason=" ".join(reasons),
        effects=tuple(effect_text(effect) for effect in choice.effects),
        proposed=proposed,
        takes=choice.takes,
        asks=tuple(_asks(choice)),
    )


def _asks(choice: Choice) -> Iterator[StatementView]:
    for name in statements.STATEMENTS[choice.takes] if choice.takes else ():
        known = choice.known_since if name == statements.KNOWN_SINCE else None
        yield StatementView(name, *STATEMENTS[name], value=day(known) if known else "")
