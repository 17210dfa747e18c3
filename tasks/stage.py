"""What every step has in common: a Prefect task over a batch that lets no personal data out.

Prefect keeps the text of an exception in six places. So an error of ours crosses as its code and
opaque ids, and any other as the name of its class; the full story goes to `errors.log` in the home
folder, which only the owner may read.
"""

import functools
import logging
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Generic, ParamSpec

from tasks.errors import (
    AntragslosError,
    PermanentError,
    ProfileInvalid,
    RegisterRefused,
    SettingsInvalid,
    TemporaryError,
    ZoneListInvalid,
)
from tasks.logs import PrivateLog
from tasks.settings import settings
from tasks.state.at_work import AtWork

P = ParamSpec("P")
Counts = Counter[str]

CRASHED = "internal.crashed"
DEATHS = 2  # of processes that had it in hand, until an item is parked
MANY = 25  # of these, and not one that went well: the trouble is not theirs
# Not the fault of any item: tried again, or mended in a file, and until then nobody is parked.
_NO_ITEMS = (TemporaryError, ProfileInvalid, RegisterRefused, SettingsInvalid, ZoneListInvalid)


class StageFailed(PermanentError):
    """A step broke for a reason nobody foresaw. The code names the class of the error."""


class Stage(Generic[P]):
    """A step: `fn` does the work, a call runs it as a Prefect task.

    Prefect is imported by the first call: whoever only looks waits for no Prefect.
    """

    def __init__(
        self, step: Callable[P, Counts], name: str, retries: int, delays: Sequence[float]
    ) -> None:
        functools.update_wrapper(self, step)
        self.name = name.partition(" {")[0].partition(" ·")[0]
        self._step, self._run_name, self._retries, self._delays = step, name, retries, delays

    def fn(self, *args: P.args, **kwargs: P.kwargs) -> Counts:
        try:
            return self._step(*args, **kwargs)
        except Exception as error:
            raise cleaned(error) from None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.task(*args, **kwargs)

    @functools.cached_property
    def task(self) -> Any:
        from prefect import task
        from prefect.cache_policies import NO_CACHE

        @functools.wraps(self._step)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Counts:
            return self.fn(*args, **kwargs)

        return task(
            name=self.name,
            task_run_name=self._run_name,
            persist_result=False,
            cache_policy=NO_CACHE,
            retries=self._retries,
            retry_delay_seconds=list(self._delays) or 0,
            retry_condition_fn=_is_temporary,
        )(guarded)


def stage(
    name: str, *, retries: int = 0, delays: Sequence[float] = ()
) -> Callable[[Callable[P, Counts]], Stage[P]]:
    """A step as a Prefect task: its parameters are ids, its result are counts.

    `name` is the task's name; parameters named in braces make the run's name, as in
    `decide {service} · {municipality}`. Retried only on a TemporaryError. Neither arguments nor
    results are ever stored by Prefect.
    """
    return lambda step: Stage(step, name, retries, delays)


def spread(
    folder: Path,
    step: str,
    items: Sequence[str],
    work: Callable[[Sequence[str]], Counts],
    park: Callable[[str, str], None],
) -> Counts:
    """Works on `items` in their order; a bad one stops no good one. Counts what was parked, too.

    `work` does its part in transactions of its own, so that it may be asked again for a half of
    what it broke on, down to the one item that `park(item, code)` then puts aside. What a process
    had in hand when it died is taken one by one, and what killed two is parked unseen.
    Raises what is no item's fault: an error of _NO_ITEMS, and a StageFailed where all of many
    items break alike.
    """
    return _Spread(folder, step, work, park).over(items)


class _Spread:
    def __init__(
        self,
        folder: Path,
        step: str,
        work: Callable[[Sequence[str]], Counts],
        park: Callable[[str, str], None],
    ) -> None:
        self._notes = AtWork(folder)
        self._step, self._work, self._park = step, work, park
        self._counts: Counts = Counter()
        self._good = 0
        self._bad: dict[str, str] = {}  # item -> code

    def over(self, items: Sequence[str]) -> Counts:
        deaths = self._notes.deaths(self._step)
        try:
            for suspected, found in groupby(items, key=deaths.__contains__):
                if suspected:
                    for item in found:
                        self._alone(item, deaths[item])
                else:
                    self._halve(list(found))
        finally:
            alike = len(self._bad) >= MANY and not self._good and len(set(self._bad.values())) == 1
            if not alike:
                for item, code in self._bad.items():
                    self._put_aside(item, code)
        if alike:
            raise StageFailed(next(iter(self._bad.values())))
        return self._counts

    def _alone(self, item: str, deaths: int) -> None:
        if deaths < DEATHS:
            self._halve([item])
        elif not self._put_aside(item, CRASHED):
            return  # its deaths stay: it is never taken again, and every run says so
        self._notes.clear(self._step, item)

    def _halve(self, items: Sequence[str]) -> None:
        try:
            with self._notes.noted(self._step, items):
                self._counts += self._work(items)
            self._good += len(items)
            return
        except _NO_ITEMS:
            raise
        except Exception as error:
            if len(items) == 1:
                self._bad[items[0]] = cleaned(error).code
                return
        middle = len(items) // 2
        self._halve(items[:middle])
        self._halve(items[middle:])

    def _put_aside(self, item: str, code: str) -> bool:
        try:
            self._park(item, code)
        except Exception as error:
            cleaned(error)
            self._counts[f"stopped:{code}"] = 1
            return False
        self._counts["failed"] += 1
        return True


def cleaned(error: Exception, *, of_request: bool = False) -> AntragslosError:
    """The same error as it may be seen in Prefect. Keeps the whole of it in our own log; where a
    request made it, once a minute for each place in the code: whoever can send one can send many.
    """
    detail = getattr(error, "detail", "")
    kind = {"kind": f"{type(error).__name__} {_place(error)}"} if of_request else {}
    error_log().error("%s %s", type(error).__name__, detail, exc_info=error, extra=kind)
    if isinstance(error, ProfileInvalid):
        return ProfileInvalid(error.ref, [])
    if isinstance(error, AntragslosError):
        error.detail = ""
        return error.with_traceback(None)
    return StageFailed(f"internal.{type(error).__name__}")


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-1:]
    return "".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)


async def _is_temporary(_task: Any, _run: Any, state: Any) -> bool:
    try:
        await state.aresult()
    except TemporaryError:
        return True
    except Exception:
        return False
    return False


@functools.lru_cache(maxsize=1)
def error_log() -> logging.Logger:
    logger = logging.getLogger("antragslos.errors")
    logger.propagate = False  # never to the console: a worker keeps what its runs print
    handler = PrivateLog(settings().home / "errors.log", keep=3)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.addHandler(handler)
    return logger


def batches(ids: Sequence[str], size: int) -> list[list[str]]:
    return [list(ids[start : start + size]) for start in range(0, len(ids), size)]
