"""Act: carries the effects of granted cases out in the municipality's own records, each once.

    granted ─► acting (committed) ─► the record system ─► acted

The key of an effect travels to the record system: asked again after a crash, that system answers
with what it did the first time. Between the two commits a case is not decided anew, since the
record that a second decision would look at may be changed already.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial

from pydantic import TypeAdapter

from tasks.domain.case import Status, Step, may_become
from tasks.domain.decision import Decision
from tasks.domain.effect import Effect
from tasks.errors import AntragslosError, TemporaryError
from tasks.municipality import Municipality, open_municipality
from tasks.records.protocol import Applied
from tasks.settings import settings
from tasks.stage import Counts, spread, stage
from tasks.state import cases, decisions, facts, outbox
from tasks.state.database import Row, Session, insert_missing, reading, utcnow, writing
from tasks.state.documents import EFFECT, dump
from tasks.state.tables import CaseRow, DecisionRow, EffectRow

RESULT: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])


@stage("act {service} · {municipality}", retries=2, delays=(2, 10))
def act_cases(municipality: str, service: str, ids: Sequence[str], today: date, run: str) -> Counts:
    """Counts: acted, closed (nothing to tell the resident), effects, failed."""
    return act_batch(open_municipality(municipality, settings()), ids, today, run)


def to_act(town: Municipality, service: str, today: date, prompted: bool = False) -> list[str]:
    with reading(town.engine) as session:
        return cases.ids_in(session, town.slug, service, Status.GRANTED, today, prompted)


def begun(town: Municipality) -> bool:
    with reading(town.engine) as session:
        return bool(cases.acting(session, town.slug))


@stage("take up begun effects · {municipality}", retries=2, delays=(2, 10))
def take_up_effects(municipality: str, run: str) -> Counts:
    """Cases that a dead process, or a register out of reach, left between the two commits."""
    return take_up(open_municipality(municipality, settings()), run)


def take_up(town: Municipality, run: str) -> Counts:
    """What never reached the record system is decided anew: a reversal may have arrived since.

    What did is noted at once, before anything else is decided: a reversal must find it.
    """
    with reading(town.engine) as session:
        ids = [case.id for case in cases.acting(session, town.slug)]
    work = partial(_take_up, town, run)
    return spread(
        town.folder, "take up", ids, work, partial(cases.park, town.engine, Step.ACT, run)
    )


def _take_up(town: Municipality, run: str, ids: Sequence[str]) -> Counts:
    with writing(town.engine) as session:
        batch = [case for case in cases.load(session, ids, Status.GRANTED) if case.acting]
        reached = effects_reached(session, town, batch)
        for case in batch:
            if case.id not in reached:
                case.acting, case.recheck = False, True
    return _carry_out_begun(town, sorted(reached), run)


def effects_reached(session: Session, town: Municipality, batch: Sequence[CaseRow]) -> set[str]:
    """The cases of which the record system has carried something out. Raises TemporaryError."""
    last = decisions.last_decisions(session, [case.id for case in batch])
    planned = effects_of(batch, last)
    (results,) = town.register.rehearse([[(key, effect) for key, _, effect in planned]])
    reached: set[str] = set()
    for (_, case, _), result in zip(planned, results, strict=True):
        if isinstance(result, TemporaryError):
            raise result  # nobody knows yet
        if isinstance(result, Applied) and result.already:
            reached.add(case.id)
    return reached


def act_batch(town: Municipality, ids: Sequence[str], today: date, run: str) -> Counts:
    park = partial(cases.park, town.engine, Step.ACT, run)
    return spread(town.folder, Step.ACT, ids, partial(_act, town, today, run), park)


def _act(town: Municipality, today: date, run: str, ids: Sequence[str]) -> Counts:
    with writing(town.engine) as session:
        served = {case.person_id for case in cases.acting(session, town.slug)}
        for case in cases.load(session, ids, Status.GRANTED, held=True):
            # Only what was decided for this very day: see tasks/decide.py.
            due = case.settles_on <= today and case.decided_on == today and not case.recheck
            if due and case.person_id not in served:
                case.acting = True
                served.add(case.person_id)
    return _carry_out_begun(town, ids, run)


def _carry_out_begun(town: Municipality, ids: Sequence[str], run: str) -> Counts:
    with writing(town.engine) as session:
        batch = [case for case in cases.load(session, ids, Status.GRANTED) if case.acting]
        last = decisions.last_decisions(session, [case.id for case in batch])
        rows, broken = _carry_out(town, effects_of(batch, last))
        insert_missing(session, EffectRow, rows)
        done = [case for case in batch if case.id not in broken]
        silent = [case for case in done if not case.notify]
        failed = [case for case in batch if case.id in broken]
        over = {"acting": False, "recheck": False}
        acted = [cases.Move(case, Status.ACTED, case.code, "pipeline", over) for case in done]
        cases.move(session, acted, run)
        closed = [cases.Move(case, Status.CLOSED, case.code, "pipeline", {}) for case in silent]
        cases.move(session, closed, run)
        cases.fail(session, failed, Step.ACT, broken, run)
        decisions.ask_what_is_left(session, [case.id for case in done])
        undoing = [case for case in done if last[case.id][1].undoes]
        _note_undone(session, undoing, run)
        # The person's next case was decided on a record that is another one now.
        cases.mark_recheck(session, town.slug, {case.person_id for case in done})
        return Counts(acted=len(done), closed=len(silent), effects=len(rows), failed=len(failed))


def _carry_out(
    town: Municipality, planned: Sequence[tuple[str, CaseRow, Effect]]
) -> tuple[list[Row], dict[str, str]]:
    """Rows of what was done, and case id -> code of what the record system refuses."""
    rows, broken = [], {}
    results = town.register.apply_many([(key, effect) for key, _, effect in planned])
    for (key, case, effect), result in zip(planned, results, strict=True):
        if isinstance(result, TemporaryError):
            raise result  # nothing is noted; whatever was done is found again by its key
        if isinstance(result, AntragslosError):
            broken[case.id] = result.code
        else:
            rows.append(effect_row(key, case, effect, result))
    return rows, broken


def effects_of(
    batch: Sequence[CaseRow], last: Mapping[str, tuple[DecisionRow, Decision]]
) -> list[tuple[str, CaseRow, Effect]]:
    """(idempotency key, case, effect) of the last decision of each case."""
    return [
        (f"{case.id}:{last[case.id][0].seq}:{position}", case, effect)
        for case in batch
        for position, effect in enumerate(last[case.id][1].effects)
    ]


def _note_undone(session: Session, undoing: Sequence[CaseRow], run: str) -> None:
    """The cases that were taken back by these; what is left of them to say is not said any more."""
    if not undoing:
        return
    targets = facts.targets(session, undoing)
    undone = {row.id: row for row in targets.values() if row.status != Status.UNDONE}
    causes = {targets[case.id].id: case for case in undoing if case.id in targets}
    moves = [
        cases.Move(
            row,
            Status.UNDONE,
            causes[row.id].code,
            f"case {causes[row.id].id}",
            {"acting": False, "recheck": False},
        )
        for row in undone.values()
        if may_become(Status(row.status), Status.UNDONE)
    ]
    cases.move(session, moves, run)
    decisions.withdraw_questions(session, list(undone))
    outbox.stop_unsent(session, list(undone), "undone")


def effect_row(key: str, case: CaseRow, effect: Effect, result: Applied) -> Row:
    return {
        "key": key,
        "municipality": case.municipality,
        "case_id": case.id,
        "kind": effect.kind.value,
        "record": effect.record,
        "effect": dump(EFFECT, effect),
        "inverse": dump(EFFECT, result.inverse),
        "result": RESULT.dump_json(result.data).decode(),
        "done_at": utcnow(),
    }
