"""The contenders, each a process of its own: `python -m tests.benchmarks.contenders NAME …`.

Prints what it did as one line of JSON; `stock` makes the town that all of them start from.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from math import ceil
from pathlib import Path
from typing import Any

from prefect import flow, task
from pyinstrument import Profiler
from pyinstrument.renderers import ConsoleRenderer

import flows.deliver_services as ours_flow
from tasks.matching.zones import parse_zone_list
from tasks.municipality import open_municipality
from tasks.pull import pull
from tasks.settings import settings
from tasks.state import report
from tasks.state.database import reading
from tests.benchmarks.bare import Bare, play
from tests.delivery_writer import DELTAS, generate
from tests.town import SLUG, ZONES, make_town

Result = dict[str, Any]
TODAY = DELTAS.date()
SEED = 20261123
TOP = 10  # lines of the profile, by own time
PERMIT_SHARE = 0.35  # of the movers who live in one zone; about nine in ten do


def stock(deltas: str) -> Result:
    """Generates a town, takes in its full delivery, and leaves the delta in the inbox."""
    home, zones = settings().home, parse_zone_list(ZONES)
    movers = ceil(int(deltas) / 1.1)  # the generator adds a tenth of other changes
    people = movers + movers // 5
    made = generate(
        home / "made", people, movers, SEED, ZONES, lambda a: zones.find(a).only, PERMIT_SHARE
    )
    permits = made.permits.read_bytes().count(b"\n")
    town = make_town(home, settling_days=0, permits=made.permits)
    made.full.rename(town.folder / "inbox" / made.full.name)
    pull(open_municipality(SLUG, settings()), TODAY)
    made.delta.rename(town.folder / "inbox" / made.delta.name)
    return {"people": people, "permits": permits, "movers": movers}


def ours(deltas: str, profile: str = "") -> Result:
    """The flow of the product, in this process; the Prefect server is another one."""
    stages: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    work = ours_flow.work

    def timed(*args: Any) -> Iterator[Any]:
        for step, ids in work(*args):
            start = time.perf_counter()
            yield step, ids
            name = step.name.split()[0]
            stages[name] += time.perf_counter() - start
            runs[name] += 1

    ours_flow.work = timed
    # The generator's calendar may lie ahead of this machine's, and its letters shall really leave.
    ours_flow.day_of = lambda _town, day: day
    parameters = ours_flow.DeliverParameters(municipalities=[SLUG], on=TODAY)
    profiler = Profiler(async_mode="disabled")
    with profiler if profile else nullcontext(), _measured(int(deltas)) as result:
        state = ours_flow.deliver_services(parameters, return_state=True)
    with reading(open_municipality(SLUG, settings()).engine) as session:
        result["cases"] = sum(n for *_, n in report.cases_by_outcome(session, SLUG))
        letters = report.letters_by_channel(session, SLUG)
        result["letters"] = sum(n for _, status, n in letters if status == "handed_over")
    result["ended"] = f"{state.name}: {state.message}"
    result["task_runs"] = sum(runs.values())
    result["stages"] = {name: (seconds, runs[name]) for name, seconds in stages.items()}
    if profile:
        lines = ConsoleRenderer(flat=True).render(profiler.last_session).splitlines()
        result["profile"] = [line for line in lines if line[:1].isdigit()][:TOP]
    return result


def bare(deltas: str) -> Result:
    loop = Bare(open_municipality(SLUG, settings()), TODAY)
    with _measured(int(deltas)) as result:
        play(loop, loop.steps, int(deltas))
    return result | {"cases": loop.cases, "letters": loop.letters}


def naive(deltas: str) -> Result:
    """The bare loop with each step of each case a Prefect task, which is given no more than an id.

    With the case itself as argument it would be slower: Prefect hashes arguments for its cache.
    """
    loop = Bare(open_municipality(SLUG, settings()), TODAY)
    steps = [task(step, name=step.__name__) for step in loop.steps]  # type: ignore[attr-defined]

    @flow(name="naive", persist_result=False)
    def per_case() -> int:
        return play(loop, steps, int(deltas))

    with _measured(int(deltas)) as result:
        result["task_runs"] = per_case()
    return result | {"cases": loop.cases, "letters": loop.letters}


@contextmanager
def _measured(deltas: int) -> Iterator[Result]:
    result: Result = {"deltas": deltas}
    cpu, start = time.process_time(), time.perf_counter()
    yield result
    seconds = time.perf_counter() - start
    result |= {"seconds": seconds, "rate": deltas / seconds, "cpu": time.process_time() - cpu}
    # Not ru_maxrss: that one remembers the size of the process which started this one.
    status = Path("/proc/self/status").read_text()
    result["rss_mb"] = int(status.partition("VmHWM:")[2].split()[0]) // 1024


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    print(
        json.dumps({"stock": stock, "ours": ours, "bare": bare, "naive": naive}[name](*arguments))
    )
