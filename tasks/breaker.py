"""A channel that hangs or refuses is left for the run: after a few letters in a row, or too long.

What its outage cost is not the letters' fault. Whether a refusal is the letter's or the channel's
is seen only by what becomes of the others, so a verdict waits until the run is done with all.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition

from tasks.errors import AntragslosError, ChannelUncertain, TemporaryError

TOO_SLOW = "channel.too_slow"
# Of our credentials, our sender or the server as a whole: never a letter's.
CHANNELS_OWN = {
    "channel.auth_failed",
    "channel.bad_url",
    "channel.sender_refused",
    "channel.server_refused",
}


@dataclass(frozen=True)
class Held:
    """A letter that did not leave, and is `ready` again until it is known whose fault it was."""

    letter_id: str
    code: str
    passing: bool  # it may pass by itself


@dataclass(frozen=True)
class Verdict:
    """`excused`: the try is not counted. `tried`: it stays ready, and the try is. `failed`."""

    excused: Sequence[Held]
    tried: Sequence[Held]
    failed: Sequence[Held]


class Breaker:
    """For one channel and one run; several threads may tell it of their letters."""

    def __init__(self, give_up_after: int, seconds: float) -> None:
        self._give_up_after = give_up_after
        self._ends = time.monotonic() + seconds
        self._held: list[Held] = []
        self._in_a_row = 0  # letters that did not leave since the last one that did
        self._since = 0  # how many were held when that one left
        self._any_left = False
        self._code = ""
        self._in_hand = 0
        self._changed = Condition()

    @property
    def left(self) -> str:
        """The code of why no further letter is tried; empty while they are."""
        if not self._code and time.monotonic() > self._ends:
            self._code = TOO_SLOW
        return self._code

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Whether one more letter may be tried, within the block.

        After one that did not leave, no more are in hand than may fail until the channel is left:
        several threads would begin one each before all the first ones are known to have failed.
        """
        with self._changed:
            self._changed.wait_for(self._can_tell)
            self._in_hand += 1
        try:
            yield not self.left
        finally:
            with self._changed:
                self._in_hand -= 1
                self._changed.notify_all()

    def _can_tell(self) -> bool:
        risky = self._in_a_row and self._in_a_row + self._in_hand >= self._give_up_after
        return not (risky and self._in_hand) or bool(self.left)

    def went(self) -> None:
        with self._changed:
            self._any_left, self._in_a_row, self._since = True, 0, len(self._held)

    def failed(self, letter_id: str, error: AntragslosError) -> None:
        with self._changed:
            if not isinstance(error, ChannelUncertain):
                passing = isinstance(error, TemporaryError)
                self._held.append(Held(letter_id, error.code, passing))
            self._in_a_row += 1
            if self._in_a_row >= self._give_up_after:
                self._code = self._code or error.code

    def verdict(self) -> Verdict:
        broken = self._code not in ("", TOO_SLOW)
        excused, tried, failed = [], [], []
        for place, held in enumerate(self._held):
            outage = broken and place >= self._since
            if outage or held.code in CHANNELS_OWN or (held.passing and not self._any_left):
                excused.append(held)
            elif held.passing:
                tried.append(held)
            else:
                failed.append(held)
        return Verdict(excused, tried, failed)
