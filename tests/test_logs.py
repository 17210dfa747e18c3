"""Nobody washes a log away: of a kind the first in a minute is written, the others are counted."""

import logging
from pathlib import Path

import pytest

from tasks import logs
from tasks.logs import PrivateLog


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [60_000.0]
    make = logging.LogRecord.__init__

    def at(self: logging.LogRecord, *args: object, **how: object) -> None:
        make(self, *args, **how)  # type: ignore[arg-type]
        self.created = now[0]

    monkeypatch.setattr(logging.LogRecord, "__init__", at)
    return now


def a_log(folder: Path) -> tuple[logging.Logger, Path]:
    logger = logging.Logger("test")
    logger.addHandler(PrivateLog(folder / "test.log", keep=2))
    return logger, folder / "test.log"


def test_a_flood_of_one_kind_is_a_line_a_minute_with_its_count(
    tmp_path: Path, clock: list[float]
) -> None:
    log, path = a_log(tmp_path)
    log.error("before")
    for _ in range(100_000):
        log.error("x" * 2_000, extra={"kind": "KeyError app.py:1"})
    log.error("another", extra={"kind": "ValueError app.py:2"})
    clock[0] += 61
    log.error("x", extra={"kind": "KeyError app.py:1"})

    lines = path.read_text().splitlines()
    assert lines[0] == "before"
    assert lines[2:] == ["another", "KeyError app.py:1: 99999 more within a minute", "x"]
    assert list(tmp_path.iterdir()) == [path]


def test_what_has_no_kind_is_written_each_time(tmp_path: Path, clock: list[float]) -> None:
    log, path = a_log(tmp_path)
    for _ in range(3):
        log.info("musterstadt clerk sb-1 looked at c-1")
    assert len(path.read_text().splitlines()) == 3


def test_many_kinds_are_bounded_and_what_was_counted_is_told_at_the_end(
    tmp_path: Path, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "MOST_KINDS", 10)
    log, path = a_log(tmp_path)
    for number in range(1_000):
        log.info("refused %s", number, extra={"kind": f"kind {number}"})
    for handler in log.handlers:
        handler.close()
    assert len(path.read_text().splitlines()) == 12
    assert path.read_text().endswith("other: 989 more within a minute\n")
