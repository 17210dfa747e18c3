"""The contenders, each a process of its own: `python -m tests.benchmarks.contenders NAME …`.

Each works on a copy of the town that `stages.py` makes, and prints what it did as one line of JSON.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from prefect import flow, task
from pyinstrument import Profiler
from pyinstrument.renderers import ConsoleRenderer

from tasks.municipality import open_municipality
from tasks.settings import settings
from tests.benchmarks.bare import Bare, play
from tests.benchmarks.stages import TODAY, measured, ours
from tests.town import SLUG

Result = dict[str, Any]
TOP = 10  # lines of the profile, by own time


def profiled(deltas: str) -> Result:
    """`ours` under a profiler, which makes it slower: only the shares count."""
    profiler = Profiler(async_mode="disabled")
    with profiler:
        result = ours(deltas)
    return result | {"profile": _top(profiler.output(ConsoleRenderer(flat=True, show_all=True)))}


def _top(told: str) -> list[list[str]]:
    """(seconds, function, module): without lines and folders, which say where this machine is."""
    lines = re.findall(r"^(\d+\.\d+) +(.+?)  +(\S+)$", told, re.MULTILINE)
    return [[own, name, Path(at.rpartition(":")[0] or at).name] for own, name, at in lines][:TOP]


def bare(deltas: str) -> Result:
    loop = Bare(open_municipality(SLUG, settings()), TODAY)
    with measured(int(deltas)) as result:
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

    with measured(int(deltas)) as result:
        result["task_runs"] = per_case()
    return result | {"cases": loop.cases, "letters": loop.letters}


CONTENDERS = {"profiled": profiled, "bare": bare, "naive": naive}

if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    print(json.dumps(CONTENDERS[name](*arguments)))
