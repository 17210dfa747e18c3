"""The automation filter: may a machine touch this case at all? The same for every service.

It comes before the conditions of law and knows nothing about them. What has lapsed is suppressed;
what needs a person's eye goes to a clerk. `gate_checks` comes after them: has the municipality
settled what law asks for before a machine may act on a case that is otherwise clear?

A later delta alone supersedes nothing: the person as known today must differ as well, since a later
move may itself have been taken back.
"""

from datetime import date
from functools import partial

from tasks.domain.check import GO_ON, Check, check
from tasks.domain.decision import Choice, Outcome, Then
from tasks.domain.delta import Delta, DeltaKind
from tasks.domain.effect import Effect
from tasks.domain.person import Dwelling, DwellingStatus, Person
from tasks.domain.service import Gate, LegalMode, Situation

FULL_AGE = 18  # BGB § 2
TELL_BY_HAND = Choice(
    "tell_by_hand", "It is carried out without a letter; a clerk tells the person.", Then.GO_ON
)

ABOUT_THE_ADDRESS = frozenset(
    {
        DeltaKind.MOVE,
        DeltaKind.ADDRESS_UPDATE,
        DeltaKind.MOVE_AWAY,
        DeltaKind.STATUS_CHANGE,
        DeltaKind.KEY_CHANGE,
        DeltaKind.ARRIVAL,
        DeltaKind.SECONDARY_DWELLING,
    }
)
REVERSALS = frozenset({DeltaKind.MOVE_REVERSED, DeltaKind.DEATH_REVERSED, DeltaKind.OTHER_REVERSED})
# A machine changes nothing here and writes to nobody, so locks and guardians protect nothing more.
# With them the clerk would read „locked“ where „died“ or „taken back“ is what matters. Only what
# had effect is put back by a machine: then they protect again.
# Where a record may have outlived its holder.
WITHOUT_HOLDER = {DeltaKind.DEATH, DeltaKind.DELETION, DeltaKind.MISSING}
FOR_CLERKS = REVERSALS | WITHOUT_HOLDER | {DeltaKind.KEY_CHANGE}

# Ground → section of law, and the condition in one sentence. Stored: never rename a ground.
CONDITIONS = {
    "not_reversed": ("BMG § 6 Abs. 1", "The registry has not taken the event back."),
    "latest_event": ("VwVfG § 24 Abs. 1", "No later event of the person has overtaken this one."),
    "no_opt_out": ("DSGVO Art. 21 Abs. 1", "The resident has not deregistered from the service."),
    "in_register": ("VwVfG § 24 Abs. 1", "The person is still in the register."),
    "alive": ("VwVfG § 11 Nr. 1", "The person is alive."),
    "no_address_lock": ("BMG § 51", "No information lock is in force."),
    "no_conditional_lock": ("BMG § 52", "No dwelling, new or old, is under a conditional lock."),
    "no_guardian": (
        "VwVfG § 12; BGB §§ 1814 ff.",
        "The person is a minor, or acts without a legal representative.",
    ),
    "no_open_clerk_case": (
        "VwVfG § 24 Abs. 1 Satz 3",
        "No other case of this person and service waits for a clerk.",
    ),
    "data_consistent": (
        "VwVfG § 24 Abs. 1",
        "The register's data on the dwelling do not contradict each other.",
    ),
    "postal_address": ("VwVfG § 41 Abs. 1", "The post finds the person who is to be told."),
    "automation_norm": ("VwVfG § 35a", "A norm lets a machine make this administrative act."),
    "legal_mode": (
        "VwVfG § 22",
        "The municipality lets the machine act, and an application is there where one is due.",
    ),
    "legal_basis": ("BMG § 37", "The written approval for passing on register data is on file."),
}
_check = partial(check, CONDITIONS)

