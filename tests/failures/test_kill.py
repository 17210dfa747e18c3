"""Killed at any point and run again: see kill_everywhere.py."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_a_run_killed_anywhere_is_completed_by_the_next_one() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.failures.kill_everywhere"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.split()[-1]) > 40, "points at which the run was killed"
