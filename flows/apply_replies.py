"""Apply replies: carries out what residents have answered and clerks have decided.

The residents' page only records; this flow takes it up, decides with grounds, acts, and confirms by
letter, with the guarantees of any delivery. It leaves alone whatever nobody waits for.
"""

from datetime import datetime
from typing import Any

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows._pipeline import (
    AT_WORK,
    Outcome,
    Places,
    begin,
    end_state,
    of_municipality,
    prompted,
    side_by_side,
)
from tasks.municipality import municipalities
from tasks.settings import settings


class ApplyParameters(Places):
    """Whose replies."""


EVERYTHING = ApplyParameters()


def _run_name() -> str:
    raw = (runtime.flow_run.parameters or {}).get("parameters") or {}
    parameters = ApplyParameters.model_validate(raw)
    day = parameters.on or datetime.now().astimezone().date()
    return f"apply replies {parameters.named()} {day}"


@flow(name="apply-replies", flow_run_name=_run_name, persist_result=False)
def apply_replies(parameters: ApplyParameters = EVERYTHING) -> State[Any]:
    """Carries out residents' replies and clerks' answers.

    Args:
        parameters: Whose replies, and on which day.
    """
    begin()
    run = str(runtime.flow_run.id or "")
    slugs = parameters.municipalities or municipalities(settings())
    if not slugs:
        return Failed(message="there is no municipality in ANTRAGSLOS_HOME")

    def apply(slug: str) -> Outcome:
        return of_municipality(slug, parameters.on, run, prompted, "replies")

    outcomes = side_by_side(slugs, parameters.on, apply)
    # Another run is at work there; the next one, within minutes, finds what this one did not do.
    busy = [slug for slug, outcome in outcomes.items() if outcome.busy]
    rest = {slug: outcome for slug, outcome in outcomes.items() if slug not in busy}
    if not busy:
        return end_state(rest)
    waits = f"{', '.join(busy[:3])}: {AT_WORK}"
    if not any(outcome.counts or outcome.problems for outcome in rest.values()):
        return Completed(name="Busy", message=waits)
    state = end_state(rest)
    state.message = f"{state.message}; {waits}"
    return state


if __name__ == "__main__":
    apply_replies()
