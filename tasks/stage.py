"""What every step has in common: a Prefect task over a batch that lets no personal data out.

Prefect keeps the text of an exception in six places. So an error of ours crosses as its code and
opaque ids, and any other as the name of its class; the full story goes to `errors.log` in the home
folder, which only the owner may read.
"""

import functools
import logging
import os
from collections import Counter
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from typing import Any, Generic, ParamSpec

from tasks.errors import AntragslosError, PermanentError, ProfileInvalid, TemporaryError
from tasks.settings import settings

P = ParamSpec("P")
Counts = Counter[str]


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


def cleaned(error: Exception) -> AntragslosError:
    """The same error as it may be seen in Prefect. Keeps the whole of it in our own log."""
    detail = getattr(error, "detail", "")
    error_log().error("%s %s", type(error).__name__, detail, exc_info=error)
    if isinstance(error, ProfileInvalid):
        return ProfileInvalid(error.ref, [])
    if isinstance(error, AntragslosError):
        error.detail = ""
        return error.with_traceback(None)
    return StageFailed(f"internal.{type(error).__name__}")


async def _is_temporary(_task: Any, _run: Any, state: Any) -> bool:
    try:
        await state.aresult()
    except TemporaryError:
        return True
    except Exception:
        return False
    return False


class _PrivateFile(RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        file = super()._open()
        os.chmod(self.baseFilename, 0o600)  # also after each rotation
        return file


@functools.lru_cache(maxsize=1)
def error_log() -> logging.Logger:
    logger = logging.getLogger("antragslos.errors")
    logger.propagate = False  # never to the console: a worker keeps what its runs print
    home = settings().home
    home.mkdir(parents=True, exist_ok=True)
    path = home / "errors.log"
    handler = _PrivateFile(path, maxBytes=10_000_000, backupCount=3, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.addHandler(handler)
    return logger


def batches(ids: Sequence[str], size: int) -> list[list[str]]:
    return [list(ids[start : start + size]) for start in range(0, len(ids), size)]
