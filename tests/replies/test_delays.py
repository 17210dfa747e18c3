"""Wrong passwords slow down whoever types them, and nobody else."""

from datetime import UTC, datetime, timedelta

import pytest

from tasks.replies import delays
from tasks.replies.delays import Delayed, Delays

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
OFFICE, HOME = "192.0.2.1", "2001:db8:1:2::7"


def looked_at(
    here: Delays, at: datetime, client: str = OFFICE, sign: str = "sb-1", right: bool = False
) -> bool:
    try:
        here.begin(client, "musterstadt", sign, at)
    except Delayed:
        return False
    if right:
        here.right(client, "musterstadt", sign)
    return True


def test_each_wrong_password_after_the_third_makes_the_next_try_wait_twice_as_long() -> None:
    here, at, waited = Delays(), NOON, []
    for _ in range(15):
        begun = at
        while not looked_at(here, at):
            at += timedelta(seconds=1)
        waited.append((at - begun).seconds)
    assert waited[:3] == [0, 0, 0]
    assert waited[3:7] == sorted(waited[3:7])
    assert max(waited) == delays.LONGEST.seconds


def test_a_hundred_tries_at_the_same_moment_are_three() -> None:
    here = Delays()
    assert sum(looked_at(here, NOON) for _ in range(100)) == 3
    assert looked_at(here, NOON, sign="sb-2")  # a colleague in the same office


def test_nobody_keeps_a_clerk_out_from_elsewhere_however_long() -> None:
    here = Delays()
    for number in range(5_000):
        looked_at(here, NOON + timedelta(seconds=number), client="203.0.113.66")
        looked_at(here, NOON, client=f"10.0.{number >> 8}.{number & 255}")
    now = NOON + timedelta(seconds=5_000)
    assert looked_at(here, now, OFFICE, right=True)
    assert looked_at(here, now, HOME, right=True)


def test_who_guesses_one_sign_from_everywhere_gets_one_quick_try_a_network() -> None:
    here = Delays()
    for number in range(200):
        assert looked_at(here, NOON, client=f"10.0.0.{number}")
    assert looked_at(here, NOON, client="10.9.9.9")
    assert not looked_at(here, NOON + timedelta(minutes=14), client="10.9.9.9")


def test_a_clerk_at_home_in_a_network_is_not_slowed_by_others_there() -> None:
    here = Delays()
    assert looked_at(here, NOON, right=True)
    for number in range(50):
        looked_at(here, NOON, sign=f"guess-{number}")
    assert not looked_at(here, NOON, sign="sb-9")
    assert looked_at(here, NOON, right=True)


def test_what_was_right_costs_nothing_and_an_hour_forgets() -> None:
    here = Delays()
    for _ in range(20):
        assert looked_at(here, NOON, right=True)
    while looked_at(here, NOON):
        pass
    assert not looked_at(here, NOON)
    assert looked_at(here, NOON + delays.FORGOTTEN)


def test_neighbours_of_an_ipv6_network_are_one() -> None:
    here = Delays()
    said = [looked_at(here, NOON, client=f"2001:db8:1:2::{n:x}") for n in range(1, 9)]
    assert said == [True] * 3 + [False] * 5


def test_memory_is_bounded_and_holds_nothing_as_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delays, "MOST", 100)
    here = Delays()
    for number in range(2_000):
        looked_at(here, NOON, f"10.0.{number >> 8}.{number & 255}", f"geheimes wort {number}")
    assert len(here._failed) <= 300
    assert "geheim" not in repr(here._failed)
