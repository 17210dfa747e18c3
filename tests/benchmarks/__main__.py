"""`make bench`: what the guarantees and Prefect cost, measured side by side in one run.

    A  our flow, with a real Prefect server beside it
    B  the bare loop: same parsing, rule, letters and facts kept; no Prefect, nothing made safe
    C  the bare loop as a Prefect flow with one task per case and step, on fewer deltas

All of them on one generated town and on SQLite, each in a fresh process on a copy of the same home;
the full delivery is taken in before and not timed. The machine may be shared, and C is compared per
delta although it runs on fewer: the ratios count, not the seconds, and those of CPU time most.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from flows.demo.place import Place, environment, next_free_port
from tests.benchmarks.server import prefect_server

Result = dict[str, Any]
ROWS = {
    "deltas": "deltas",
    "cases": "cases",
    "letters": "letters",
    "seconds": "seconds",
    "deltas a second": "rate",
    "client: CPU s": "cpu",
    "client: peak MB": "rss_mb",
    "task runs": "task_runs",
    "  of them recorded": "runs",
    "  as completed": "completed",
    "server: CPU s": "server_cpu",
    "server: busy after, s": "lag",
    "prefect.db: + MB": "mb",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    add = parser.add_argument
    add("--deltas", type=int, default=10_000)
    add("--naive", type=int, default=500, help="deltas of contender C (default: 500)")
    add("--prefect-defaults", action="store_true", help="C's server without our settings")
    add("--profile", action="store_true", help="A once more, under a profiler")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="antragslos-bench-") as folder:
        compare(Path(folder), asked)


def compare(folder: Path, asked: argparse.Namespace) -> None:
    town = contend(folder, "stock", asked.deltas)
    print("{people} people, {movers} of them move, {permits} permits\n".format(**town))
    a = contend(folder, "ours", asked.deltas, server=True)
    b = contend(folder, "bare", asked.deltas)
    fewer, tuned = min(asked.naive, asked.deltas), not asked.prefect_defaults
    c = contend(folder, "naive", fewer, server=True, tuned=tuned)
    if (a["cases"], a["letters"]) != (b["cases"], b["letters"]):
        raise SystemExit(f"A and B did not do the same work:\n{a}\n{b}")
    print_figures(a, b, c)
    print_ratios(a, b, c)
    print_stages(a)
    if asked.profile:
        profiled = contend(folder, "ours", asked.deltas, "profile", server=True)
        print("own time of A in s, under a profiler", *profiled["profile"], sep="\n")


def contend(
    folder: Path, name: str, *arguments: object, server: bool = False, tuned: bool = True
) -> Result:
    """Runs one contender in a process of its own, on a copy of the town."""
    print(f"{name} …", file=sys.stderr, flush=True)
    stock = folder / "stock"
    home = Path(tempfile.mkdtemp(dir=folder, prefix=name)) / "home" if stock.exists() else stock
    if home != stock:
        shutil.copytree(stock, home)
    env = environment(Place(home, next_free_port(4300), 9, 8300), os.environ)
    settings = env if tuned else {k: env[k] for k in env if "_SERVER_SERVICES_" not in k}
    with prefect_server(settings) if server else nullcontext() as prefect:
        if prefect is None:
            return _run(env, name, *arguments)
        prefect.settle()
        before = prefect.load()
        result = _run(env, name, *arguments) | {"lag": prefect.settle()}
        return result | {key: value - before[key] for key, value in prefect.load().items()}


def _run(env: dict[str, str], *command: object) -> Result:
    line = [sys.executable, "-m", "tests.benchmarks.contenders", *map(str, command)]
    done = subprocess.run(line, env=env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    result: Result = json.loads(done.stdout.splitlines()[-1])
    return result


def print_figures(*results: Result) -> None:
    titles = "A  antragslos", "B  bare loop", "C  task per step"
    print(f"{'':<24}" + "".join(f"{title:>17}" for title in titles))
    for label, key in ROWS.items():
        cells = (_figure(result.get(key)) for result in results)
        print(f"{label:<24}" + "".join(f"{cell:>17}" for cell in cells))


def _figure(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def print_ratios(a: Result, b: Result, c: Result) -> None:
    def ratio(one: Result, other: Result, *what: str) -> float:
        mine, others = (sum(r.get(key, 0) for key in what) / r["deltas"] for r in (one, other))
        return float(mine / others)

    print(f"\nper delta{'':<15}{'A / B':>17}{'C / A':>17}{'C / B':>17}")
    kinds = {
        "seconds": ["seconds"],
        "client CPU": ["cpu"],
        "CPU with server": ["cpu", "server_cpu"],
    }
    for label, what in kinds.items():
        pairs = ((a, b), (c, a), (c, b))
        print(f"{label:<24}" + "".join(f"{ratio(*pair, *what):>17.2f}" for pair in pairs))
    print(f"{'prefect.db':<24}{'–':>17}{ratio(c, a, 'mb'):>17.1f}{'–':>17}")
    print(
        f"\nC ran on {c['deltas']:,} deltas; on all {a['deltas']:,}, scaled linearly, it would take"
    )
    scale = a["deltas"] / c["deltas"]
    for label, key in (("s", "seconds"), ("s of server CPU", "server_cpu"), ("MB", "mb")):
        print(f"  {c[key] * scale:,.0f} {label}")


def print_stages(a: Result) -> None:
    print("\nstages of A      s    share   task runs")
    for name, (seconds, runs) in a["stages"].items():
        print(f"{name:<12}{seconds:>7.1f}{seconds / a['seconds']:>8.0%}{runs:>11}")
    rest = a["seconds"] - sum(seconds for seconds, _ in a["stages"].values())
    print(f"{'between':<12}{rest:>7.1f}{rest / a['seconds']:>8.0%}\n")


if __name__ == "__main__":
    main()
