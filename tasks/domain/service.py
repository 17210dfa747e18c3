"""A service, and the situation it decides on: everything a decision may look at, as data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any

from tasks.domain.area import NO_AREA, AreaAnswer
from tasks.domain.decision import Answer, Choice, Decision
from tasks.domain.delta import Delta, DeltaKind
from tasks.domain.effect import Act, Effect
from tasks.domain.person import Person
from tasks.domain.record import Link
from tasks.domain.reply import Reply


class LegalMode(StrEnum):
    """On what footing a municipality lets the service act."""

    STANDING_APPLICATION = "standing_application"  # the first application asks for every switch
    NOTICE_ONLY = "notice_only"  # acts of its own motion and tells the resident
    CLERK = "clerk"  # every decision is a proposal


@dataclass(frozen=True, slots=True)
class Gate:
    """What a municipality has settled before a machine may decide (VwVfG § 35a, BMG § 37)."""

    automation_norm: str  # e.g. "StVO § 46 Abs. 5"; empty: every decision is a proposal
    legal_mode: LegalMode = LegalMode.CLERK
    legal_basis_ref: str = ""  # the written approval that BMG § 37 asks for


@dataclass(frozen=True, slots=True)
class LaterEvent:
    """A delta of the same person that arrived after the one to decide on."""

    kind: DeltaKind
    address_changed: bool
    reverses: str = ""  # event sign of the delta it takes back


@dataclass(frozen=True, slots=True)
class SamePlate:
    """Another person's permit, not ended, for the vehicle of one of this person's."""

    own: str  # number of the person's permit
    other: str
    until: date  # the last day of the other one


@dataclass(frozen=True, slots=True)
class Situation:
    """All facts for one case. Stored with the decision: the same situation decides the same again.

    `now` is the person as known today (None: gone from the register), while `delta.after` is the
    person as that delta told it. `areas_before` and `areas_after` answer for the dwelling before
    and after the delta, in the list that the service names. `areas_earlier` are those of the
    dwellings before earlier deltas of the person whose cases were overtaken before they were
    carried out: a record may still rightly stand in one of them.
    """

    delta: Delta
    now: Person | None
    links: tuple[Link, ...] = ()
    elsewhere: tuple[SamePlate, ...] = ()
    areas_before: AreaAnswer = NO_AREA
    areas_after: AreaAnswer = NO_AREA
    areas_earlier: tuple[str, ...] = ()  # of dwellings left by earlier events that came to nothing
    later: tuple[LaterEvent, ...] = ()
    open_clerk_case: bool = False  # another case of this person and service waits for a clerk
    opted_out: bool = False
    answers: tuple[Answer, ...] = ()  # of clerks to questions on this case, the last one a question
    # What was carried out in the case that this one is about: the one whose event is taken back,
    # or the one that is followed up.
    acts: tuple[Act, ...] = ()
    told: bool = False  # the resident was told of these acts
    undone: bool = False  # that case was undone already
    reply: Reply | None = None  # what the resident answered
    left: Choice | None = None  # what a clerk chose for the part that the machine left


@dataclass(frozen=True, slots=True)
class Sample:
    """Made-up data for one kind of letter: for whoever edits a template, and for the check."""

    code: str
    data: Mapping[str, str]
    laws: Mapping[str, str]  # the grounds that it stands on: name -> section of law


@dataclass(frozen=True, slots=True)
class Service:
    """One proactive service. `decide` is pure: `decide(situation, parameters, gate, today)`."""

    name: str
    title: str  # German, for letters and clerks
    triggers: frozenset[DeltaKind]
    decide: Callable[[Situation, Any, Gate, date], Decision]
    parameters: type[Any]  # a frozen dataclass; the profile's table is read into it
    automation_norm: str  # the norm that lets a machine decide; "" where none does
    rule_version: str  # changes with every change of the rule; stored with each decision
    records: str = ""  # which record source it reads, e.g. "parking_permits"
    areas: str = ""  # which area list it asks, e.g. "parking_zones"
    level: str = "decide"  # inform | offer | decide
    letter_data: Callable[[Situation, Decision, Any], Mapping[str, str]] = field(
        default=lambda situation, decision, parameters: {}
    )
    # What a municipality must say before the service may be switched on: key and reason of each
    # thing that its parameters leave open. And what may be meant otherwise than it is written.
    unsaid: Callable[[Any], Sequence[str]] = lambda parameters: ()
    look_at: Callable[[Any, Gate], Sequence[str]] = lambda parameters, gate: ()
    # Its own words that stand in letters, in as many wordings as it has: for a look at its letters.
    wordings: Callable[[Any], Mapping[str, Mapping[str, str]]] = lambda parameters: {}
    # What ends when the resident deregisters: effects on the records of the case replied to.
    ending: Callable[[Situation, date], tuple[Effect, ...]] = lambda situation, today: ()
    # Letter data that the resident's page never shows: whoever holds a letter knows them already,
    # whoever found it must not learn more.
    hidden: frozenset[str] = frozenset()
    samples: tuple[Sample, ...] = ()  # one of every kind of letter; the first is shown


def slim(situation: Situation) -> Situation:
    """Without what the delta's own row holds already."""
    same = situation.now == situation.delta.after
    return replace(
        situation,
        delta=replace(situation.delta, before=None, after=None),
        now=None if same else situation.now,
    )


def fatten(stored: Situation, delta: Delta, now_is_after: bool) -> Situation:
    """The inverse of `slim`."""
    return replace(stored, delta=delta, now=delta.after if now_is_after else stored.now)
