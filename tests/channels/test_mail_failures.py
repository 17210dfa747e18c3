"""Every way an e-mail can fail says whether to try again, to ask a person, or that nobody knows."""

import time
import traceback

import pytest
from aiosmtpd.smtp import AuthResult
from channel_builders import Talk, a_parcel, answering, free_port, mail_server, rude_server

from tasks.channels import HandedOver, dialogue, hand_over
from tasks.errors import (
    ChannelRefused,
    ChannelUnavailable,
    ChannelUncertain,
    PermanentError,
    TemporaryError,
)


def failure_of(port: int, login: str = "", **timeouts: float) -> Exception:
    with pytest.raises((TemporaryError, PermanentError)) as failure:
        hand_over(a_parcel(), f"mailto://{login}127.0.0.1:{port}", **timeouts)
    return failure.value


def up_to_the_letter(talk: Talk) -> None:
    talk.say("220 rude.example")
    for answer in ("250 hello", "250 ok", "250 ok", "354 go on"):
        talk.hear()
        talk.say(answer)


@pytest.mark.parametrize(
    ("answers", "error", "code"),
    [
        ({"greeting": "421 later"}, ChannelUnavailable, "channel.smtp_temporary"),
        ({"greeting": "554 not for you"}, ChannelRefused, "channel.server_refused"),
        ({"greeting": ""}, ChannelUnavailable, "channel.smtp_unreachable"),
        ({"greeting": "SSH-2.0-OpenSSH_9.2"}, ChannelUnavailable, "channel.smtp_temporary"),
        ({"ehlo": ""}, ChannelUnavailable, "channel.smtp_unreachable"),
        ({"mail": "451 later"}, ChannelUnavailable, "channel.smtp_temporary"),
        ({"mail": "530 log in first"}, ChannelRefused, "channel.auth_failed"),
        ({"mail": "552 too large"}, ChannelRefused, "channel.message_refused"),
        ({"mail": "553 not your address"}, ChannelRefused, "channel.sender_refused"),
        ({"rcpt": "421 shutting down"}, ChannelUnavailable, "channel.smtp_temporary"),
        ({"rcpt": "450 greylisted"}, ChannelUnavailable, "channel.smtp_temporary"),
        ({"rcpt": "452 disk full"}, ChannelUnavailable, "channel.smtp_temporary"),
        ({"rcpt": "550 no such user"}, ChannelRefused, "channel.recipient_refused"),
        ({"rcpt": "550-no\n550 such user"}, ChannelRefused, "channel.recipient_refused"),
        ({"rcpt": ""}, ChannelUnavailable, "channel.smtp_unreachable"),
        ({"data": "451 later"}, ChannelUnavailable, "channel.smtp_temporary"),
        ({"data": "554 no"}, ChannelRefused, "channel.message_refused"),
        ({"end": "451 scanner is busy"}, ChannelUnavailable, "channel.smtp_temporary"),
        ({"end": "550 spam"}, ChannelRefused, "channel.message_refused"),
        ({"end": "552 too large"}, ChannelRefused, "channel.message_refused"),
        ({"end": ""}, ChannelUncertain, "channel.uncertain"),
        ({"end": "what?"}, ChannelUncertain, "channel.uncertain"),
        ({"end": "354 more?"}, ChannelUncertain, "channel.uncertain"),
        ({"end": "2" * 9000}, ChannelUncertain, "channel.uncertain"),
    ],
)
def test_the_servers_answer_decides_what_happens_to_the_letter(answers, error, code):
    with rude_server(answering(**answers)) as port:
        failure = failure_of(port)

    assert type(failure) is error
    assert str(failure) == f"{code} l-7f3k"


def test_what_the_server_said_is_kept_for_the_person_who_looks():
    with rude_server(answering(rcpt="550 5.1.1 no such user")) as port:
        failure = failure_of(port)

    assert failure.detail == "550 5.1.1 no such user"


