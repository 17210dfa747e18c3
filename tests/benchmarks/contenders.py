"""The contenders, each a process of its own: `python -m tests.benchmarks.contenders NAME …`.

Prints what it did as one line of JSON; `stock` makes the town that all of them start from.
"""

import json
import re
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

from flows._pipeline import Outcome, everything, of_municipality
from tasks.matching.zone_file import parse_zone_list
from tasks.municipality import open_municipality
from tasks.pull import pull
from tasks.settings import settings
from tasks.state import report
from tasks.state.database import reading
from tests.benchmarks.bare import Bare, play
from tests.delivery_writer import DELTAS, generate
from tests.town import SLUG, ZONES, make_town, stage_of

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
    """All of a run for one municipality, in this process; the Prefect server is another one."""
    stages: Counter[str] = Counter()
    runs: Counter[str] = Counter()

    def timed(*args: Any) -> Iterator[Any]:
        for step, ids in everything(*args):
            start = time.perf_counter()
            yield step, ids
            name = stage_of(step)
            stages[name] += time.perf_counter() - start
            runs[name] += 1

    @flow(name="ours", persist_result=False)
    def one_town() -> Outcome:
        return of_municipality(SLUG, TODAY, "bench", timed, "bench")

    profiler = Profiler(async_mode="disabled")
    with profiler if profile else nullcontext(), _measured(int(deltas)) as result:
        problems = one_town().problems
    assert not problems, problems
    with reading(open_municipality(SLUG, settings()).engine) as session:
        result["cases"] = sum(n for *_, n in report.cases_by_outcome(session, SLUG))
        letters = report.letters_by_channel(session, SLUG)
        result["letters"] = sum(n for _, status, n in letters if status == "handed_over")
    result["task_runs"] = sum(runs.values())
    result["stages"] = {name: (seconds, runs[name]) for name, seconds in stages.items()}
    if profile:
        result["profile"] = _top(profiler.output(ConsoleRenderer(flat=True, show_all=True)))
    return result


def _top(told: str) -> list[list[str]]:
    """(seconds, function, module): without lines and folders, which say where this machine is."""
    lines = re.findall(r"^(\d+\.\d+) +(.+?)  +(\S+)$", told, re.MULTILINE)
    return [[own, name, Path(at.rpartition(":")[0] or at).name] for own, name, at in lines][:TOP]


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


CONTENDERS = {"stock": stock, "ours": ours, "bare": bare, "naive": naive}

if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    print(json.dumps(CONTENDERS[name](*arguments)))