# Code → one sentence without personal data; for needs_review it is the clerk's question. Stored:
# never rename a code.
FILTER_CODES = {
    "reversed": "The registry has taken this event back.",
    "superseded": "A later event of the same person has overtaken this one.",
    "opted_out": "The resident does not want this service to act without an application.",
    "holder_vanished": "The person is gone from the register without a reason. What happened?",
    "holder_died": "The holder has died.",
    "address_locked": "An information lock (BMG § 51) is in force. How shall it go on?",
    "conditional_lock": "A dwelling is under a conditional lock (BMG § 52). How shall it go on?",
    "guardianship": "An adult has a legal representative. Who must be heard and told?",
    "open_clerk_case": "Another case of this person waits for a clerk. Do they belong together?",
    "contradicting_data": "The register's data contradict each other. Which are right?",
    "no_postal_address": "No letter would arrive: street, postcode or town is missing or wrong. "
    "How is the person told?",
    "no_automation_norm": "No norm lets a machine decide this (VwVfG § 35a). Is it right?",
    "clerk_decides": "The municipality decides every case of this service by hand. Is it right?",
    "no_standing_application": "No standing application is on file. Does the resident want it?",
    "no_legal_basis_ref": "The written approval of BMG § 37 is not on file. Is it right?",
}


# Days. A move is registered after it (BMG § 17 Abs. 1): one in years is a slip of the pen.
LONGEST_AHEAD = 366


def automation_filter(situation: Situation, today: date) -> list[Check]:
    delta, now = situation.delta, situation.now
    reversed_ = any(event.reverses and event.reverses == delta.event for event in situation.later)
    later = ", ".join(event.kind for event in situation.later) or None
    # What the service did on a wrong event is put right even for who has left it.
    # And a record does not outlive its holder because of that.
    over = delta.kind in WITHOUT_HOLDER
    served = not situation.opted_out or bool(situation.acts) or over
    checks = [
        _check("not_reversed", not reversed_, "reversed", Outcome.SUPPRESSED),
        _check(
            "latest_event",
            not _superseded(situation),
            "superseded",
            Outcome.SUPPRESSED,
            later=later,
        ),
        _check("no_opt_out", served, "opted_out", Outcome.SUPPRESSED),
    ]
    if delta.kind in FOR_CLERKS and not puts_back(situation):
        return checks
    checks.append(_check("in_register", now is not None, "holder_vanished"))
    if now is None:
        return checks
    consistent = None if _contradicting(delta, now) else True
    people = [person for person in (delta.before, delta.after, now) if person]
    return [
        *checks,
        *person_checks(now, people, today),
        _check(
            "no_open_clerk_case",
            not situation.open_clerk_case,
            "open_clerk_case",
            choices=(GO_ON,),
        ),
        _check("data_consistent", consistent, "contradicting_data", choices=(GO_ON,)),
    ]


def puts_back(situation: Situation) -> bool:
    """A reversal of what had effect: not of a death, after which a clerk has acted anyway."""
    kind = situation.delta.kind
    return bool(situation.acts) and kind in REVERSALS - {DeltaKind.DEATH_REVERSED}


def may_be_told(person: Person | None, today: date) -> str:
    """The code of what forbids a letter to the person today; empty where nothing does."""
    if person is None:
        return "holder_vanished"
    checks = person_checks(person, [person], today)
    return next((check.code for check in checks if not check.passed), "")


def can_be_written_to(person: Person | None) -> bool:
    """Whether there is somebody to write to, and an address in this country to send it to."""
    home = person.main() if person and person.died is None else None
    return home is not None and home.address.is_postal()


def postal_check(person: Person | None, proposal: tuple[Effect, ...] = ()) -> Check:
    """Before anything is carried out of which a letter must tell."""
    reached = True if can_be_written_to(person) else None
    return _check(
        "postal_address", reached, "no_postal_address", proposal=proposal, choices=(TELL_BY_HAND,)
    )


def person_checks(now: Person, snapshots: list[Person], today: date) -> list[Check]:
    """What protects a person from a machine. A dwelling just left may be a protected one, too."""
    alive, locks = now.died is None, now.address_locks(today)
    reasons = ", ".join(lock.reason for lock in locks) or None
    shelter = any(d.conditional_lock for p in snapshots for d in p.dwellings)
    age = now.age(today)
    minor = age is not None and age < FULL_AGE
    alone = minor or not (now.has_guardian or now.guardians)
    return [
        _check("alive", alive, "holder_died", Outcome.SUPPRESSED, died=now.died),
        _check("no_address_lock", not locks, "address_locked", reasons=reasons),
        _check("no_conditional_lock", not shelter, "conditional_lock"),
        _check("no_guardian", alone, "guardianship", age=age),
    ]