def test_a_connection_lost_within_the_letter_leaves_no_doubt_that_it_did_not_leave():
    def hang_up_after_some_lines(talk: Talk) -> None:
        up_to_the_letter(talk)
        talk.reset()

    with rude_server(hang_up_after_some_lines) as port, pytest.raises(TemporaryError) as failure:
        hand_over(a_parcel(pdf=bytes(12_000_000)), f"mailto://127.0.0.1:{port}")

    assert failure.value.code == "channel.smtp_unreachable"


def test_no_answer_to_the_whole_letter_in_time_is_uncertain():
    def say_nothing_at_the_end(talk: Talk) -> None:
        up_to_the_letter(talk)
        talk.hear_message()
        talk.hear()  # until the other side gives up

    with rude_server(say_nothing_at_the_end) as port:
        failure = failure_of(port, timeout=5, reply_timeout=0.2)

    assert type(failure) is ChannelUncertain


def test_a_slow_answer_to_the_whole_letter_is_waited_for():
    def scan_for_a_while(talk: Talk) -> None:
        up_to_the_letter(talk)
        talk.hear_message()
        time.sleep(0.6)
        talk.say("250 clean")

    with rude_server(scan_for_a_while) as port:
        done = hand_over(a_parcel(), f"mailto://127.0.0.1:{port}", timeout=0.3, reply_timeout=9)

    assert done.already is False


def test_a_silent_server_is_given_up_in_time():
    with rude_server(lambda talk: [talk.hear()]) as port:
        failure = failure_of(port, timeout=0.2)

    assert failure.code == "channel.smtp_unreachable"


@pytest.mark.parametrize("now_and_then", [b"2", b"220-go on\r\n"])
def test_a_server_that_says_a_little_now_and_then_is_given_up_in_time(now_and_then):
    def drip(talk: Talk) -> None:
        for _ in range(40):
            talk.say_raw(now_and_then)
            time.sleep(0.05)

    began = time.monotonic()
    with rude_server(drip) as port:
        failure = failure_of(port, timeout=0.3)
        took = time.monotonic() - began

    assert failure.code == "channel.smtp_unreachable"
    assert took < 1


def test_a_server_that_is_slow_at_each_step_is_given_up_in_time():
    def slow(talk: Talk) -> None:
        for answer in ("220 rude", "250 hello", "250 ok", "250 ok", "354 go on", "250 kept"):
            time.sleep(0.25)
            talk.say_raw(f"{answer}\r\n".encode())
            talk.hear()

    with rude_server(slow) as port:
        failure = failure_of(port, timeout=0.3)

    assert failure.code == "channel.smtp_unreachable"


def test_an_acceptance_that_never_ends_is_uncertain_in_time():
    def drip_at_the_end(talk: Talk) -> None:
        up_to_the_letter(talk)
        talk.hear_message()
        for _ in range(40):
            talk.say_raw(b"2")
            time.sleep(0.05)

    with rude_server(drip_at_the_end) as port:
        began = time.monotonic()
        failure = failure_of(port, timeout=5, reply_timeout=0.3)
        took = time.monotonic() - began

    assert type(failure) is ChannelUncertain
    assert took < 1


@pytest.mark.parametrize("url", ["mailtos://{}?mode=ssl", "mailtos://{}?mode=starttls"])
def test_a_server_that_hangs_within_the_tls_handshake_is_given_up_in_time(url):
    def hang(talk: Talk) -> None:
        if "starttls" in url:
            talk.say("220 rude.example")
            talk.hear()
            talk.say("250-hello", "250 STARTTLS")
            talk.hear()
            talk.say("220 go on")
        talk.hear_message()  # until the other side hangs up

    with rude_server(hang) as port, pytest.raises(ChannelUnavailable) as failure:
        hand_over(a_parcel(), url.format(f"127.0.0.1:{port}"), timeout=0.3)

    assert failure.value.code == "channel.smtp_unreachable"


