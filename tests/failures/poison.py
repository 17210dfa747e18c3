"""One bad item among good ones: whichever step has it in hand raises, or its process ends.

A program of its own for the second kind (see test_nothing_spreads.py): it forks, and a fork of a
process in which the typesetter's threads already run would wait for threads that it does not have.
"""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import tasks.decide
import tasks.link
import tasks.pull
import tasks.render
import tasks.send
from tasks.letters.render import LetterRenderer, RenderedLetter
from tasks.records.sql import SqlPermitRegister
from tasks.settings import settings
from tasks.state.taking import Taking
from tests.town import Town, make_town

DAY = date(2026, 11, 23)
STOCK, CHANGES = "0001-gesamtlieferung.xml", "0002-deltalieferung.xml"
CULPRIT, KEY, PERMIT = "E0002-0002", "000000010025", "BPA-0002"  # Wójcik, who moves
RUNS = 4  # of a process that dies, at most

Patch = Callable[[object, str, object], None]
Break = Callable[[], None]


def _when(found: Callable[..., bool], function: Callable[..., Any], breaks: Break) -> Any:
    def poisoned(*args: Any, **kwargs: Any) -> Any:
        if found(*args, **kwargs):
            breaks()
        return function(*args, **kwargs)

    return poisoned


def _classify(patch: Patch, breaks: Break) -> None:
    """One of its records: it has a second one in the same delivery."""

    def found(_self: Any, record: Any, *_: Any) -> bool:
        return bool(record.event == CULPRIT)

    patch(Taking, "_deltas_of", _when(found, Taking._deltas_of, breaks))


def _parse(patch: Patch, breaks: Break) -> None:
    """In the parser itself, before anybody knows at which record."""
    old = tasks.pull.read_records
    found = lambda path, *_, **__: path.name == CHANGES  # noqa: E731
    patch(tasks.pull, "read_records", _when(found, old, breaks))


def _link(patch: Patch, breaks: Break) -> None:
    old = tasks.link.candidate_keys_of
    found = lambda *known: any(person.key.number == KEY for person in known)  # noqa: E731
    patch(tasks.link, "candidate_keys_of", _when(found, old, breaks))


def _decide(patch: Patch, breaks: Break) -> None:
    old = tasks.decide.Situations.of

    def found(_self: Any, case: Any) -> bool:
        return bool(_self._deltas[case.delta_id].key.number == KEY)

    patch(tasks.decide.Situations, "of", _when(found, old, breaks))


def _apply(patch: Patch, breaks: Break) -> None:
    old = SqlPermitRegister.apply_many

    def found(_self: Any, items: Any) -> bool:
        return any(effect.record == PERMIT for _, effect in items)

    patch(SqlPermitRegister, "apply_many", _when(found, old, breaks))


def _render(patch: Patch, breaks: Break) -> None:
    old = tasks.render.Told.letter
    found = lambda self, group, _: self._deltas[group[0].delta_id].key.number == KEY  # noqa: E731
    patch(tasks.render.Told, "letter", _when(found, old, breaks))


def _send(patch: Patch, breaks: Break) -> None:
    found = lambda _town, letter: "jcik" in letter.addressee  # noqa: E731
    patch(tasks.send, "_parcel", _when(found, tasks.send._parcel, breaks))


def _hand_over(patch: Patch, breaks: Break) -> None:
    found = lambda parcels, *_, **__: any("jcik" in one.text for one in parcels)  # noqa: E731
    patch(tasks.send, "hand_over_many", _when(found, tasks.send.hand_over_many, breaks))


# what breaks -> (how to break it, the step at which the case fails)
POISONS: dict[str, tuple[Callable[[Patch, Break], None], str]] = {
    "classify": (_classify, ""),
    "parse": (_parse, ""),
    "link": (_link, "link"),
    "decide": (_decide, "decide"),
    "apply_many": (_apply, "act"),
    "render": (_render, "render"),
    "send": (_send, "send"),
    "hand_over": (_hand_over, "send"),
}


def prepare(home: Path) -> Town:
    town = make_town(home, settling_days=0)
    town.run_day(DAY, STOCK, until="link")
    town.put(CHANGES)
    return town


def open_town(home: Path) -> Town:
    os.environ |= {"ANTRAGSLOS_HOME": str(home), "ANTRAGSLOS_STEADY_SECONDS": "0"}
    settings.cache_clear()
    return Town(settings())


def what_is_there(town: Town) -> dict[str, Any]:
    """All that the others' fate can be told by."""
    return {
        "cases": {event: list(found) for event, found in town.cases().items()},
        "letters": sorted(letter.status for letter in town.letters()),
        "pdfs": len(list((town.folder / "spool").glob("*.pdf"))),
    }


def _set_no_page(self: Any, content: Any) -> RenderedLetter:
    """A fork would load the fonts anew for each of its letters; nobody reads them here."""
    return RenderedLetter("Betreff", " ".join(content.addressee), "<p>", b"%PDF-1.7")


def _forked(job: Callable[[], Any]) -> tuple[int, Any]:
    """(exit code, what the job returned) from a process of its own."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        try:
            with os.fdopen(write_end, "w") as pipe:
                json.dump(job(), pipe)
            os._exit(0)
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        text = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code, json.loads(text) if text else None


def _die(name: str, prepared: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        shutil.copytree(prepared, home)

        def run() -> dict[str, Any]:
            town = open_town(home)
            LetterRenderer.render = _set_no_page  # type: ignore[method-assign]
            POISONS[name][0](setattr, lambda: os._exit(9))
            counts = town.run_day(DAY)
            return {**what_is_there(town), "counts": counts, "again": town.run_day(DAY)}

        def healed() -> dict[str, Any]:
            town = open_town(home)
            LetterRenderer.render = _set_no_page  # type: ignore[method-assign]
            town.rerun(DAY)
            return what_is_there(town)

        deaths = 0
        while (ended := _forked(run))[0] == 9 and deaths < RUNS:
            deaths += 1
        quarantined = [code for *_, code in open_town(home).quarantined()]
        return {
            "quarantined": quarantined,
            "deaths": deaths,
            "found": ended[1],
            "healed": _forked(healed)[1],
        }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared"
        prepared.mkdir()
        _forked(lambda: [open_town(prepared), prepare(prepared)][:0])
        print(json.dumps({name: _die(name, prepared) for name in sys.argv[1:] or POISONS}))
