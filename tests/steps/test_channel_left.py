"""A channel that is in the way is left for the run: its letters wait, and it costs them no try."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from threading import Barrier
from time import sleep

import pytest

from tasks.breaker import Breaker
from tasks.channels.parcel import HandedOver
from tasks.errors import ChannelRefused, ChannelUnavailable
from tasks.settings import settings
from tests.steps.test_send import with_email
from tests.town import Town, make_town

DAY = date(2026, 11, 23)
FILES = ("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
DOWN = ChannelUnavailable("channel.smtp_unreachable")
HOURS = 3600


def test_after_a_few_letters_in_a_row_no_further_one_is_tried() -> None:
    breaker = Breaker(give_up_after=3, seconds=HOURS)
    breaker.failed("l-1", DOWN)
    breaker.went()  # the count begins anew
    for number in (2, 3):
        breaker.failed(f"l-{number}", DOWN)
    assert breaker.left == ""

    breaker.failed("l-4", DOWN)

    assert breaker.left == "channel.smtp_unreachable"
    assert [one.letter_id for one in breaker.verdict().excused] == ["l-2", "l-3", "l-4"]


def test_one_letter_that_is_refused_among_others_that_leave_is_that_letters_fault() -> None:
    breaker = Breaker(give_up_after=3, seconds=HOURS)
    breaker.went()
    breaker.failed("l-1", ChannelRefused("channel.address_refused"))
    breaker.went()

    assert breaker.left == ""
    assert [one.letter_id for one in breaker.verdict().failed] == ["l-1"]


def test_a_channel_that_takes_too_long_in_all_is_left_as_well() -> None:
    assert Breaker(give_up_after=3, seconds=-1).left == "channel.too_slow"


def test_no_thread_begins_a_further_letter_while_the_first_ones_may_all_fail() -> None:
    """Else each thread would wait a second time for a server that is silent."""
    breaker = Breaker(give_up_after=3, seconds=HOURS)
    begun = Barrier(4)
    tried: list[int] = []

    def one(number: int) -> None:
        with breaker.turn() as ours:
            if not ours:
                return
            tried.append(number)
            begun.wait(5)
            sleep(0.02 * number)
            breaker.failed(f"l-{number}", DOWN)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(40)))

    assert sorted(tried) == [0, 1, 2, 3]


def test_after_one_that_failed_the_others_go_on_once_one_has_left() -> None:
    breaker = Breaker(give_up_after=2, seconds=HOURS)

    def one(number: int) -> int:
        with breaker.turn() as ours:
            if number == 0:
                breaker.failed("l-0", DOWN)
            elif ours:
                breaker.went()
            return ours

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(one, range(40))) == 40


@pytest.fixture
def town(home: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    """Everybody gets e-mails, and one is tried at a time."""
    monkeypatch.setenv("ANTRAGSLOS_SMTP_URL", "mailto://127.0.0.1:9")
    monkeypatch.setenv("ANTRAGSLOS_SEND_WORKERS", "1")
    settings.cache_clear()
    extra = "[channels]\ngive_up_after = 2\n"
    return make_town(home, settling_days=0, permits=with_email(home, True), extra=extra)


def test_what_became_of_a_letter_and_cannot_be_noted_is_named_and_stops_no_other(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[object] = []

    def leaves(parcel: object, *_: object, **__: object) -> HandedOver:
        left.append(parcel)
        return HandedOver("email", False, "<1>")

    def breaks(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("tasks.send.hand_over", leaves)
    with monkeypatch.context() as patch:
        patch.setattr("tasks.send._note", breaks)
        counts = town.run_day(DAY, *FILES)

    assert len(left) == len(town.letters())
    assert counts["stopped:internal.ZeroDivisionError"] == counts["unnoted"] == len(left)
    town.run_day(DAY)
    assert {letter.status for letter in town.letters()} == {"uncertain"}


def test_letters_of_a_channel_that_is_down_wait_and_leave_once_it_is_back(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[object] = []

    def down(parcel: object, *_: object, **__: object) -> None:
        tried.append(parcel)
        raise DOWN

    with monkeypatch.context() as patch:
        patch.setattr("tasks.send.hand_over", down)
        town.run_day(DAY, *FILES)

    assert len(tried) == 2
    assert {(letter.status, letter.attempts) for letter in town.letters()} == {("ready", 0)}
    monkeypatch.setattr("tasks.send.hand_over", lambda *_, **__: HandedOver("email", False, "<1>"))
    town.run_day(DAY)
    assert {letter.status for letter in town.letters()} == {"handed_over"}
