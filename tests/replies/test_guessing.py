"""Guessing leads nowhere: 100,000 tries change nothing, and take seconds."""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import islice
from typing import Any

import pytest

from tasks.domain.reply import ReplyKind, Scope
from tasks.errors import ReplyRefused
from tasks.render import REPLY
from tasks.replies.tokens import Token, new_token, sign, token_for
from tasks.serve import reply_pages
from tests.replies.letter_box import (
    DAY,
    SWITCHED,
    WRONG_DATE,
    change_letter,
    change_section,
    desk_of,
    door,
    dump,
    section,
    token,
)
from tests.town import Town

TRIES = 100_000
LINK = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
CODE = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

Try = tuple[str, Callable[..., object], tuple[object, ...]]  # what for, call, arguments
ODD = ["", " ", "' OR 1=1 --", "\x00", "\ud800", "ﬁ" * 32, "%", "_" * 32, "../" * 10 + "ab"]
ODD_DOORS = [*ODD, "s-1000", "s-0", "s--1", "s-1.0", "s-١", "t-1", "s-" + "9" * 18, "s-" + "9" * 40]
DEAD = {
    "expired": "reply.expired",
    "revoked": "reply.revoked",
    "locked": "reply.locked",
    "never sent": "reply.unknown",
}


def near(secret: str, alphabet: str) -> Iterator[str]:
    """Everything that differs in one character, then everything cut short or longer by one."""
    for place, old in enumerate(secret):
        if old != "-" or alphabet is LINK:
            for new in alphabet.replace(old, ""):
                yield secret[:place] + new + secret[place + 1 :]
    for new in ("", *alphabet):
        yield secret[1:] + new
        yield new + secret[:-1]


def nearly(alphabet: str, secrets_: list[str]) -> Iterator[str]:
    return around([text for secret in secrets_ for text in near(secret, alphabet)])


def repeated(make: Callable[[], str]) -> Iterator[str]:
    while True:
        yield make()


def around(items: list[str]) -> Iterator[str]:
    while True:
        yield from items


def guesses(town: Town, letters: dict[str, str]) -> Iterator[Try]:
    """What is tried, with a name for it: all of it must be refused."""
    desk, key = desk_of(town), town.settings.signing_key()
    real, gone = [token(town, case) for case in letters.values()], dead_tokens(town, letters)
    stored = [section(town, case) for case in letters.values()]
    notes = [
        sign(f"s-{row.id}", purpose, DAY + timedelta(365), secrets.token_bytes(32))
        for row in stored
        for purpose in ("deregister", "notice", "page")
    ]
    links: dict[str, tuple[int, Iterator[str]]] = {
        "random links": (30_000, repeated(lambda: new_token().link_secret)),
        "links of another key": (5_000, foreign_links(letters, key)),
        "links nearly right": (
            12_000,
            around([n for t in real for n in near(t.link_secret, LINK)]),
        ),
        "digests and codes as links": (
            2_000,
            around(
                [text for row in stored for text in (row.token_digest, row.short_code_digest)]
                + [t.short_code for t in real]
            ),
        ),
        "forged notes and doors": (
            2_000,
            around(
                [*notes, *(f"s-{row.id}" for row in stored), "", "' OR 1=1 --", "\x00", "\ud800"]
            ),
        ),
        "links of dead tokens": (3_000, around([t.link_secret for t in gone])),
    }
    codes: dict[str, tuple[int, Iterator[str]]] = {
        "random codes, rightly checked": (20_000, repeated(lambda: new_token().short_code)),
        "random codes": (12_000, repeated(a_code)),
        "codes nearly right": (5_000, nearly(CODE, [t.short_code for t in real])),
        "links as codes": (1_000, around([t.link_secret for t in real])),
        "codes of dead tokens": (3_000, around([t.short_code for t in gone])),
    }
    for name, (count, tried) in links.items():
        for text in islice(tried, count):
            yield name, desk.by_link, (text,)
    for name, (count, tried) in codes.items():
        for text in islice(tried, count):
            yield name, desk.by_code, (text,)
    case = letters["zone_switched"]
    for number, forged in zip(range(1_000), around(ODD_DOORS), strict=False):
        yield "forged doors", desk.letter, (forged,)
        yield "forged doors", desk.unlock, (forged, SWITCHED)
        yield "forged doors", desk.record, (forged, case, ReplyKind.DEREGISTER, Scope.CASE)
        yield "forged doors", desk.receipt, (forged, f"r-{number}")
    right = door(town, letters["zone_switched"])
    for number in range(1_000):
        case = ("c-nosuchcase22", "", letters["name_updated"], "\x00")[number % 4]
        yield "cases of others", desk.record, (right, case, ReplyKind.WRONG, Scope.CASE, "x")


def foreign_links(letters: dict[str, str], key: bytes) -> Iterator[str]:
    while True:
        for case in letters.values():
            yield token_for(case, REPLY, secrets.token_bytes(32)).link_secret
            yield token_for(case, "notice", key).link_secret
            yield token_for(secrets.token_hex(6), REPLY, key).link_secret


def dead_tokens(town: Town, letters: dict[str, str]) -> list[Token]:
    return [token(town, case) for code, case in letters.items() if code != "zone_switched"]


def a_code() -> str:
    """With a wrong character that checks, 31 times in 32."""
    return "".join(secrets.choice(CODE) for _ in range(10))


