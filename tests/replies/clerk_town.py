"""A municipality after its first week, with the clerks' page on top of a real database."""

import atexit
import shutil
import tempfile
from datetime import date
from functools import lru_cache
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlmodel import select

from tasks.desks.clerks import StateClerkDesk
from tasks.desks.residents import StateResidentDesk
from tasks.letters.pages import Pages
from tasks.replies.app import create_app
from tasks.replies.tokens import Token, token_for
from tasks.settings import TEMPLATES, Settings, settings
from tasks.state import clerks
from tasks.state.database import reading, writing
from tasks.state.tables import CaseRow, DeltaRow, QuestionRow
from tests.town import SLUG, Town, copied, make_town

DAY = date(2026, 11, 23)
PASSWORD = "correct horse battery"
KEY = b"k" * 32
FIRST_WEEK = ("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
FOUR_EYES = "[review]\nfour_eyes = true\n"
# From tests/data/deliveries/0002: what the clerks are asked, by the registry's event sign.
WOJCIK, HOFFMANN, LOCKED = "E0002-0002", "E0002-0004", "E0002-0010"


def make_clerk_town(home: Path, *, four_eyes: bool = False) -> Town:
    """With the clerks sb-1 to sb-3, on the evening of the day of the first changes.

    `home` is ANTRAGSLOS_HOME. The week is played once a process, and copied.
    """
    copied(_first_week(), home)
    town = Town(Settings(home=home, _env_file=None))  # type: ignore[call-arg]
    if four_eyes:
        with (town.folder / "profile.toml").open("a", encoding="utf-8") as profile:
            profile.write(FOUR_EYES)
    return town


@lru_cache(maxsize=1)
def _first_week() -> Path:
    home = Path(tempfile.mkdtemp(prefix="antragslos-clerks-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANTRAGSLOS_HOME", str(home))
        patch.setattr(clerks, "_COST", 2**4)  # the cost of a log-in is tested elsewhere
        settings.cache_clear()
        town = make_town(home, settling_days=0)
        town.put(*FIRST_WEEK)
        run(town)
        with writing(town.opened.engine) as session:
            for sign in ("sb-1", "sb-2", "sb-3"):
                clerks.add_clerk(session, town.slug, sign, PASSWORD)
    settings.cache_clear()
    return home


def run(town: Town, *, only_prompted: bool = False) -> None:
    """What the next run does."""
    (town.run_replies if only_prompted else town.run_day)(DAY, strict=True)


def desk_of(town: Town) -> StateClerkDesk:
    return StateClerkDesk(town.settings, lambda _: DAY)


def app_of(town: Town) -> FastAPI:
    residents = StateResidentDesk(town.settings, lambda _: DAY)
    return create_app(residents, desk_of(town), Pages(TEMPLATES), KEY, secure=False)


def case_of(town: Town, event: str) -> CaseRow:
    with reading(town.opened.engine) as session:
        query = select(CaseRow).join(DeltaRow, DeltaRow.id == CaseRow.delta_id)  # type: ignore[arg-type]
        return session.exec(query.where(DeltaRow.event == event, CaseRow.cause == "")).one()


def question_of(town: Town, event: str) -> QuestionRow:
    with reading(town.opened.engine) as session:
        query = select(QuestionRow).where(QuestionRow.case_id == case_of(town, event).id)
        return session.exec(query).one()


def token_of(town: Town, event: str) -> Token:
    return token_for(case_of(town, event).id, "reply", town.settings.signing_key())


__all__ = ["SLUG"]
