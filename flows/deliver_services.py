"""Deliver services: pull → link → decide → act → render → send, for one municipality or for all.

Prefect is told municipalities, stages, opaque case ids and counts. What a case is, and where it
stands, is in our own database: this flow may be killed at any point and simply run again.
"""

from datetime import datetime
from typing import Any

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Failed

from flows._pipeline import (
    Outcome,
    Places,
    begin,
    end_state,
    everything,
    of_municipality,
    side_by_side,
)
from tasks.municipality import municipalities
from tasks.settings import settings


class DeliverParameters(Places):
    """What to deliver."""


EVERYTHING = DeliverParameters()


def _run_name() -> str:
    raw = (runtime.flow_run.parameters or {}).get("parameters") or {}
    parameters = DeliverParameters.model_validate(raw)
    return f"deliver {parameters.named()} {parameters.on or datetime.now().astimezone().date()}"


@flow(name="deliver-services", flow_run_name=_run_name, persist_result=False)
def deliver_services(parameters: DeliverParameters = EVERYTHING) -> State[Any]:
    """Pulls registry deltas, decides for each service, acts, and tells the residents.

    Args:
        parameters: Which municipalities, and on which day.
    """
    begin()
    run = str(runtime.flow_run.id or "")
    slugs = parameters.municipalities or municipalities(settings())
    if not slugs:
        return Failed(message="there is no municipality in ANTRAGSLOS_HOME")

    def deliver(slug: str) -> Outcome:
        return of_municipality(slug, parameters.on, run, everything, "deliver")

    return end_state(side_by_side(slugs, parameters.on, deliver))


if __name__ == "__main__":
    deliver_services()
