"""`make bench`: what the guarantees and Prefect cost, measured side by side in one run.

    A  our flow, with a real Prefect server beside it
    B  the bare loop: same parsing, rule, letters and facts kept; no Prefect, nothing made safe
    C  the bare loop as a Prefect flow with one task per case and step, on fewer deltas

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
from pathlib import Path
from typing import Any

from flows.demo.place import Place, environment, next_free_port
from tests.benchmarks.page import page
from tests.benchmarks.server import prefect_server

Result = dict[str, Any]
Contend = Callable[..., Result]
ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    add = parser.add_argument
    add("--deltas", type=int, default=10_000)
    add("--naive", type=int, default=500, help="deltas of contender C (default: 500)")
    add("--to", type=Path, default=ROOT / "docs" / "performance.md", help="the page it writes")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="antragslos-bench-") as folder:

        def contend(name: str, *arguments: object, server: bool = False) -> Result:
            return in_a_process(Path(folder), name, *arguments, server=server)

        asked.to.write_text(compare(contend, asked.deltas, asked.naive), encoding="utf-8")
    print(asked.to.read_text(encoding="utf-8"))


def compare(contend: Contend, deltas: int, naive: int) -> str:
    """The page. Raises SystemExit where A and B have not done the same work."""
    town = contend("stock", deltas)
    a = contend("ours", deltas, server=True)
    b = contend("bare", deltas)
    if (a["cases"], a["letters"]) != (b["cases"], b["letters"]):
        raise SystemExit(f"A and B did not do the same work:\n{a}\n{b}")
    c = contend("naive", min(naive, deltas), server=True)
    profiled = contend("ours", deltas, "profile", server=True)
    return page(town, a, b, c, profiled["profile"])


def in_a_process(folder: Path, name: str, *arguments: object, server: bool = False) -> Result:
    """Runs one contender in a process of its own, on a copy of the town."""
    print(f"{name} …", file=sys.stderr, flush=True)
    stock = folder / "stock"
    home = Path(tempfile.mkdtemp(dir=folder, prefix=name)) / "home" if stock.exists() else stock
    if home != stock:
        shutil.copytree(stock, home)
    env = environment(Place(home, next_free_port(4300), 9, 8300), os.environ)
    with prefect_server(env) if server else nullcontext() as prefect:
        if prefect is None:
            return _run(env, name, *arguments)
        prefect.settle()
        before = prefect.load()
        result = _run(env, name, *arguments) | {"lag": prefect.settle()}
        return result | {key: value - before[key] for key, value in prefect.load().items()}


def _run(env: dict[str, str], *command: object) -> Result:
    line = [sys.executable, "-m", "tests.benchmarks.contenders", *map(str, command)]
    done = subprocess.run(line, env=env, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    result: Result = json.loads(done.stdout.splitlines()[-1])
    return result


if __name__ == "__main__":
    main()
