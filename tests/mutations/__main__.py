"""`make mutants`: breaks each promise in a copy of the tree and wants its test to turn red.

A proof that lets a broken promise pass proves nothing. The list of mutations is in `listed.py`;
`tests/test_mutations.py` sees to it that none of them goes stale.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from tests.mutations.listed import MUTATIONS, Mutation

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", ".*_cache", ".hypothesis")
PATIENCE = 600


def main() -> None:
    parser = argparse.ArgumentParser(prog="make mutants")
    add = parser.add_argument
    add("-k", default="", help="only mutations whose file, text or test has this in it")
    add("-n", type=int, default=os.cpu_count() or 1, help="trees at work side by side")
    asked = parser.parse_args()
    chosen = [one for one in MUTATIONS if asked.k in f"{one.gist} {one.test}"]
    with trees(asked.n) as free, ThreadPoolExecutor(asked.n) as pool:
        noticed = sum(pool.map(lambda one: play(one, free), chosen))
    print(f"{noticed} of {len(chosen)} mutations were noticed")
    sys.exit(noticed < len(chosen))


@contextmanager
def trees(number: int) -> Iterator["SimpleQueue[Path]"]:
    """Copies of this tree, each to be broken by one mutation at a time."""
    free: SimpleQueue[Path] = SimpleQueue()
    with tempfile.TemporaryDirectory(prefix="antragslos-mutants-") as folder:
        for place in range(number):
            shutil.copytree(ROOT, tree := Path(folder) / str(place), ignore=LEFT_OUT)
            free.put(tree)
        yield free


def play(mutation: Mutation, free: "SimpleQueue[Path]") -> bool:
    """Whether the test noticed; says what the test said."""
    tree = free.get()
    try:
        file = tree / mutation.file
        whole = file.read_text(encoding="utf-8")
        file.write_text(mutation.apply(whole), encoding="utf-8")
        code, told = outcome(tree, mutation.test)
        file.write_text(whole, encoding="utf-8")
    finally:
        free.put(tree)
    red = [line for line in told.splitlines() if line.startswith("FAILED ")]
    noticed = code == 1 and bool(red)
    said = "\n".join(red) if noticed else told[-4000:]
    print(f"{'noticed' if noticed else 'SURVIVED'}  {mutation.gist}\n{said}\n", flush=True)
    return noticed


def outcome(tree: Path, test: str) -> tuple[int, str]:
    """Exit code and words of pytest: 1 is a failed test. One that cannot be run proves nothing."""
    command = [sys.executable, "-m", "pytest", "-x", "-n0", "--tb=line", "-rf", test]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    return done.returncode, done.stdout + done.stderr


if __name__ == "__main__":
    main()
