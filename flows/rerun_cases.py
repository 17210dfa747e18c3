"""Rerun cases: continues failed cases at the step that failed, once their cause is gone.

A dry run (the default) looks whether the cause is gone and previews; the run itself reports the
same, case by case. Pressing it twice changes nothing.
"""

from datetime import date
from typing import Any, Literal

from prefect import flow, get_run_logger, runtime, tags
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import BaseModel, ConfigDict, Field

from flows._pipeline import begin, day_of
from tasks.errors import AntragslosError, PermanentError
from tasks.municipality import open_municipality
from tasks.rerun import Preview, find_cases, known_cases, preview, rerun
from tasks.settings import settings
from tasks.stage import cleaned
from tasks.state.lock import municipality_lock
from tasks.state.selection import Selection

SHOWN = 200


class RerunParameters(BaseModel):
    """Which cases, and why. Every criterion narrows; an empty one does not."""

    model_config = ConfigDict(extra="forbid")

    municipality: str = Field(
        default="", title="Municipality", description="Its folder in the home folder."
    )
    reason: str = Field(
        min_length=3,
        title="Reason",
        description="Why the cases run again. Kept in each case's history: no personal data.",
    )
    dry_run: bool = Field(
        default=True,
        title="Dry run",
        description="Only look whether the cause is gone, and say what would happen.",
    )
    statuses: list[Literal["failed", "needs_review"]] = Field(
        default=["failed"],
        title="Status",
        description="failed, or needs_review to have clerks' cases decided again.",
    )
    codes: list[str] = Field(
        default=[], title="Codes", description="For example letter.missing_variable."
    )
    services: list[str] = Field(
        default=[], title="Services", description="For example resident_parking."
    )
    run: str = Field(
        default="", title="Run", description="Id of a flow run: the cases that it moved."
    )
    cases: list[str] = Field(default=[], title="Cases", description="Case ids, such as c-….")
    resend_uncertain: bool = Field(
        default=False,
        title="Send uncertain letters again",
        description="Letters that may have arrived already go out again. Ask residents first.",
    )
    on: date | None = Field(
        default=None,
        title="Replay the day",
        description="The day on which the run plays. Empty: today.",
    )


def _run_name() -> str:
    raw = (runtime.flow_run.parameters or {})["parameters"]
    parameters = RerunParameters.model_validate(raw)
    mode = "preview rerun" if parameters.dry_run else "rerun"
    return f"{mode} {parameters.municipality}".strip()


@flow(name="rerun-cases", flow_run_name=_run_name, persist_result=False)
def rerun_cases(parameters: RerunParameters) -> State[Any]:
    """Continues cases at the step that failed.

    Args:
        parameters: Which cases, why, and whether only to look.
    """
    begin()
    slug = parameters.municipality
    with tags(f"municipality:{slug}"):
        try:
            result, cases = _rerun(parameters)
        except Exception as error:
            code = cleaned(error).code
            get_run_logger().error("%s: %s", slug, code)
            return Failed(message=f"{slug}: {code}")
        sentence = result.sentence(done=not parameters.dry_run)
        create_markdown_artifact(
            _markdown(slug, sentence, result), key=f"rerun-{slug}", description=f"Reruns in {slug}"
        )
    if not cases:
        return Completed(message="no case matches")
    if result.blocked() and not parameters.dry_run:
        return Failed(name="PartiallyFailed", message=sentence)
    return Completed(name="Preview" if parameters.dry_run else "Completed", message=sentence)


def _rerun(parameters: RerunParameters) -> tuple[Preview, int]:
    if not parameters.municipality:
        raise AntragslosError("rerun.no_municipality")
    town = open_municipality(parameters.municipality, settings())
    day = day_of(town, parameters.on)
    wanted = Selection(
        tuple(parameters.statuses),
        tuple(parameters.codes),
        tuple(parameters.services),
        parameters.run,
        tuple(parameters.cases),
    )
    with municipality_lock(town.engine, town.slug, town.folder):
        ids = find_cases(town, wanted)
        if unknown := set(parameters.cases) - known_cases(town, parameters.cases):
            raise PermanentError("case.unknown", ", ".join(sorted(unknown)))
        if parameters.dry_run:
            return preview(town, ids, day, parameters.resend_uncertain), len(ids)
        run = str(runtime.flow_run.id or "")
        done = rerun(town, ids, day, parameters.reason, run, parameters.resend_uncertain)
        return done, len(ids)


def _markdown(slug: str, sentence: str, result: Preview) -> str:
    lines = [f"# Rerun in {slug}", "", f"**{sentence}**", "", "| case | still blocked by |"]
    lines.append("| --- | --- |")
    lines += [f"| {verdict.case} | {verdict.code} |" for verdict in result.verdicts[:SHOWN]]
    if len(result.verdicts) > SHOWN:
        lines.append(f"| and {len(result.verdicts) - SHOWN} more | |")
    return "\n".join(lines)
