"""Before letters are tried again, a look whether they could leave now."""

import resource

import pytest
from aiosmtpd.smtp import AuthResult
from channel_builders import answering, free_port, mail_server, rude_server

from tasks.channels import probe
from tasks.errors import ChannelRefused, ChannelUnavailable, SpoolFull


def test_a_server_that_answers_is_ready_and_receives_nothing():
    with mail_server() as inbox:
        probe(f"mailto://127.0.0.1:{inbox.port}")

    assert inbox.received == []


def test_a_server_that_is_away_or_refuses_says_so():
    with pytest.raises(ChannelUnavailable, match=r"^channel\.smtp_unreachable$"):
        probe(f"mailto://127.0.0.1:{free_port()}")
    with (
        rude_server(answering(greeting="554 go away")) as port,
        pytest.raises(ChannelRefused, match=r"^channel\.server_refused$"),
    ):
        probe(f"mailto://127.0.0.1:{port}")


def test_a_wrong_password_is_noticed_without_a_letter():
    wrong = AuthResult(success=False, handled=False)
    with (
        mail_server(auth_require_tls=False, authenticator=lambda *_: wrong) as inbox,
        pytest.raises(ChannelRefused, match=r"^channel\.auth_failed$"),
    ):
        probe(f"mailto://parken:geheim@127.0.0.1:{inbox.port}")


def test_a_spool_with_room_is_ready_and_nothing_is_left_in_it(tmp_path):
    probe(f"printspool://{tmp_path}")

    assert sorted(path.name for path in tmp_path.rglob("*")) == [".lock", ".part"]


def test_a_spool_that_is_not_mounted_says_so(tmp_path):
    with pytest.raises(ChannelUnavailable, match=r"^channel\.spool_unreachable$"):
        probe(f"printspool://{tmp_path / 'away'}")


def test_a_full_spool_says_so_and_keeps_no_trial(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(SpoolFull, match=r"^channel\.spool_full$"):
            probe(f"printspool://{tmp_path}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert list((tmp_path / ".part").iterdir()) == []


def test_an_address_that_cannot_work_is_refused():
    for use in (lambda: probe("smtp://host"), lambda: probe("printspool://relative")):
        with pytest.raises(ChannelRefused, match=r"^channel\.bad_url$"):
            use()
