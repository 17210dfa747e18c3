"""Killed at any point and run again: see kill_everywhere.py and kill_replies.py."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def points(program: str, every: int) -> int:
    done = subprocess.run(
        [sys.executable, "-m", f"tests.failures.{program}", str(every)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return int(done.stdout.split()[-1])


SOME_AND_ALL = pytest.mark.parametrize(
    "every", [7, pytest.param(1, marks=[pytest.mark.thorough, pytest.mark.timeout(1000)])]
)


@SOME_AND_ALL
def test_a_run_killed_anywhere_is_completed_by_the_next_one(every: int) -> None:
    assert points("kill_everywhere", every) > 40


@SOME_AND_ALL
def test_replies_answers_and_reversals_survive_a_kill_at_any_point(every: int) -> None:
    assert points("kill_replies", every) > 60
