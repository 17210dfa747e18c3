"""The life of a case: the table holds what its drawing says."""

import re

import pytest

from tasks.domain import case
from tasks.domain.case import BEFORE_STEP, TRANSITIONS, UNDONE_YET, Status, Step, may_become


def test_every_status_has_its_row_and_every_step_a_way_back() -> None:
    assert set(TRANSITIONS) == set(Status)
    assert set(BEFORE_STEP) == set(Step)


def test_no_status_leads_to_itself() -> None:
    assert not [status for status in Status if may_become(status, status)]


@pytest.mark.parametrize("status", [Status.DECLINED, Status.SUPPRESSED, Status.UNDONE])
def test_an_end_is_an_end(status: Status) -> None:
    assert TRANSITIONS[status] == frozenset()


@pytest.mark.parametrize("status", Status)
def test_every_status_can_be_reached_from_open(status: Status) -> None:
    reached, new = {Status.OPEN}, {Status.OPEN}
    while new := {after for old in new for after in TRANSITIONS[old]} - reached:
        reached |= new

    assert status in reached


@pytest.mark.parametrize("step", Step)
def test_what_failed_can_continue_where_it_failed(step: Step) -> None:
    assert may_become(BEFORE_STEP[step], Status.FAILED)
    assert may_become(Status.FAILED, BEFORE_STEP[step])


def test_nothing_was_carried_out_before_a_case_acted() -> None:
    assert all(not may_become(Status.ACTED, status) for status in UNDONE_YET)
    assert not any(may_become(Status.SENT, status) for status in UNDONE_YET)


def test_nothing_is_sent_that_was_not_carried_out_and_written() -> None:
    before = {new: {old for old in Status if may_become(old, new)} for new in Status}

    assert before[Status.SENT] == {Status.LETTERED}
    # From a clerk back to the letter: only where the letter was stopped just before sending.
    assert before[Status.LETTERED] - {Status.FAILED} == {Status.ACTED, Status.NEEDS_REVIEW}
    assert before[Status.ACTED] - {Status.FAILED} == {Status.GRANTED}


def test_the_drawing_names_every_status() -> None:
    drawn = set(re.findall(r"[a-z_]+", case.__doc__ or ""))

    assert set(Status) <= drawn
