"""Commands that run a flow in this process, for cron, scripts and admins without a browser.

Prefect is imported late: looking at cases takes no second to start.
"""

from datetime import datetime
from typing import Annotated, Any

import typer

from flows.cli.places import Municipalities, Municipality
from flows.cli.temporary_server import tie_to_us

Day = Annotated[
    datetime | None,
    typer.Option("--on", formats=["%Y-%m-%d"], help="Replay this day. Default: today."),
]


def deliver(
    municipality: Municipalities = [],  # noqa: B006  typer reads the default, nobody changes it
    on: Day = None,
) -> None:
    """Pull deliveries, decide, act and send, in this process. Without -m: every municipality."""
    from flows.deliver_services import DeliverParameters, deliver_services

    parameters = DeliverParameters(municipalities=municipality, on=on.date() if on else None)
    tie_to_us()
    _report(deliver_services(parameters, return_state=True))


def apply_replies(
    municipality: Municipalities = [],  # noqa: B006
    on: Day = None,
) -> None:
    """Carry out what residents have answered and clerks have decided, in this process."""
    from flows.apply_replies import ApplyParameters
    from flows.apply_replies import apply_replies as flow

    parameters = ApplyParameters(municipalities=municipality, on=on.date() if on else None)
    tie_to_us()
    _report(flow(parameters, return_state=True))


def rerun(
    municipality: Municipality,
    reason: Annotated[str, typer.Option(help="Kept in each case's history; no personal data.")],
    for_real: Annotated[bool, typer.Option("--for-real", help="Default: only look.")] = False,
    status: Annotated[list[str], typer.Option(help="failed, needs_review")] = ["failed"],  # noqa: B006
    code: Annotated[list[str], typer.Option(help="Only cases with this code.")] = [],  # noqa: B006
    service: Annotated[list[str], typer.Option(help="Only this service.")] = [],  # noqa: B006
    run: Annotated[str, typer.Option(help="Only cases that this flow run moved.")] = "",
    case: Annotated[list[str], typer.Option(help="Only this case.")] = [],  # noqa: B006
    resend_uncertain: Annotated[
        bool, typer.Option(help="Send letters again that may have arrived already.")
    ] = False,
    on: Day = None,
) -> None:
    """Continue failed cases at the step that failed; without --for-real only look."""
    from flows.rerun_cases import RerunParameters, rerun_cases

    parameters = RerunParameters(
        municipality=municipality,
        reason=reason,
        dry_run=not for_real,
        statuses=status,
        codes=code,
        services=service,
        run=run,
        cases=case,
        resend_uncertain=resend_uncertain,
        on=on.date() if on else None,
    )
    tie_to_us()
    _report(rerun_cases(parameters, return_state=True))


def _report(state: Any) -> None:
    typer.echo(f"{state.name}: {state.message}")
    if not state.is_completed():
        raise typer.Exit(1)