@pytest.mark.parametrize(
    ("dead", "tries"),
    [
        *((dead, TRIES // 40) for dead in DEAD),
        pytest.param("expired", TRIES, marks=pytest.mark.thorough),
    ],
)
def test_tries_of_every_kind_change_nothing_and_end_in_seconds(
    town: Town, letters: dict[str, str], dead: str, tries: int
) -> None:
    for code in ("address_updated", "name_updated"):
        kill(town, letters[code], dead)
    before = dump(town)

    refused: Counter[str] = Counter()
    begun, worked = time.monotonic(), time.process_time()
    for name, call, args in islice(guesses(town, letters), 0, None, TRIES // tries):
        try:
            call(*args)
        except ReplyRefused as error:
            refused[f"{name}: {error.code}"] += 1
        else:
            pytest.fail(f"{name} opened something")
    took, worked = time.monotonic() - begun, time.process_time() - worked

    done = sum(refused.values())
    print(f"\n{done} tries in {took:.1f} s, {worked:.1f} s of them ours: {dict(refused)}")
    assert dump(town) == before
    assert done == tries
    assert refused[f"links of dead tokens: {DEAD[dead]}"]
    assert refused[f"codes of dead tokens: {DEAD[dead]}"]
    assert worked < 45  # of one processor, so that a busy machine does not fail the test


def test_five_wrong_birth_dates_are_counted_and_nothing_else_changes(
    town: Town, letters: dict[str, str]
) -> None:
    desk, case = desk_of(town), letters["zone_switched"]
    opened, before = door(town, case), dump(town)
    for code in [*["reply.wrong_birth_date"] * 4, *["reply.locked"] * 1_000]:
        with pytest.raises(ReplyRefused, match=code):
            desk.unlock(opened, WRONG_DATE)
    with pytest.raises(ReplyRefused, match=r"reply\.locked"):
        desk.unlock(opened, SWITCHED)
    with pytest.raises(ReplyRefused, match=r"reply\.locked"):
        desk.by_code(token(town, case).short_code)

    row = section(town, case)
    assert (row.token_status, row.failures) == ("locked", 5)
    change_section(town, case, token_status="valid", failures=0)
    assert dump(town) == before


def test_a_scanner_that_follows_the_link_a_thousand_times_changes_nothing(
    town: Town, letters: dict[str, str]
) -> None:
    desk, before = desk_of(town), dump(town)
    for case in letters.values():
        for _ in range(300):
            opened = desk.by_link(token(town, case).link_secret)
            desk.office(opened)
        desk.letter(opened)

    assert dump(town) == before


def test_a_reply_sent_again_a_hundred_times_is_one_reply(
    town: Town, letters: dict[str, str]
) -> None:
    desk, case = desk_of(town), letters["zone_switched"]
    opened = door(town, case)
    first = desk.record(opened, case, ReplyKind.DEREGISTER, Scope.CASE)
    after = dump(town)

    for scope in [Scope.CASE, Scope.SERVICE] * 50:
        assert desk.record(opened, case, ReplyKind.DEREGISTER, scope, "anders") == first
    assert dump(town) == after


@pytest.mark.parametrize("rounds", [100, pytest.param(1_000, marks=pytest.mark.thorough)])
def test_thousands_of_requests_to_the_pages_change_nothing(
    town: Town, letters: dict[str, str], rounds: int
) -> None:
    case, statuses = letters["zone_switched"], Counter[int]()
    change_section(town, case, token_expires=date.max)  # the pages go by the real day
    app, before = reply_pages(town.settings), dump(town)
    made = token(town, case)
    requests: list[tuple[str, str, str]] = []  # method, path, body
    for number in range(rounds):
        link, code = new_token().link_secret, new_token().short_code
        forged = made.link_secret if number % 2 else link
        requests += [
            ("GET", f"/a/{link}", ""),
            ("GET", f"/a/{made.link_secret}", ""),  # as a mail scanner does
            ("POST", f"/a/{forged}", "tag=30&monat=7&jahr=1991&csrf=forged"),
            ("POST", "/code", f"code={code}&csrf="),
            ("POST", f"/brief/{case}/abmelden/absenden", "umfang=case&csrf=x"),
        ]

    async def all_of_them() -> None:
        for number, (method, path, body) in enumerate(requests):
            # Each from an address of its own, so that not the limit of tries alone is tested.
            client = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
            statuses[await status_of(app, method, path, body, client)] += 1

    begun = time.monotonic()
    asyncio.run(all_of_them())
    print(f"\n{len(requests)} requests in {time.monotonic() - begun:.1f} s: {dict(statuses)}")

    assert dump(town) == before
    assert statuses[404] == statuses[200] == rounds
    assert statuses[403] == 3 * rounds


async def status_of(app: Any, method: str, path: str, body: str, client: str) -> int:
    """One request, without a client library around it."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"host", b"127.0.0.1:8300"),
            (b"content-type", b"application/x-www-form-urlencoded"),
            (b"content-length", str(len(body)).encode()),
        ],
        "client": (client, 50_000),
        "server": ("127.0.0.1", 8300),
    }
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body.encode(), "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    return statuses[0]


def kill(town: Town, case: str, how: str) -> None:
    if how == "never sent":
        change_letter(town, case, status="stopped")
    elif how == "expired":
        change_section(town, case, token_expires=DAY - timedelta(1))
    else:
        change_section(town, case, token_status=how)