def test_a_resolver_that_hangs_is_asked_once_for_our_name(monkeypatch):
    asked = []
    monkeypatch.setattr("socket.getfqdn", lambda *_: asked.append(1) or "town.example")
    dialogue._our_name.cache_clear()
    for _ in range(3):
        with rude_server(answering()) as port:
            hand_over(a_parcel(), f"mailto://127.0.0.1:{port}")
    dialogue._our_name.cache_clear()

    assert len(asked) == 1


def test_a_server_that_never_says_goodbye_holds_nobody_up():
    def stay(talk: Talk) -> None:
        up_to_the_letter(talk)
        talk.hear_message()
        talk.say("250 kept")
        talk.hear()
        talk.hear()  # until the other side hangs up

    began = time.monotonic()
    with rude_server(stay) as port:
        hand_over(a_parcel(), f"mailto://127.0.0.1:{port}", timeout=4)
    assert time.monotonic() - began < 3


def test_a_connection_lost_after_the_server_took_the_letter_changes_nothing():
    with rude_server(answering(quit="")) as port:
        done = hand_over(a_parcel(), f"mailto://127.0.0.1:{port}")

    assert isinstance(done, HandedOver)


def test_where_nothing_listens_it_is_tried_again_later():
    failure = failure_of(free_port())

    assert type(failure) is ChannelUnavailable
    assert failure.code == "channel.smtp_unreachable"


def test_a_server_name_that_does_not_resolve_is_tried_again_later():
    with pytest.raises(ChannelUnavailable) as failure:
        hand_over(a_parcel(), "mailto://smtp.musterstadt.invalid:25")

    assert failure.value.code == "channel.smtp_unreachable"


def test_a_wrong_password_waits_for_an_admin_and_is_not_shown():
    options = {
        "auth_require_tls": False,
        "authenticator": lambda *_: AuthResult(success=False, handled=False),
    }
    with mail_server(**options) as inbox:
        failure = failure_of(inbox.port, "parken:geheim@")

    assert str(failure) == "channel.auth_failed l-7f3k"
    assert "geheim" not in failure.detail
    assert inbox.received == []


@pytest.mark.parametrize(
    ("offers", "password"),
    [("SIZE", "geheim"), ("AUTH GSSAPI", "geheim"), ("AUTH PLAIN", "gehei%C3%9F")],
)
def test_where_both_sides_know_no_common_way_to_log_in_an_admin_is_asked(offers, password):
    with rude_server(answering(ehlo=f"250-hello\n250 {offers}")) as port:
        failure = failure_of(port, f"parken:{password}@")

    assert str(failure) == "channel.auth_failed l-7f3k"


def test_a_login_that_fails_for_now_is_tried_again():
    with rude_server(answering(ehlo="250-hello\n250 AUTH LOGIN", auth="454 later")) as port:
        failure = failure_of(port, "parken:geheim@")

    assert str(failure) == "channel.smtp_temporary l-7f3k"


def test_a_letter_larger_than_the_server_takes_is_refused_before_it_is_sent():
    with mail_server(data_size_limit=2000) as inbox:
        failure = failure_of(inbox.port)

    assert str(failure) == "channel.message_refused l-7f3k"


def test_no_error_carries_the_foreign_one_that_caused_it():
    failure = failure_of(free_port())

    printed = "".join(traceback.format_exception(failure))
    assert "Refused" not in printed
    assert "During handling" not in printed


def test_what_nobody_foresaw_counts_as_uncertain_and_its_reason_is_kept():
    with mail_server() as inbox, pytest.raises(ChannelUncertain) as failure:
        hand_over(a_parcel(recipient=None), f"mailto://127.0.0.1:{inbox.port}")

    assert str(failure.value) == "channel.uncertain l-7f3k"
    assert "AttributeError" in failure.value.detail
