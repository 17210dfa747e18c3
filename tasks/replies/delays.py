"""Wrong passwords make the next try wait, twice as long each time; no account is ever locked.

What waits is a sign as typed from one network, so that nobody keeps a clerk out from elsewhere:
whoever comes from a network that has not failed yet is looked at, and gets in with the right
password. Many signs from one network make it wait for all of them but those who came in from there
before. Counted before the work, in memory and bounded; unknown signs count like known ones.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from tasks.replies.guard import network_of

SLIPS = 3  # of one sign, that cost nothing
SLIPS_OF_NETWORK = 10  # over all signs
SLIPS_ELSEWHERE = 10  # wrong tries of a sign from everywhere, that count as one more from here
LONGEST = timedelta(minutes=15)
FORGOTTEN = timedelta(hours=1)  # after the last failure
MOST = 10_000  # of each kind: the least recent go

Key = tuple[str, ...]


@dataclass(slots=True)
class _Failures:
    count: int
    last: datetime


class Delayed(Exception):
    """Too soon after the last failure."""


class Delays:
    def __init__(self) -> None:
        self._failed: OrderedDict[Key, _Failures] = OrderedDict()
        self._came_in: OrderedDict[Key, None] = OrderedDict()
        self._lock = Lock()

    def begin(self, client: str, town: str, sign: str, now: datetime) -> None:
        """Counts a try, as failed until `right` is said. Raises Delayed, and then counts nothing.

        A hundred tries at the same moment are so no more than those that may be looked at.
        """
        here, who = _keys(client, town, sign)
        with self._lock:
            mine = here + who
            at_home = mine in self._came_in
            more = 0 if at_home else self._count(who, now) // SLIPS_ELSEWHERE
            waits = self._wait(mine, SLIPS, now, more)
            waits = waits or (not at_home and self._wait(here, SLIPS_OF_NETWORK, now))
            if waits:
                raise Delayed
            for key in (mine, here, who):
                self._fail(key, now)

    def right(self, client: str, town: str, sign: str) -> None:
        """The try begun last was no failure; and this sign is at home in this network."""
        here, who = _keys(client, town, sign)
        with self._lock:
            self._failed.pop(here + who, None)
            for key in (here, who):
                if found := self._failed.get(key):
                    found.count -= 1
            _keep(self._came_in, here + who, None)

    def _count(self, key: Key, now: datetime) -> int:
        found = self._failed.get(key)
        return found.count if found and now - found.last < FORGOTTEN else 0

    def _wait(self, key: Key, slips: int, now: datetime, more: int = 0) -> bool:
        count = self._count(key, now)
        if not count or count + more < slips:
            return False
        doubled = min(count + more - slips, 20)
        return now - self._failed[key].last < min(timedelta(seconds=2**doubled), LONGEST)

    def _fail(self, key: Key, now: datetime) -> None:
        _keep(self._failed, key, _Failures(self._count(key, now) + 1, now))


def _keep(kept: OrderedDict[Key, Any], key: Key, value: object) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > 3 * MOST:
        kept.popitem(last=False)


def _keys(client: str, town: str, sign: str) -> tuple[Key, Key]:
    """Neither is kept as typed: a sign nobody has may be a password, in the wrong field."""
    typed = hashlib.sha256(f"{town}\0{sign}".encode(errors="surrogatepass")).hexdigest()
    return ("network", network_of(client)), ("sign", typed)
