"""Whoever finds a letter can lock it, and holds it still when its addressee has it opened again."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import col, select

from tasks.desks.clerks import StateClerkDesk
from tasks.domain.reply import IdentityDocument, ReplyKind, Scope
from tasks.errors import ReplyRefused
from tasks.replies.desk import Seat
from tasks.state import reopening
from tasks.state.database import reading
from tasks.state.tables import History
from tests.replies.letter_box import (
    DAY,
    SWITCHED,
    WRONG_DATE,
    add_part,
    change_section,
    desk_of,
    dump,
    section,
    token,
)
from tests.town import Town

CARD = IdentityDocument.IDENTITY_CARD


def lock(town: Town, case: str) -> None:
    """As whoever has found the letter does it."""
    desk = desk_of(town)
    door = desk.by_link(token(town, case).link_secret)
    for _ in range(5):
        with pytest.raises(ReplyRefused):
            desk.unlock(door, WRONG_DATE)


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(ReplyRefused) as error:
        call()
    return error.value.code


@pytest.fixture
def case(letters: dict[str, str]) -> str:
    return letters["zone_switched"]


def counter(town: Town, day: object = DAY) -> StateClerkDesk:
    return StateClerkDesk(town.settings, lambda _: day)  # type: ignore[arg-type, return-value]


def test_a_resident_who_was_locked_out_comes_back_and_the_finder_does_not(
    town: Town, case: str
) -> None:
    other = add_part(town, case)
    lock(town, case)
    desk, seat = counter(town), Seat(town.slug, "sb-1")

    shown = desk.locked_letter(seat, section(town, case).letter_id)
    code = desk.reopen(seat, shown.letter, CARD, shown.seen)

    assert (shown.name, shown.born) == ("Łukasz Wójcik", "30.07.1991")
    for part in (case, other):  # each part had a link and a code of its own
        sent = token(town, part)
        assert refused(lambda sent=sent: desk_of(town).by_link(sent.link_secret)) == "reply.unknown"
        assert refused(lambda sent=sent: desk_of(town).by_code(sent.short_code)) == "reply.unknown"
    door = desk_of(town).by_code(code)
    desk_of(town).unlock(door, SWITCHED)
    assert {part.case for part in desk_of(town).letter(door).parts} == {case, other}
    with reading(town.opened.engine) as session:
        said = session.exec(select(History).where(col(History.code) == "reopened")).all()
    assert {line.case_id for line in said} == {case, other}
    assert {line.by for line in said} == {"counter: clerk sb-1, identity_card"}
    log = (town.settings.home / "access.log").read_text()
    assert f"clerk sb-1 reopened {shown.letter}" in log
    assert code not in log


def test_who_stood_before_the_door_or_behind_it_when_it_was_locked_is_out(
    town: Town, case: str
) -> None:
    desk = desk_of(town)
    before = desk.by_link(token(town, case).link_secret)  # what a cookie keeps for hours
    lock(town, case)
    office, seat = counter(town), Seat(town.slug, "sb-1")
    shown = office.locked_letter(seat, case)
    code = office.reopen(seat, shown.letter, CARD, shown.seen)

    for attack in (
        lambda: desk.unlock(before, WRONG_DATE),
        lambda: desk.unlock(before, SWITCHED),
        lambda: desk.letter(before),
        lambda: desk.record(before, case, ReplyKind.DEREGISTER, Scope.CASE),
    ):
        assert refused(attack) == "reply.unknown"
    assert section(town, case).failures == 0  # nobody locks it again
    assert desk.by_code(code) != before


def test_a_case_may_be_named_and_the_new_code_is_kept_as_a_digest(town: Town, case: str) -> None:
    lock(town, case)
    desk, seat = counter(town), Seat(town.slug, "sb-1")
    shown = desk.locked_letter(seat, case)
    code = desk.reopen(seat, shown.letter, CARD, shown.seen)

    assert code not in repr(dump(town))
    assert (section(town, case).token_status, section(town, case).failures) == ("valid", 0)


def test_nobody_opens_what_is_not_locked_or_not_theirs_or_over(town: Town, case: str) -> None:
    desk, seat = counter(town), Seat(town.slug, "sb-1")
    letter = section(town, case).letter_id
    assert refused(lambda: desk.locked_letter(seat, letter)) == "reply.not_locked"
    lock(town, case)
    shown, before = desk.locked_letter(seat, letter), dump(town)

    with reading(town.opened.engine) as session:
        other_town = lambda: reopening.find(session, "anderstadt", letter, DAY)  # noqa: E731
        assert refused(other_town) == "reply.unknown"
    for odd in ("l-nowhere", "", "%", "s-1", "' OR 1=1 --"):
        assert refused(lambda odd=odd: desk.locked_letter(seat, odd)) == "reply.unknown"
    assert refused(lambda: desk.reopen(seat, letter, CARD, "0" * 64)) == "question.changed"
    late = section(town, case).token_expires + timedelta(1)  # type: ignore[operator]
    over = counter(town, late)
    assert refused(lambda: over.reopen(seat, letter, CARD, shown.seen)) == "reply.expired"
    assert dump(town) == before
    change_section(town, case, token_status="revoked")
    assert refused(lambda: desk.reopen(seat, letter, CARD, shown.seen)) == "reply.not_locked"
