"""What a run says of itself in one line."""

import pytest

from flows._pipeline import Outcome, end_state


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({}, "nothing new"),
        ({"waiting_packets": 1}, "nothing new; deliveries that wait for a packet: 1"),
        ({"waiting_files": 2}, "nothing new; files still being written: 2"),
        (
            {"deliveries": 1, "waiting_packets": 1},
            "0 cases, 0 acted, 0 letters sent; deliveries that wait for a packet: 1",
        ),
    ],
)
def test_what_waits_in_an_inbox_is_said_by_every_run(counts: dict[str, int], message: str) -> None:
    assert end_state({"musterstadt": Outcome(counts=counts)}).message == message


def test_what_no_service_has_looked_at_is_said_by_every_run() -> None:
    message = end_state({"musterstadt": Outcome(not_looked_at=17)}).message

    assert message == "nothing new; changes that no service has looked at, since it is off: 17"


def test_what_waits_is_said_beside_the_trouble_of_another_town() -> None:
    outcomes = {
        "musterstadt": Outcome(counts={"waiting_files": 1}),
        "nachbarstadt": Outcome(problems=["registry.number_gap"]),
    }
    assert end_state(outcomes).message == (
        "nachbarstadt: registry.number_gap; files still being written: 1"
    )
