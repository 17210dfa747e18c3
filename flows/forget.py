"""Forget: personal data leaves when its period is over.

A dry run (the default) counts what would leave; the run itself counts the same. Prefect is told
numbers only. May be killed at any point and simply run again.
"""

from datetime import date
from typing import Any

from prefect import flow, get_run_logger, runtime, tags
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from flows._pipeline import Outcome, Places, begin, day_of, do
from tasks.forget import forget_all, forget_logs, old_logs, preview, tidy
from tasks.municipality import Municipality, municipalities, open_municipality
from tasks.settings import settings
from tasks.stage import Counts, cleaned
from tasks.state.lock import municipality_lock

# In the order of the sentence and of the artifact.
KINDS = {
    "cases": "cases",
    "deltas": "changes",
    "letters": "letters",
    "replies": "replies",
    "effects": "effects",
    "persons": "people who are gone",
    "quarantined": "unread records",
    "files": "delivered files",
    "logs": "old logs",
}


class ForgetParameters(Places):
    """Whose data leaves, and whether only to look."""

    dry_run: bool = Field(
        default=True,
        title="Dry run",
        description="Only count what would leave. What has left does not come back.",
        json_schema_extra={"position": 1},
    )


LOOK = ForgetParameters()


def _run_name() -> str:
    raw = (runtime.flow_run.parameters or {}).get("parameters") or {}
    parameters = ForgetParameters.model_validate(raw)
    return f"{'preview forget' if parameters.dry_run else 'forget'} {parameters.named()}"


@flow(name="forget", flow_run_name=_run_name, persist_result=False)
def forget(parameters: ForgetParameters = LOOK) -> State[Any]:
    """Removes personal data whose period is over.

    Args:
        parameters: Of which municipalities, and whether only to look.
    """
    begin()
    slugs = parameters.municipalities or municipalities(settings())
    if not slugs:
        return Failed(message="there is no municipality in ANTRAGSLOS_HOME")
    outcomes: dict[str, Outcome] = {}
    for slug in slugs:
        with tags(f"municipality:{slug}"):
            outcomes[slug] = _forget(slug, parameters)
    if not parameters.municipalities:
        outcomes["logs"] = _logs(parameters)  # they belong to all municipalities
    return _end_state(outcomes, parameters.dry_run)


def _forget(slug: str, parameters: ForgetParameters) -> Outcome:
    """One municipality. Its trouble never reaches another one's."""
    outcome = Outcome()
    try:
        town = open_municipality(slug, settings())
        day = day_of(town, parameters.on)
        with municipality_lock(town.engine, slug, town.folder):
            if parameters.dry_run:
                outcome.count(preview(town, day))
            else:
                _forget_for_real(town, day, outcome)
        _publish(slug, day, outcome, parameters.dry_run)
    except Exception as error:
        _note(slug, error, outcome)
    return outcome


def _forget_for_real(town: Municipality, day: date, outcome: Outcome) -> None:
    """A batch that breaks keeps no other from being forgotten."""
    for step, args in forget_all(town, day, str(runtime.flow_run.id or "")):
        do(step, args, outcome)
    if outcome.counts:
        tidy(town)


def _logs(parameters: ForgetParameters) -> Outcome:
    outcome = Outcome()
    try:
        today, home = date.today(), settings().home  # noqa: DTZ011  the machine's
        day = min(parameters.on or today, today)  # they are no municipality's: never in test mode
        outcome.count(
            Counts(logs=len(old_logs(home, day))) if parameters.dry_run else forget_logs(home, day)
        )
    except Exception as error:
        _note("logs", error, outcome)
    return outcome


def _note(where: str, error: Exception, outcome: Outcome) -> None:
    code = cleaned(error).code
    get_run_logger().error("%s: %s", where, code)
    outcome.trouble(code)


def _publish(slug: str, day: date, outcome: Outcome, dry_run: bool) -> None:
    if not outcome.counts and not outcome.problems:
        return
    title = "What would leave" if dry_run else "What has left"
    rows = [
        f"| {words} | {outcome.counts[kind]} |"
        for kind, words in KINDS.items()
        if kind in outcome.counts
    ]
    lines = [f"# {title} in {slug}, {day}", ""]
    if outcome.problems:
        lines += ["**Needs an admin:** " + ", ".join(f"`{code}`" for code in outcome.problems), ""]
    create_markdown_artifact(
        "\n".join([*lines, "| what | number |", "| --- | --- |", *rows]),
        key=f"forget-{slug}",
        description=f"Retention in {slug}",
    )


def _end_state(outcomes: dict[str, Outcome], dry_run: bool) -> State[Any]:
    counts: Counts = Counts()
    for outcome in outcomes.values():
        counts.update(outcome.counts)
    sentence = ", ".join(f"{counts[kind]} {words}" for kind, words in KINDS.items() if counts[kind])
    troubled = [
        f"{slug}: {', '.join(outcome.problems)}"
        for slug, outcome in outcomes.items()
        if outcome.problems
    ]
    if troubled:
        name = "PartiallyFailed" if counts else "Failed"
        return Failed(name=name, message="; ".join([sentence or "nothing forgotten", *troubled]))
    if dry_run:
        message = f"would leave: {sentence}" if sentence else "nothing would leave"
        return Completed(name="Preview", message=message)
    return Completed(message=f"forgotten: {sentence}" if sentence else "nothing to forget")


if __name__ == "__main__":
    forget()
