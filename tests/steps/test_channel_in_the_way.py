"""A mail server that hangs, refuses or breaks off: it is left, and its letters wait for it."""

import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

import tasks.send
from tasks.breaker import Breaker
from tasks.errors import ChannelRefused, ChannelUnavailable, ChannelUncertain, StateUnavailable
from tasks.settings import settings
from tests.town import DELIVERIES, Town, copied, make_town

DAY = date(2026, 11, 23)
FILES = ("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
LETTERS = 3  # of that delivery, and all by e-mail
RULES = "[channels]\ngive_up_after = 2\ntimeout_seconds = 0.3\nanswer_seconds = 0.3\n"

Answer = Callable[[socket.socket], None]


def says(**answers: bytes) -> Answer:
    """A server's side of a dialogue: an answer to each command, 250 to others; b"" breaks off."""

    def serve(client: socket.socket) -> None:
        told = {"HELLO": b"220 x", "DATA": b"354 go", "END": b"250 ok", "QUIT": b"221 bye"}
        told |= answers
        with client, client.makefile("rwb") as stream:

            def say(word: str) -> bool:
                reply = told.get(word, b"250 ok")
                if reply:
                    stream.write(reply + b"\r\n")
                    stream.flush()
                return bool(reply)

            if not say("HELLO"):
                return
            data = False
            for line in stream:
                if data and line != b".\r\n":
                    continue
                word = "END" if data else line.split()[0].decode().upper()
                if not say(word):
                    return
                data = word == "DATA" and told["DATA"].startswith(b"3")

    return serve


@contextmanager
def mail_server(answer: Answer | None) -> Iterator[str]:
    """A real one on this machine; None: it takes the connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        if answer:
            threading.Thread(target=_accept, args=(server, answer), daemon=True).start()
        yield f"mailto://127.0.0.1:{server.getsockname()[1]}"


def _accept(server: socket.socket, answer: Answer) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_quietly, args=(answer, client), daemon=True).start()


def _quietly(answer: Answer, client: socket.socket) -> None:
    try:
        answer(client)
    except (OSError, ValueError, IndexError):
        return


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A town with three letters that are ready to leave by e-mail."""
    home = tmp_path_factory.mktemp("mail") / "home"
    home.mkdir()
    permits = home / "permits.jsonl"
    rows = [json.loads(line) for line in (DELIVERIES / "permits-sample.jsonl").open()]
    mail = {"email": "someone@residents.example", "email_consent": True}
    permits.write_text("\n".join(json.dumps(row | mail) for row in rows))
    with pytest.MonkeyPatch.context() as patch:
        at(home, "mailto://127.0.0.1:9", patch)
        make_town(home, settling_days=0, permits=permits, extra=RULES).run_day(
            DAY, *FILES, until="render"
        )
    return home


def at(home: Path, url: str, patch: pytest.MonkeyPatch) -> Town:
    patch.setenv("ANTRAGSLOS_HOME", str(home))
    patch.setenv("ANTRAGSLOS_SMTP_URL", url)
    patch.setenv("ANTRAGSLOS_STEADY_SECONDS", "0")
    patch.setenv("ANTRAGSLOS_SEND_WORKERS", "1")
    settings.cache_clear()
    return Town(settings())


@pytest.fixture
def home(prepared: Path, tmp_path: Path) -> Path:
    return copied(prepared, tmp_path / "home")


def states(town: Town) -> Counter[tuple[str, str]]:
    return Counter((letter.status, letter.code) for letter in town.letters())


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (None, "channel.smtp_unreachable"),
        (says(HELLO=b"421 busy"), "channel.smtp_temporary"),
        (says(RCPT=b"451 later"), "channel.smtp_temporary"),
        (says(RCPT=b"550 no"), "channel.recipient_refused"),
        (says(MAIL=b"550 no"), "channel.sender_refused"),
        (says(END=b"554 no"), "channel.message_refused"),
    ],
)
def test_letters_wait_for_a_channel_that_hangs_or_refuses_and_leave_when_it_is_back(
    home: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer | None, code: str
) -> None:
    with mail_server(answer) as url:
        town = at(home, url, monkeypatch)
        for _ in range(7):
            counts = town.run_day(DAY)

            assert states(town) == {("ready", code): LETTERS}
            assert counts["waiting_letters"] == LETTERS
            assert counts[f"stopped:{code}"] == 1
            assert not counts["failed"]
    with mail_server(says()) as url:
        town = at(home, url, monkeypatch)
        assert town.run_day(DAY)["handed_over"] == LETTERS


def test_a_server_that_breaks_off_behind_the_message_costs_a_few_letters_and_no_more(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mail_server(says(END=b"")) as url:
        town = at(home, url, monkeypatch)
        counts = town.run_day(DAY)

    assert counts["uncertain"] == 2
    assert states(town)["ready", "channel.uncertain"] == LETTERS - 2


def test_one_address_that_is_refused_while_others_are_taken_fails_only_its_letter(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def first_is_refused(client: socket.socket) -> None:
        seen.append(1)
        says(**({"RCPT": b"550 no"} if len(seen) == 1 else {}))(client)

    with mail_server(first_is_refused) as url:
        town = at(home, url, monkeypatch)
        town.run_day(DAY)

    assert states(town) == {("failed", "channel.recipient_refused"): 1, ("handed_over", ""): 2}


def test_what_the_server_has_taken_is_never_uncertain_because_the_database_was_busy(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.send, "PATIENCE", (0,))
    with mail_server(says()) as url, monkeypatch.context() as patch:
        town = at(home, url, monkeypatch)

        def busy(*_: object) -> None:
            raise StateUnavailable("state.busy")

        patch.setattr(tasks.send, "_note", busy)
        counts = town.run_day(DAY)
        assert counts["stopped:state.busy"] == LETTERS
        assert counts["unnoted"] == LETTERS
        assert states(town) == {("claimed", ""): LETTERS}

    town.run_day(DAY)
    assert states(town) == {("handed_over", ""): LETTERS}
    assert all(letter.reference for letter in town.letters())


# The breaker itself ---------------------------------------------------------------------------


def test_three_bad_addresses_in_front_fail_once_others_have_left() -> None:
    breaker = Breaker(4, 60)
    for letter in "abc":
        breaker.failed(letter, ChannelRefused("channel.recipient_refused"))
    breaker.went()
    assert [held.letter_id for held in breaker.verdict().failed] == ["a", "b", "c"]


def test_a_channel_that_goes_down_in_the_middle_is_excused_only_from_there_on() -> None:
    breaker = Breaker(2, 60)
    breaker.failed("a", ChannelUnavailable("channel.smtp_temporary"))
    breaker.went()
    for letter in "bc":
        breaker.failed(letter, ChannelUnavailable("channel.smtp_unreachable"))
    assert breaker.left == "channel.smtp_unreachable"
    assert [held.letter_id for held in breaker.verdict().tried] == ["a"]
    assert [held.letter_id for held in breaker.verdict().excused] == ["b", "c"]


@pytest.mark.parametrize(("in_a_row", "left"), [(2, ""), (3, "channel.uncertain")])
def test_a_channel_is_left_after_as_many_letters_in_a_row_as_the_profile_says(
    in_a_row: int, left: str
) -> None:
    breaker = Breaker(3, 60)
    for letter in range(in_a_row):
        breaker.failed(str(letter), ChannelUncertain("channel.uncertain"))
    assert breaker.left == left


def test_a_server_that_takes_every_letter_but_slowly_is_left_when_its_time_is_over() -> None:
    breaker = Breaker(3, -1)
    breaker.went()
    assert breaker.left == "channel.too_slow"
