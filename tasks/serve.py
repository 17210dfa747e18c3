"""Serve: the residents' and the clerks' page, put together from the desks that keep their state."""

from collections.abc import Callable, Mapping

from fastapi import FastAPI

from tasks.desks.clerks import StateClerkDesk
from tasks.desks.residents import StateResidentDesk
from tasks.domain.reply import ReplyKind, Scope
from tasks.letters.pages import Pages
from tasks.replies.app import create_app
from tasks.replies.desk import BirthDate, Receipt, Seat
from tasks.settings import TEMPLATES, Settings
from tasks.stage import cleaned


class _Residents(StateResidentDesk):
    """Tells whoever carries replies out that there is something to do."""

    def __init__(self, settings: Settings, tell: Callable[[], None]) -> None:
        super().__init__(settings)
        self._tell = tell

    def record(
        self,
        door: str,
        case: str,
        kind: ReplyKind,
        scope: Scope,
        text: str = "",
        *,
        via: str = "page",
        recorded_by: str = "",
    ) -> Receipt:
        receipt = super().record(door, case, kind, scope, text, via=via, recorded_by=recorded_by)
        self._tell()
        return receipt


class _Clerks(StateClerkDesk):
    """The same for clerks' answers and for what they take down on the phone."""

    def __init__(self, settings: Settings, tell: Callable[[], None]) -> None:
        super().__init__(settings)
        self._tell = tell

    def answer(
        self,
        seat: Seat,
        question: int,
        choice: str,
        note: str,
        seen: str,
        stated: Mapping[str, str],
    ) -> str:
        status = super().answer(seat, question, choice, note, seen, stated)
        self._tell()
        return status

    def confirm(self, seat: Seat, question: int, agree: bool, seen: str) -> None:
        super().confirm(seat, question, agree, seen)
        self._tell()

    def take_reply(
        self, seat: Seat, code: str, birth_date: BirthDate, kind: ReplyKind, scope: Scope, text: str
    ) -> Receipt:
        receipt = super().take_reply(seat, code, birth_date, kind, scope, text)
        self._tell()
        return receipt


def reply_pages(settings: Settings, tell: Callable[[], None] = lambda: None) -> FastAPI:
    """`tell` is called after each recorded word; it must neither wait nor fail."""
    return create_app(
        _Residents(settings, tell),
        _Clerks(settings, tell),
        Pages(TEMPLATES),
        settings.signing_key(),
        secure=settings.public_url.startswith("https://"),
        on_error=_keep,
    )


def _keep(error: Exception) -> None:
    """In our own log, where its text may hold what a resident has typed."""
    cleaned(error, of_request=True)
