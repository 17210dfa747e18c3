"""What leaves a step for Prefect: counts, or a code."""

import pytest

from tasks.errors import PermanentError
from tasks.stage import Counts, StageFailed, stage


@pytest.mark.usefixtures("home")
def test_what_breaks_a_whole_step_leaves_it_as_its_code_alone() -> None:
    @stage("break")
    def step() -> Counts:
        raise ValueError("no permit for Antje Brandt")

    with pytest.raises(StageFailed) as caught:
        step.fn()

    assert str(caught.value) == "internal.ValueError"
    assert caught.value.__suppress_context__, "Prefect keeps what an error came from"


@pytest.mark.usefixtures("home")
def test_an_error_of_ours_leaves_a_step_without_its_detail() -> None:
    @stage("break")
    def step() -> Counts:
        raise PermanentError("records.unknown", "c-1", "Antje Brandt")

    with pytest.raises(PermanentError) as caught:
        step.fn()

    assert (str(caught.value), caught.value.detail) == ("records.unknown c-1", "")