def gate_checks(
    gate: Gate,
    *,
    administrative_act: bool,
    standing_application: bool = False,
    by_clerk: bool = False,
    proposal: tuple[Effect, ...] = (),
) -> list[Check]:
    """`administrative_act`: the decision is a Verwaltungsakt, not only a corrected record.

    `by_clerk`: a person has decided a condition of this case already, so it is no automatic act.
    Where clerks decide every case, none is needed for a machine either.
    """
    by_hand = gate.legal_mode is LegalMode.CLERK and not by_clerk
    must_ask = administrative_act and gate.legal_mode is LegalMode.STANDING_APPLICATION
    norm = _check(
        "automation_norm",
        bool(gate.automation_norm),
        "no_automation_norm",
        law=gate.automation_norm,
        choices=(GO_ON,),
        proposal=proposal,
    )
    return [
        *([norm] if administrative_act and not (by_clerk or by_hand) else []),
        _check(
            "legal_mode",
            not by_hand and (standing_application or not must_ask),
            "clerk_decides" if by_hand else "no_standing_application",
            proposal=proposal,
            choices=(GO_ON,),
            mode=gate.legal_mode,
        ),
        _check(
            "legal_basis",
            bool(gate.legal_basis_ref),
            "no_legal_basis_ref",
            proposal=proposal,
            choices=(GO_ON,),
            reference=gate.legal_basis_ref,
        ),
    ]


def _superseded(situation: Situation) -> bool:
    delta, now = situation.delta, situation.now
    later = {event.kind for event in situation.later}
    gone = now is None and DeltaKind.DELETION in later
    dead = (now is None or now.died is not None) and DeltaKind.DEATH in later
    if gone or dead:
        return delta.kind not in REVERSALS
    if delta.kind is DeltaKind.MISSING:  # the registry has told of them again, whatever it was
        return bool(later)
    if delta.kind in ABOUT_THE_ADDRESS:
        touched = any(e.address_changed or e.kind in ABOUT_THE_ADDRESS for e in situation.later)
        return touched and _home_sign(delta.after) != _home_sign(now)
    if delta.kind is DeltaKind.NAME_CHANGE:
        return DeltaKind.NAME_CHANGE in later and _name_sign(delta.after) != _name_sign(now)
    return False


def same_home(before: Person | None, after: Person | None) -> bool:
    """Whether both live in the same house since the same day; the floor does not matter."""
    return _home_sign(before)[:2] == _home_sign(after)[:2]


def _home_sign(person: Person | None) -> tuple[object, ...]:
    home = person.home() if person else None
    if home is None:
        return ()
    secondary = home.status is DwellingStatus.SECONDARY
    return (home.address.place, home.moved_in, secondary)


def _name_sign(person: Person | None) -> object:
    return person and (person.name.family, person.name.given, person.name.usual)


def _contradicting(delta: Delta, now: Person) -> bool:
    if delta.kind not in ABOUT_THE_ADDRESS:
        return False
    home = delta.after.home() if delta.after else None
    undated_move = delta.kind is DeltaKind.MOVE and home is not None and home.moved_in is None
    ahead = (home.moved_in - delta.received_on).days if home and home.moved_in else 0
    return (
        undated_move
        or ahead > LONGEST_AHEAD
        or _several_main(now)
        or _home_sign(delta.after) != _home_sign(now)
    )


def _several_main(person: Person) -> bool:
    def counts(dwelling: Dwelling) -> bool:
        here = dwelling.address.ags == person.key.ags and not dwelling.address.country
        return here and dwelling.current and dwelling.status is not DwellingStatus.SECONDARY

    return sum(map(counts, person.dwellings)) > 1
