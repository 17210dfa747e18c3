"""What the lock file names for this machine, and what of it is installed."""

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement

LOCK = Path(__file__).resolve().parents[2] / "requirements-dev.txt"  # holds requirements.txt, too


class Locked(NamedTuple):
    name: str
    version: str
    applies: bool  # to this platform and Python
    installed: Distribution | None


def locked(lock: str) -> Iterator[Locked]:
    """`lock`: the text of a lock file with one version for each package."""
    for line in re.findall(r"^[A-Za-z0-9].*==.*?(?= \\$|$)", lock, re.MULTILINE):
        requirement = Requirement(line)
        (pin,) = requirement.specifier
        applies = requirement.marker is None or requirement.marker.evaluate()
        yield Locked(requirement.name, pin.version, applies, _installed(requirement.name))


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None
