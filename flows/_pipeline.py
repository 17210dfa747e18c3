"""What several flows share: the stages in their order, how they are run, and the end state.

Begins with an underscore, since every other file here is one flow and one deployment.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from prefect import get_run_logger, tags
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.settings import get_current_settings
from prefect.states import Completed, Failed
from pydantic import BaseModel, ConfigDict, Field

from flows._login import problems_of
from tasks.act import act_cases, begun, take_up_effects, to_act
from tasks.decide import decide_cases, to_decide
from tasks.errors import AntragslosError
from tasks.grace import renew_letters, to_renew
from tasks.idle import idle
from tasks.link import link_deltas, to_link
from tasks.look_back import look_back, must_look_back, not_looked_at
from tasks.municipality import Municipality, open_municipality
from tasks.pull import has_deliveries, pull_deliveries
from tasks.render import render_cases, to_render
from tasks.report import FAILED, read_report, run_markdown, touched_by, waiting_markdown
from tasks.send import EMAIL, POST, recover_claims, send_letters, to_send
from tasks.settings import private_files, settings
from tasks.stage import Counts, batches, cleaned
from tasks.state.lock import municipality_lock
from tasks.take_up import recorded, take_up_replies

# Prefect brings in a million objects that stay: each collection would walk through all of them.
gc.freeze()

# A person's cases are carried out one after the other, each decided on what the one before it left
# behind; whoever has more than three of them in one day gets the rest on the next.
PASSES = 3
SIDE_BY_SIDE = 4  # municipalities
BUSY, AT_WORK = "state.municipality_busy", "another run is at work"

Work = Iterator[tuple[Any, tuple[Any, ...]]]  # (task, its arguments)


class Places(BaseModel):
    """What most flows are told: where, and on which day."""

    model_config = ConfigDict(extra="forbid")

    municipalities: list[str] = Field(
        default=[],
        title="Municipalities",
        description="Names of their folders in the home folder. Empty: every one of them.",
        json_schema_extra={"position": 0},
    )
    on: date | None = Field(
        default=None,
        title="Replay the day",
        description="The day on which the run plays. Empty: today. A future day only in test mode.",
        json_schema_extra={"position": 9},
    )

    def named(self) -> str:
        """For the name of a run."""
        where = ", ".join(self.municipalities[:3]) or "all"
        more = len(self.municipalities) - 3
        return f"{where} and {more} more" if more > 0 else where


class Outcome(BaseModel):
    """What became of one municipality: counts, and codes of what needs an admin."""

    counts: dict[str, int] = {}
    problems: list[str] = []
    touched: dict[str, int] = {}  # cases that the run moved, by the status they have now
    not_looked_at: int = 0  # changes whose services are off
    asked: int = 0  # of these, the ones that wait for a clerk, wholly or in part

    def count(self, counts: Counts) -> None:
        for name, number in counts.items():
            if name.startswith("stopped:"):
                self.trouble(name.removeprefix("stopped:"))
            elif number:
                self.counts[name] = self.counts.get(name, 0) + number

    @property
    def busy(self) -> bool:
        """Another run has the municipality, so this one has done nothing there."""
        return self.problems == [BUSY]

    def trouble(self, code: str) -> None:
        if code not in self.problems:
            self.problems.append(code)


def begin() -> None:
    """What every flow does first.

    A server that lets anybody in is named in every run, since nobody else would notice it. Without
    a good `secret.key` no letter could follow what is done: raises SettingsInvalid before that.
    """
    private_files()
    settings().must_have_a_good_key()
    api = get_current_settings().api
    if api.url:  # none: the temporary server of a command, which is shut
        login = api.auth_string.get_secret_value() if api.auth_string else ""
        with suppress(OSError):
            for problem in problems_of(api.url, login):
                get_run_logger().warning("Prefect's API %s", problem)


def side_by_side(
    slugs: Sequence[str], on: date | None, work: Callable[[str], Outcome]
) -> dict[str, Outcome]:
    """So that one whose register or mail server hangs delays no other.

    Of hundreds most have nothing to do on most days, and need not be looked at one by one.
    """
    nothing_new = idle(slugs, on, lambda town: day_of(town, on))

    def one(slug: str) -> Outcome:
        with tags(f"municipality:{slug}"):
            return work(slug)

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        begun = {
            slug: pool.submit(copy_context().run, one, slug)
            for slug in slugs
            if slug not in nothing_new
        }
    return {slug: begun[slug].result() if slug in begun else Outcome() for slug in slugs}


def of_municipality(
    slug: str,
    on: date | None,
    run: str,
    work: Callable[[Municipality, date, str], Work],
    artifact: str,
) -> Outcome:
    """All the work of one municipality, alone in it. Its trouble never reaches another one's."""
    outcome = Outcome()
    try:
        town = open_municipality(slug, settings())
        day = day_of(town, on)
        with municipality_lock(town.engine, slug, town.folder):
            try:
                outcome.count(recover_claims(town, run))
            except Exception as error:  # all else can be done all the same
                outcome.trouble(cleaned(error).code)
            for step, args in work(town, day, run):
                do(step, args, outcome)
            outcome.touched, outcome.asked = touched_by(town, run)
            outcome.not_looked_at = not_looked_at(town)
            _publish(town, day, outcome, artifact)
        return outcome
    except AntragslosError as error:
        code = cleaned(error).code
    except Exception as error:
        code = cleaned(error).code
    get_run_logger().error("%s: %s", slug, code)
    outcome.trouble(code)  # beside whatever was done before it
    return outcome


