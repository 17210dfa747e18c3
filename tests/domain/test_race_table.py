"""The table of reversals and races says something about everything, once."""

import pytest

from tasks.domain import races
from tasks.domain.races import RACES, Race, Reaction, Stand, once_continued


def test_no_cell_of_the_table_is_empty() -> None:
    assert set(RACES) == {(race, stand) for race in Race for stand in Stand}


def test_no_cell_is_defined_twice() -> None:
    assert len(list(races._cells())) == len(RACES)


@pytest.mark.parametrize("cell", RACES.items(), ids=lambda item: f"{item[0][0]}-{item[0][1]}")
def test_every_cell_says_why(cell: tuple[tuple[Race, Stand], races.Cell]) -> None:
    assert cell[1].why


def test_only_a_failed_case_waits_for_a_rerun_and_then_the_table_answers() -> None:
    for (race, stand), cell in RACES.items():
        if cell.reaction is Reaction.WAITS_FOR_RERUN:
            assert once_continued(race, stand).reaction is not Reaction.IMPOSSIBLE


def test_where_nothing_was_carried_out_nothing_is_undone() -> None:
    undone = {Reaction.UNDONE_SILENTLY, Reaction.UNDONE_AND_TOLD, Reaction.LETTER_STOPPED}
    before = {Stand.OPEN, Stand.GRANTED, Stand.ACTING_NOT_REACHED, Stand.NEEDS_REVIEW}
    before |= {Stand.DECLINED, Stand.SUPPRESSED, Stand.FAILED_DECIDE, Stand.FAILED_ACT}
    assert not before & undone_at(undone)


def undone_at(reactions: set[Reaction]) -> set[Stand]:
    return {stand for (_, stand), cell in RACES.items() if cell.reaction in reactions}


def test_nobody_is_told_of_an_undo_who_was_not_told_of_the_act() -> None:
    for (_, stand), cell in RACES.items():
        if cell.reaction is Reaction.UNDONE_AND_TOLD:
            assert stand in {Stand.SENT, Stand.UNCERTAIN}
        if cell.reaction is Reaction.UNDONE_SILENTLY:
            assert stand not in {Stand.SENT, Stand.UNCERTAIN}


def test_a_locked_or_dead_person_is_never_served_or_told() -> None:
    served = {Reaction.CARRIED_OUT, Reaction.DECIDED_ANEW, Reaction.FOLLOWED}
    for race in (Race.LOCKED, Race.DIED, Race.RECORD_DELETED):
        assert not {stand for stand in Stand if RACES[race, stand].reaction in served}
