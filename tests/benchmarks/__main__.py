"""`make bench`: what the guarantees and Prefect cost, measured side by side in one run.

    A  our flow, with a real Prefect server beside it
    B  the bare loop: same parsing, rule, letters and facts kept; no Prefect, nothing made safe
    C  the bare loop as a Prefect flow with one task per case and step, on fewer deltas
    1  A as it was in the first release, checked out beside this tree, turn by turn with A

All of them on one generated town and on SQLite, each in a fresh process on a copy of the same home;
the full delivery is taken in before and not timed. What came out is written as a page of Markdown.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from flows.demo.place import Place, environment, next_free_port
from tests.benchmarks.first import COMMIT, ROOT, check_out
from tests.benchmarks.page import page
from tests.benchmarks.server import prefect_server
from tests.benchmarks.stages import CONTENDERS as STAGES

Result = dict[str, Any]
Contend = Callable[..., Result]
HERE = Path(__file__).resolve().parent
QUIET = 200  # towns in which nothing is to be done
CORRECTED = 0.01  # of the cases and letters: what the rule decides otherwise since
TURNS = 2  # of A and of the first release; the quicker one counts, since noise only adds


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    add = parser.add_argument
    add("--deltas", type=int, default=10_000)
    add("--naive", type=int, default=500, help="deltas of contender C (default: 500)")
    add("--first", default=COMMIT, help="the commit to compare with (default: the first release)")
    add("--to", type=Path, default=ROOT / "docs" / "performance.md", help="the page it writes")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="antragslos-bench-") as folder:
        trees = {"now": ROOT, "then": check_out(asked.first, Path(folder) / "first")}
        if trees["then"] is None:
            print(f"commit {asked.first} is not here: nothing to compare with", file=sys.stderr)
        now, then = (
            partial(in_a_process, Path(folder) / name, tree) if tree else None
            for name, tree in trees.items()
        )
        asked.to.write_text(compare(now, then, asked.deltas, asked.naive), encoding="utf-8")
    print(asked.to.read_text(encoding="utf-8"))


def compare(
    now: Contend,
    then: Contend | None,
    deltas: int,
    naive: int,
    quiet: int = QUIET,
    turns: int = TURNS,
) -> str:
    """The page. Raises SystemExit where the contenders have not done the same work."""
    town = stocked(now, then, "stock", deltas)
    deltas = town["deltas"]
    a, first = in_turns(turns, now, then, "ours", deltas, of="stock")
    b = now("bare", deltas, of="stock")
    for name, other, most in (("B", b, 0), ("the first release", first, CORRECTED)):
        if other and any(abs(a[one] - other[one]) > most * a[one] for one in ("cases", "letters")):
            raise SystemExit(f"A and {name} did not do the same work:\n{a}\n{other}")
    c = now("naive", min(naive, deltas), of="stock", server=True)
    profiled = now("profiled", deltas, of="stock", server=True)
    stocked(now, then, "quiet_stock", quiet)
    idle = in_turns(turns, now, then, "quiet", of="quiet_stock")
    return page(town, a, b, c, first, idle, profiled["profile"])


def stocked(now: Contend, then: Contend | None, name: str, size: int) -> Result:
    """Each tree works on a home that its own code has made."""
    if then:
        then(name, size)
    return now(name, size)


def in_turns(
    turns: int, now: Contend, then: Contend | None, name: str, *arguments: object, of: str
) -> tuple[Result, Result]:
    """The best of each tree; nothing of the one that is not there."""
    results = [
        [tree(name, *arguments, of=of, server=True) if tree else {} for tree in (now, then)]
        for _ in range(turns)
    ]
    ours, theirs = zip(*results, strict=True)
    return min(ours, key=_cpu), min(theirs, key=_cpu)


def _cpu(result: Result) -> float:
    return float(result.get("cpu", 0))


def in_a_process(
    folder: Path, tree: Path, name: str, *arguments: object, of: str = "", server: bool = False
) -> Result:
    """Runs one contender of a tree in a process of its own.

    `of`: the stock of which it gets a copy as its home; without one it makes that of its name.
    """
    print(f"{folder.name}: {name} …", file=sys.stderr, flush=True)
    folder.mkdir(exist_ok=True)
    home = folder / name
    if of:
        home = Path(tempfile.mkdtemp(dir=folder, prefix=name)) / "home"
        shutil.copytree(folder / of, home)
    env = environment(Place(home, next_free_port(4300), 9, 8300), os.environ)
    env["PYTHONPATH"] = str(tree)
    with prefect_server(env) if server else nullcontext() as prefect:
        if prefect is None:
            return _run(env, tree, name, *arguments)
        prefect.settle()
        before = prefect.load()
        result = _run(env, tree, name, *arguments) | {"lag": prefect.settle()}
        return result | {key: value - before[key] for key, value in prefect.load().items()}


def _run(env: dict[str, str], tree: Path, name: str, *arguments: object) -> Result:
    """-P: only PYTHONPATH says whose packages are measured."""
    script = HERE / ("stages.py" if name in STAGES else "contenders.py")
    line = [sys.executable, "-P", str(script), name, *map(str, arguments)]
    done = subprocess.run(line, env=env, cwd=tree, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    result: Result = json.loads(done.stdout.splitlines()[-1])
    return result


if __name__ == "__main__":
    main()
