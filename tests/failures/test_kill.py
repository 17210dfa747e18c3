"""Killed at any point and run again: see kill_everywhere.py and kill_replies.py."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def points(program: str) -> int:
    done = subprocess.run(
        [sys.executable, "-m", f"tests.failures.{program}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return int(done.stdout.split()[-1])


def test_a_run_killed_anywhere_is_completed_by_the_next_one() -> None:
    assert points("kill_everywhere") > 40


def test_replies_answers_and_reversals_survive_a_kill_at_any_point() -> None:
    assert points("kill_replies") > 60
