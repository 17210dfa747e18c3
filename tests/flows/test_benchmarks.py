"""`make bench` in small and in this process, so that it cannot break unseen."""

import re
import shutil
from pathlib import Path

import pytest

from tasks.settings import settings
from tests.benchmarks.__main__ import ROOT, Result, compare
from tests.benchmarks.contenders import CONTENDERS


def test_the_benchmark_compares_us_with_a_bare_loop_and_says_nothing_of_the_machine(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def contend(name: str, *arguments: object, server: bool = False) -> Result:
        mine = home / str(len(list(home.iterdir())))
        if name != "stock":
            shutil.copytree(home / "0", mine)
        monkeypatch.setenv("ANTRAGSLOS_HOME", str(mine))
        settings.cache_clear()
        return CONTENDERS[name](*map(str, arguments))

    page = compare(contend, deltas=20, naive=5)

    figures = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|", page, re.MULTILINE))
    assert int(figures["cases"]) > int(figures["letters"]) > 0
    assert {"pull", "link", "decide", "act", "render", "send"} <= set(figures)
    assert re.search(r"commit ([0-9a-f]{12}|unknown)", page)
    for place in (str(home), str(ROOT), "site-packages"):
        assert place not in page
