"""What became of an e-mail, where the state database could not be told: kept in a file.

It lies in the municipality's folder, and whoever next looks for letters of a dead process reads it.
Opaque ids only.
"""

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from tasks.state.outbox import Outcome

NAME = ".unnoted-letters"


def keep(folder: Path, letter_id: str, outcome: Outcome) -> None:
    with (folder / NAME).open("a") as file:
        file.write(json.dumps({"letter": letter_id, **asdict(outcome)}) + "\n")


def read(folder: Path) -> dict[str, Outcome]:
    """letter id -> what became of it."""
    found = {}
    with suppress(FileNotFoundError):
        for line in (folder / NAME).read_text().splitlines():
            with suppress(ValueError, KeyError, TypeError):  # a line that was cut off
                kept = json.loads(line)
                letter_id = kept.pop("letter")
                found[letter_id] = Outcome(**kept)
    return found


def forget(folder: Path) -> None:
    (folder / NAME).unlink(missing_ok=True)
