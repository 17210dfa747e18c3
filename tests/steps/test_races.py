"""Every cell of the table of reversals and races, played for real."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date, timedelta
from pathlib import Path

import pytest

from tasks.domain.races import RACES, Cell, Race, Reaction, Stand, once_continued
from tasks.errors import ReplyRefused
from tasks.rerun import rerun
from tasks.stage import Counts
from tests.steps.races import (
    AHEAD,
    ARRIVED,
    BRING,
    MOVE_EVENT,
    SETTLED,
    STANDS,
    Look,
    a_town,
    case_of,
    look,
    play_race,
    set_profile,
)
from tests.town import Town, copied, living_in

DAY = timedelta(days=1)
UNSETTLED = {Stand.OPEN, Stand.GRANTED, Stand.NEEDS_REVIEW, Stand.DECLINED, Stand.SUPPRESSED}
GONE = ("handed_over", "uncertain")

Enter = Callable[[Stand], AbstractContextManager[Town]]


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Stand], Path]:
    """A home folder for each stand, built once."""
    root = tmp_path_factory.mktemp("stands")
    built: dict[Stand, Path] = {}
    base = root / "base"

    def of(stand: Stand) -> Path:
        if not base.exists():
            base.mkdir()
            with living_in(base) as town:
                a_town(base)
        if stand not in built:
            built[stand] = copied(base, root / stand)
            with living_in(built[stand]) as town:
                BRING[stand](town)
                case = case_of(town)
                assert (case.status, case.code) == STANDS[stand]
        return built[stand]

    return of


@pytest.fixture
def town(
    request: pytest.FixtureRequest, homes: Callable[[Stand], Path], tmp_path: Path
) -> Iterator[Town]:
    home = copied(homes(request.node.callspec.params["stand"]), tmp_path / "home")
    with living_in(home) as town:
        yield town


@pytest.mark.parametrize("stand", Stand)
@pytest.mark.parametrize("race", Race)
def test_the_answer_is_that_of_the_table(town: Town, race: Race, stand: Stand) -> None:
    cell, day = RACES[race, stand], (ARRIVED if stand in UNSETTLED else SETTLED) + DAY
    start = look(town)
    if cell.reaction is Reaction.IMPOSSIBLE:
        with pytest.raises(ReplyRefused):
            play_race(town, race, day)
        assert look(town) == start
        return

    play_race(town, race, day)
    before = look(town)
    days = days_from(day, stand)
    after = played(town, days)

    assert_reaction(cell, before, after)
    assert {code for _, code in after.questions} == cell.asks
    assert town.run_day(days[-1]) == Counts()
    assert look(town) == after

    if cell.reaction is Reaction.WAITS_FOR_RERUN:
        continued(town, race, stand, days[-1] + DAY, before)
    if cell.reaction is Reaction.WAITS:
        set_profile(town, "enabled = false", "enabled = true")
        assert_reaction(Cell(Reaction.CARRIED_OUT, ""), before, played(town, days))


def days_from(day: date, stand: Stand) -> list[date]:
    """The day of the race, and once everything has settled."""
    later = [AHEAD, AHEAD + DAY] if stand is Stand.OPEN else [day + 2 * DAY]
    return [day, *later]


def played(town: Town, days: list[date]) -> Look:
    for day in days:
        counts = town.run_day(day)
        assert not [name for name in counts if name.startswith("trouble:")]
    return look(town)


def continued(town: Town, race: Race, stand: Stand, day: date, before: Look) -> None:
    """An admin continues the case: from then on it is like one that never failed."""
    case = case_of(town)
    rerun(town.opened, [case.id], day, "cause gone", "rerun", resend_uncertain=False)
    after = played(town, [day, day + 2 * DAY])
    cell = once_continued(race, stand)
    assert_reaction(cell, before, after)
    assert {code for _, code in after.questions} == cell.asks


def assert_reaction(cell: Cell, before: Look, after: Look) -> None:
    """What became of the case, of the permit, and of what the resident was told."""
    was, became = status_of(before), status_of(after)
    moved, later = letters_of(after, MOVE_EVENT), later_letters(after)
    untouched, quiet = after.permits == before.permits, not left(moved) and not left(later)
    zones = {zone for _, zone, status, *_ in after.permits if status == "active"}
    match cell.reaction:
        case Reaction.NOTHING:
            assert became == was
            assert moved == letters_of(before, MOVE_EVENT)
            assert untouched
        case Reaction.SUPPRESSED:
            assert (became[0], untouched, quiet) == ("suppressed", True, True)
        case Reaction.CARRIED_OUT:
            assert became == ("sent", "zone_switched")
            assert (zones, len(left(moved))) == ({"A2"}, 1)
        case Reaction.DECIDED_ANEW:
            assert (became[0] in ("suppressed", "declined"), zones) == (True, {"A1"})
            assert (left(moved), len(left(later))) == ([], 1)
        case Reaction.FOLLOWED:
            assert (became[0] in ("sent", was[0]), zones) == (True, {"A1"})
            assert len(left(later)) == 1
        case Reaction.ASKS_CLERK:
            assert (became[0], untouched, quiet) == ("needs_review", True, True)
        case Reaction.UNDONE_SILENTLY:
            assert (became, zones, quiet) == (("undone", "taken_back"), {"A3"}, True)
        case Reaction.UNDONE_AND_TOLD:
            assert (became, zones) == (("undone", "taken_back"), {"A3"})
            ((_, _, _, addressee),) = left(later)
            assert "Wollenweberstraße 44" in addressee
        case Reaction.GIVEN_UP:
            assert (became, zones) == (("undone", "deregistered"), set())
            assert len(left(moved)) == 2
        case Reaction.LETTER_STOPPED:
            assert became[0] == "needs_review"
            assert [status for _, status, *_ in moved] == ["stopped"]
        case Reaction.NEVER_TOLD:
            assert (became[0], quiet) == ("closed", True)
        case Reaction.CLOSED:
            assert (became[0], untouched, quiet) == ("closed", True, True)
        case Reaction.WAITS:
            assert (became[0] in ("open", "granted"), untouched, quiet) == (True, True, True)
        case Reaction.WAITS_FOR_RERUN:
            assert (became, left(moved)) == (was, [])
        case _:
            raise AssertionError(cell.reaction)


Letter = tuple[str, str, str, str]


def status_of(seen: Look) -> tuple[str, str]:
    ((status, code),) = [
        (status, code)
        for event, cause, status, code in seen.cases
        if (event, cause) == (MOVE_EVENT, "")
    ]
    return status, code


def letters_of(seen: Look, event: str) -> list[Letter]:
    return [letter for letter in seen.letters if letter[0].startswith(event)]


def later_letters(seen: Look) -> list[Letter]:
    return [letter for letter in seen.letters if letter[0] > f"{MOVE_EVENT}~"]


def left(letters: list[Letter]) -> list[Letter]:
    return [letter for letter in letters if letter[1] in GONE]
