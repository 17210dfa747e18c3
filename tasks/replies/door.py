"""The door to the clerks' page: looks at few passwords at a time, and says the same to all."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from time import monotonic

from tasks.errors import ReplyRefused
from tasks.replies.delays import Delayed, Delays
from tasks.replies.desk import ClerkDesk, Seat

AT_A_TIME = 2  # each needs 32 MiB, and a processor for a quarter of a second
QUEUE = 20  # some seconds' worth of them; whoever comes then is sent away


class Door:
    def __init__(self, desk: ClerkDesk) -> None:
        self._desk = desk
        self._delays = Delays()
        # Threads of its own: log-ins, however many, take none from the pages.
        self._checks = ThreadPoolExecutor(AT_A_TIME, "log-in")
        self._inside = 0
        self._took = 0.25  # seconds that the last check lasted

    async def knock(self, client: str, town: str, sign: str, password: str, now: datetime) -> Seat:
        """Raises clerk.refused: unknown, wrong, or too soon after a failure. Which one, neither the
        words nor the clock tell. Raises clerk.busy where too many knock.
        """
        try:
            self._delays.begin(client, town, sign, now)
        except Delayed:
            self._desk.delayed()
            await asyncio.sleep(self._took)
            raise ReplyRefused("clerk.refused") from None
        if self._inside >= AT_A_TIME + QUEUE:
            raise ReplyRefused("clerk.busy")
        self._inside += 1
        try:
            loop = asyncio.get_running_loop()
            seat = await loop.run_in_executor(self._checks, self._timed, town, sign, password)
        finally:
            self._inside -= 1
        self._delays.right(client, town, sign)
        return seat

    def _timed(self, town: str, sign: str, password: str) -> Seat:
        begun = monotonic()
        try:
            return self._desk.check(town, sign, password)
        finally:
            self._took = monotonic() - begun
