"""What a run has in hand, noted in the municipality's folder: a process that dies leaves the note.

Only who holds the municipality's lock reads or writes it, so a note that is found, and is not this
process's own, is a dead run's: each of its items may be the one that killed it. A file and not a
row, since it is written before and after every batch: a commit each would cost more than the work.
It holds opaque ids only. A machine that crashes may lose it, and then nobody is suspected.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

NAME = ".at-work"
_mine: dict[Path, list[dict[str, Any]]] = {}  # what this process has in hand, the innermost last


class AtWork:
    """`folder`: the municipality's."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def deaths(self, step: str) -> dict[str, int]:
        """Item -> how many processes died while they had it in hand."""
        return self._read().get(step, {})

    @contextmanager
    def noted(self, step: str, items: Sequence[str]) -> Iterator[None]:
        """These and no others are in hand: within a batch of files, only the one chunk of it."""
        mine = _mine.setdefault(self._path, [])
        deaths = self._read()
        mine.append({"step": step, "items": list(items)})
        self._write(deaths)
        try:
            yield
        finally:
            deaths = self._read()
            mine.pop()
            self._write(deaths)

    def clear(self, step: str, item: str) -> None:
        deaths = self._read()
        if deaths.get(step, {}).pop(item, None):
            self._write({name: found for name, found in deaths.items() if found})

    def _read(self) -> dict[str, dict[str, int]]:
        """A note that is not ours becomes a death of each of its items."""
        try:
            kept = json.loads(self._path.read_text())
            deaths, in_hand = kept["deaths"], kept["in_hand"]
        except (OSError, ValueError, KeyError):  # none yet, or the machine crashed in the middle
            return {}
        if in_hand and not _mine.get(self._path):
            found = deaths.setdefault(in_hand["step"], {})
            for item in in_hand["items"]:
                found[item] = found.get(item, 0) + 1
            self._write(deaths)
        return dict(deaths)

    def _write(self, deaths: dict[str, dict[str, int]]) -> None:
        mine = _mine.get(self._path)
        kept = {"deaths": deaths, "in_hand": mine[-1] if mine else None}
        with suppress(OSError):  # a full disk stops the work soon enough, and says so itself
            self._path.write_text(json.dumps(kept))