def day_of(town: Municipality, on: date | None) -> date:
    """Raises AntragslosError where the day lies in the future and letters would really leave."""
    today = datetime.now(ZoneInfo(town.profile.timezone)).date()
    if on and on > today and not town.test_mode:
        raise AntragslosError("run.day_in_future", town.slug)
    return on or today


def everything(town: Municipality, day: date, run: str) -> Work:
    """The stages in their order, each looked for only when it is its turn.

    Every stage is tried whatever became of the one before it: a registry that stands still keeps
    no letter from leaving.
    """
    slug, size = town.slug, town.settings.batch_size
    if begun(town):
        yield take_up_effects, (slug, run)
    if has_deliveries(town):
        yield pull_deliveries, (slug, day)
    if must_look_back(town, day):
        yield look_back, (slug, day)
    for ids in batches(to_link(town), size):
        yield link_deltas, (slug, ids, day, run)
    yield from _replies(town, day, run)
    yield from _carry_out(town, day, run, prompted=False)


def prompted(town: Municipality, day: date, run: str) -> Work:
    """Only what a resident or a clerk waits for. All else waits for the next delivery: it may take
    back what would be carried out now."""
    if begun(town):
        yield take_up_effects, (town.slug, run)
    yield from _replies(town, day, run)
    yield from _carry_out(town, day, run, prompted=True)


def _replies(town: Municipality, day: date, run: str) -> Work:
    for ids in batches(recorded(town), town.settings.batch_size):
        yield take_up_replies, (town.slug, ids, day, run)


def _carry_out(town: Municipality, day: date, run: str, *, prompted: bool) -> Work:
    slug, size = town.slug, town.settings.batch_size
    for service in town.services:
        for _ in range(PASSES):
            for ids in batches(to_decide(town, service, day, prompted), size):
                yield decide_cases, (slug, service, ids, day, run)
            for ids in batches(to_act(town, service, day, prompted), size):
                yield act_cases, (slug, service, ids, day, run)
    for ids in batches(to_renew(town, day, prompted), size):
        yield renew_letters, (slug, ids, day, run)
    for ids in batches(to_render(town, prompted), size):
        yield render_cases, (slug, ids, day, run)
    for channel in (POST, EMAIL):  # a mail server may hang
        if ids := to_send(town, channel, prompted):
            yield send_letters, (slug, channel, ids, day, run)


def do(step: Any, args: tuple[Any, ...], outcome: Outcome) -> None:
    state = step(*args, return_state=True)
    result = state.result(raise_on_failure=False)
    if state.is_completed():
        outcome.count(result)
    else:
        known = isinstance(result, AntragslosError)
        outcome.trouble(result.code if known else "internal.unknown")


def _publish(town: Municipality, day: date, outcome: Outcome, artifact: str) -> None:
    """One page a run with a history per municipality, and one for what waits."""
    slug = town.slug
    if not outcome.counts and not outcome.problems:
        return  # hundreds of quiet municipalities leave no trace
    now = read_report(town)
    create_markdown_artifact(
        run_markdown(slug, day, Counts(outcome.counts), outcome.problems, now),
        key=f"{artifact}-{slug}",
        description=f"Runs of {slug}",
    )
    create_markdown_artifact(
        waiting_markdown(slug, day, now),
        key=f"waiting-{slug}",
        description=f"What waits for people in {slug}",
    )


# What ends in no case and must be said all the same, in a run's message.
_ALSO = {
    "waiting_packets": "deliveries that wait for a packet",
    "waiting_files": "files still being written",
    "passed_over": "earlier changes that a new service does not look back to (look_back_days)",
    "not_looked_at": "changes that no service has looked at, since it is off",
}


def counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def end_state(outcomes: dict[str, Outcome]) -> State[Any]:
    """The truth in one line: name and message appear in Prefect's list of runs."""
    touched: Counts = Counts()
    counts: Counts = Counts()
    for outcome in outcomes.values():
        touched.update(outcome.touched)
        counts.update(outcome.counts)
        counts["not_looked_at"] += outcome.not_looked_at
    cases, failed = touched.total(), touched[FAILED]
    asked = sum(outcome.asked for outcome in outcomes.values())
    also = "".join(f"; {what}: {counts[name]}" for name, what in _ALSO.items() if counts[name])
    troubled = {slug: outcome.problems for slug, outcome in outcomes.items() if outcome.problems}
    if failed or troubled:
        where = [f"{slug}: {', '.join(codes)}" for slug, codes in troubled.items()]
        failures = [f"{failed} of {counted(cases, 'case')} failed"] if failed else []
        message = "; ".join([*failures, *where]) + also
        nothing_done = len(troubled) == len(outcomes) and not cases
        return Failed(name="Failed" if nothing_done else "PartiallyFailed", message=message)
    unread = counts["quarantined"]
    if asked or unread:
        need = "needs" if asked == 1 else "need"
        message = f"{asked} of {counted(cases, 'case')} {need} review"
        message += f"; {counted(unread, 'registry record')} could not be read" if unread else ""
        return Completed(name="NeedsReview", message=message + also)
    if not +Counts({name: n for name, n in counts.items() if name not in _ALSO}):
        return Completed(message="nothing new" + also)
    sent = counted(counts["handed_over"], "letter")
    message = f"{counted(cases, 'case')}, {counts['acted']} acted, {sent} sent"
    return Completed(message=message + also)
