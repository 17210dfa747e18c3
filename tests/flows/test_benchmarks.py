"""`make bench` in small and in this process, so that it cannot break unseen."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tasks.settings import settings
from tests.benchmarks import contenders, stages
from tests.benchmarks.__main__ import Result, compare
from tests.benchmarks.first import ROOT, check_out
from tests.town import copied

CONTENDERS = {**contenders.CONTENDERS, **stages.CONTENDERS}


@pytest.fixture
def contend(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    def contend(name: str, *arguments: object, of: str = "", server: bool = False) -> Result:
        mine = home / (f"{name} of {of} {len(list(home.iterdir()))}" if of else name)
        if of:
            copied(home / of, mine)
        monkeypatch.setenv("ANTRAGSLOS_HOME", str(mine))
        settings.cache_clear()
        return CONTENDERS[name](*map(str, arguments))

    return contend


def test_the_benchmark_compares_us_with_a_bare_loop_and_says_nothing_of_the_machine(
    home: Path, contend: Callable[..., Result]
) -> None:
    # 21 is a number that the generator cannot make: all of them work on 22.
    page = compare(contend, None, deltas=21, naive=5, quiet=3, turns=1)

    figures = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|", page, re.MULTILINE))
    assert int(figures["cases"]) > int(figures["letters"]) > 0
    # Without the first release its column is empty, and all else is said.
    first = ("pull", "link", "decide", "act", "render", "send", "an idle town")
    assert {figures[name] for name in first} == {"–"}
    assert re.search(r"commit ([0-9a-f]{12}|unknown)", page)
    for place in (str(home), str(ROOT), "site-packages"):
        assert place not in page


def test_a_tree_that_did_other_work_is_compared_with_nothing() -> None:
    def contend(name: str, *_: object, letters: int = 7, **__: object) -> Result:
        return {"deltas": 20, "cases": 20, "letters": letters, "cpu": 1.0}

    with pytest.raises(SystemExit, match="did not do the same work"):
        compare(contend, partial(contend, letters=6), deltas=20, naive=5)


def test_a_commit_that_is_not_here_is_not_checked_out(tmp_path: Path) -> None:
    assert check_out("0" * 40, tmp_path / "first") is None
