"""Act: carries the effects of granted cases out in the municipality's own records, each once.

The key of an effect travels to the record system: asked again after a crash, that system answers
with what it did the first time. So the order „there first, then noted here“ is safe.
"""

from collections.abc import Sequence
from datetime import date

from pydantic import TypeAdapter
from sqlmodel import Session

from tasks.domain.case import Status, Step
from tasks.domain.effect import Effect
from tasks.errors import AntragslosError, TemporaryError
from tasks.municipality import Municipality, open_municipality
from tasks.records.protocol import Applied
from tasks.settings import settings
from tasks.stage import Counts, stage
from tasks.state import cases
from tasks.state.database import insert_missing, reading, utcnow
from tasks.state.documents import EFFECT, dump
from tasks.state.tables import CaseRow, EffectRow

RESULT: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])


@stage("act", retries=2, delays=(2, 10))
def act_cases(municipality: str, service: str, ids: Sequence[str], today: date, run: str) -> Counts:
    """Counts: acted, closed (nothing to tell the resident), effects, failed."""
    return act_batch(open_municipality(municipality, settings()), ids, today, run)


def to_act(town: Municipality, service: str, today: date) -> list[str]:
    with reading(town.engine) as session:
        return cases.ids_in(session, town.slug, service, Status.GRANTED, today)


def act_batch(town: Municipality, ids: Sequence[str], today: date, run: str) -> Counts:
    with Session(town.engine) as session, session.begin():
        batch = [
            case
            for case in cases.load(session, ids, Status.GRANTED)
            # Only what was decided for this very day: see tasks/decide.py.
            if case.settles_on <= today and case.decided_on == today and not case.recheck
        ]
        decisions = cases.last_decisions(session, [case.id for case in batch])
        planned = [
            (f"{case.id}:{decisions[case.id][0].seq}:{position}", case, effect)
            for case in batch
            for position, effect in enumerate(decisions[case.id][1].effects)
        ]
        applied = town.register.apply_many([(key, effect) for key, _, effect in planned])
        broken: dict[str, str] = {}
        rows = []
        for (key, case, effect), result in zip(planned, applied, strict=True):
            if isinstance(result, TemporaryError):
                raise result  # nothing is noted; whatever was done is found again by its key
            if isinstance(result, AntragslosError):
                broken[case.id] = result.code
                continue
            rows.append(_row(key, case, effect, result))
        insert_missing(session, EffectRow, rows)
        done = [case for case in batch if case.id not in broken]
        cases.move(
            session,
            [cases.Move(case, Status.ACTED, case.code, "pipeline", {}) for case in done],
            run,
        )
        silent = [case for case in done if not case.notify]
        cases.move(
            session,
            [cases.Move(case, Status.CLOSED, case.code, "pipeline", {}) for case in silent],
            run,
        )
        failed = [case for case in batch if case.id in broken]
        cases.fail(session, failed, Step.ACT, broken, run)
        return Counts(acted=len(done), closed=len(silent), effects=len(rows), failed=len(failed))


def _row(key: str, case: CaseRow, effect: Effect, result: Applied) -> dict[str, object]:
    return EffectRow(
        key=key,
        municipality=case.municipality,
        case_id=case.id,
        kind=effect.kind.value,
        record=effect.record,
        effect=dump(EFFECT, effect),
        inverse=dump(EFFECT, result.inverse),
        result=RESULT.dump_json(result.data).decode(),
        done_at=utcnow(),
    ).model_dump()
