"""Asks OSV, which also holds PyPI's own advisories, for what is known against locked versions."""

import json
from collections.abc import Sequence
from urllib.error import URLError
from urllib.request import Request, urlopen

from tests.audit.locked import Locked

OSV = "https://api.osv.dev/v1/querybatch"


class NotReachable(Exception):
    """Nothing is known, neither good nor bad."""


def known(packages: Sequence[Locked], url: str = OSV, seconds: float = 20) -> dict[str, list[str]]:
    """`name version` -> ids of advisories, for packages that have any. Raises NotReachable."""
    queries = [
        {"package": {"name": one.name, "ecosystem": "PyPI"}, "version": one.version}
        for one in packages
    ]
    request = Request(url, json.dumps({"queries": queries}).encode())
    request.add_header("Content-Type", "application/json")
    try:
        with urlopen(request, timeout=seconds) as answer:
            results = json.load(answer)["results"]
        found = [[entry["id"] for entry in result.get("vulns", ())] for result in results]
    except (URLError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotReachable(type(error).__name__) from None
    if len(found) != len(packages):
        raise NotReachable("an answer for other packages")
    return {
        f"{one.name} {one.version}": ids for one, ids in zip(packages, found, strict=True) if ids
    }
