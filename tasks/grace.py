"""No letter leaves with a last day that comes before it counts as known (VwVfG § 41 Abs. 2).

Whoever is told of a change may go on as before until then, and the letter says the day. One that
leaves later than it was decided (quiet hours, an outage, a rerun) would say a day too early: so the
old permit's last day moves on in the register first, then the letter is made anew.
"""

from collections.abc import Sequence
from datetime import date

from tasks.act import effect_row
from tasks.domain.case import Status, Step
from tasks.domain.effect import Effect
from tasks.domain.permits import still_tolerated
from tasks.errors import AntragslosError, TemporaryError
from tasks.municipality import Municipality, open_municipality
from tasks.render import Told
from tasks.settings import settings
from tasks.stage import Counts, cleaned, spread, stage
from tasks.state import cases, facts, outbox
from tasks.state.database import Session, insert_missing, reading, writing
from tasks.state.tables import CaseRow, EffectRow
from tasks.still_true import untrue_of, what_forbids


@stage("render late letters · {municipality}", retries=2, delays=(2, 10))
def renew_letters(municipality: str, ids: Sequence[str], today: date, run: str) -> Counts:
    """Counts: moved_on (last days), renewed (letters), failed."""
    return renew(open_municipality(municipality, settings()), ids, today, run)


def to_renew(town: Municipality, today: date, prompted: bool = False) -> list[str]:
    """Cases whose letter has not left yet, and says a day that would come too early."""
    with reading(town.engine) as session:
        return list(late(session, facts.untold(session, town.slug, today, prompted), today))


def renew(town: Municipality, ids: Sequence[str], today: date, run: str) -> Counts:
    def work(part: Sequence[str]) -> Counts:
        return _renew(town, part, today)

    def park(case: str, code: str) -> None:
        cases.park(town.engine, Step.RENDER, run, case, code)

    return spread(town.folder, "move on", ids, work, park)


def late(session: Session, ids: Sequence[str], today: date) -> dict[str, tuple[Effect, ...]]:
    """case id -> the effects with which its last days move on; none where they hold."""
    done = facts.carried_out(session, ids)
    found = {
        case: still_tolerated([one.effect for one in done[case] if one.case_id == case], today)
        for case in ids
    }
    return {case: effects for case, effects in found.items() if effects}


def _renew(town: Municipality, ids: Sequence[str], today: date) -> Counts:
    with writing(town.engine) as session:
        batch = _still_to_tell(town, session, ids, today)
        planned = [
            (f"{case}:known:{today.isoformat()}:{position}", batch[case], effect)
            for case, effects in late(session, list(batch), today).items()
            for position, effect in enumerate(effects)
        ]
        moved = _move_on(town, session, planned)
        lettered = [case for case in batch.values() if case.status == Status.LETTERED]
        letters = outbox.by_case(session, [case.id for case in lettered])
        told = Told(session, town, lettered)
    written = [
        told.letter(group, today, letters[group[0].id].id)
        for group in told.groups
        if group[0].id in letters
    ]
    with writing(town.engine) as session:
        for letter, sections in written:
            outbox.renew(session, letter, sections)
    return Counts(moved_on=moved, renewed=len(written))


def _still_to_tell(
    town: Municipality, session: Session, ids: Sequence[str], today: date
) -> dict[str, CaseRow]:
    """Without those whose letter must not leave: made anew, it would look as if it might."""
    batch = cases.load(session, ids, Status.ACTED, Status.LETTERED)
    letters = {letter.id: letter for letter in outbox.by_case(session, ids).values()}
    told = outbox.cases_of(session, letters)
    forbidden = what_forbids(town, session, list(letters.values()), told, today)
    stopped = {case.id for letter in forbidden for case in told[letter]}
    acted = {case.id: [case] for case in batch if case.status == Status.ACTED}
    stopped |= untrue_of(town, session, acted).keys()
    return {case.id: case for case in batch if case.id not in stopped}


def _move_on(
    town: Municipality, session: Session, planned: Sequence[tuple[str, CaseRow, Effect]]
) -> int:
    """What somebody has changed meanwhile stays: such a letter is stopped before it leaves."""
    rows = []
    results = town.register.apply_many([(key, effect) for key, _, effect in planned])
    for (key, case, effect), result in zip(planned, results, strict=True):
        if isinstance(result, TemporaryError):
            raise result  # whatever was done is found again by its key
        if isinstance(result, AntragslosError):
            cleaned(result)
        else:
            rows.append(effect_row(key, case, effect, result))
    insert_missing(session, EffectRow, rows)
    return len(rows)
