"""What the demo asks of Prefect: a tidy start, and runs through the worker."""

import time
from collections.abc import Callable, Iterator
from datetime import date
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun, State, StateType
from prefect.states import Crashed

from flows._login import POOL, POOL_TEMPLATE

DEPLOYMENT = "deliver-services/deliver-services"


def make_pool(client: SyncPrefectClient) -> None:
    """Also puts right what an earlier start has made."""
    pool = WorkPoolCreate(name=POOL, type="process", base_job_template=POOL_TEMPLATE)
    client.create_work_pool(pool, overwrite=True)


def tidy(client: SyncPrefectClient) -> None:
    """An earlier demo was stopped: runs that it missed must not all start now, and those that it
    took with it are over."""
    for run in _unfinished(client):
        if run.state_type is StateType.SCHEDULED:
            client.delete_flow_run(run.id)
        else:
            over: State[None] = Crashed(message="The demo was stopped.")
            client.set_flow_run_state(run.id, over, force=True)


def _unfinished(client: SyncPrefectClient) -> Iterator[FlowRun]:
    alive = [kind for kind in StateType if kind not in TERMINAL_STATES]
    wanted = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=alive)))
    while runs := client.read_flow_runs(flow_run_filter=wanted):
        yield from runs


def play(
    client: SyncPrefectClient, municipality: str, on: date, check: Callable[[], None]
) -> FlowRun:
    """One run through the worker, waited for. `check` may raise to end the waiting."""
    deployment = client.read_deployment_by_name(DEPLOYMENT)
    parameters = {"municipalities": [municipality], "on": on.isoformat()}
    run = client.create_flow_run_from_deployment(
        deployment.id,
        parameters={"parameters": parameters},
        name=f"deliver {municipality} {on}",
        tags=[f"municipality:{municipality}"],
    )
    return _finished(client, run.id, check)


def _finished(client: SyncPrefectClient, run_id: UUID, check: Callable[[], None]) -> FlowRun:
    while True:
        run = client.read_flow_run(run_id)
        if run.state and run.state.is_final():
            return run
        check()
        time.sleep(0.3)


def told(run: FlowRun) -> str:
    message = run.state.message if run.state else ""
    return f"{run.state_name}: {message}" if message else str(run.state_name)
