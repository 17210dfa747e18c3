"""E-mail: what a resident receives is what was rendered, and nobody can smuggle anything in."""

import email
import logging
import ssl
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email import policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from channel_builders import PDF, Inbox, a_parcel, free_port, mail_server
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.channels import HandedOver, hand_over, hand_over_many, message
from tasks.errors import ChannelRefused, ChannelUnavailable

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with mail_server() as inbox:
        yield inbox


def parsed(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=policy.default)


def test_a_resident_receives_text_html_and_pdf_as_they_were_rendered(inbox):
    parcel = a_parcel()

    done = hand_over(parcel, f"mailto://127.0.0.1:{inbox.port}")

    (envelope,) = inbox.received
    mail = parsed(envelope.content)
    both, attachment = mail.iter_parts()
    text, html = both.iter_parts()
    assert done == HandedOver("email", False, "<l-7f3k@musterstadt.example>")
    assert envelope.mail_from == "parken@musterstadt.example"
    assert envelope.rcpt_tos == ["lukasz.wojcik@example.org"]
    assert both.get_content_type() == "multipart/alternative"
    assert text.get_content().replace("\r\n", "\n") == parcel.text
    assert html.get_content_type() == "text/html"
    assert html.get_content().rstrip("\r\n") == parcel.html
    assert attachment.get_content_type() == "application/pdf"
    assert attachment.get_filename() == "Schreiben-l-7f3k.pdf"
    assert attachment.get_content() == PDF + b"l-7f3k"


def test_the_headers_say_who_writes_where_to_answer_and_that_a_machine_wrote(inbox):
    hand_over(a_parcel(), f"mailto://127.0.0.1:{inbox.port}")

    mail = parsed(inbox.received[0].content)
    (sender,) = mail["From"].addresses
    assert sender.display_name == "Musterstadt, Straßenverkehrsbehörde"
    assert sender.addr_spec == "parken@musterstadt.example"
    assert mail["To"] == "lukasz.wojcik@example.org"
    assert mail["Reply-To"] == "buergerbuero@musterstadt.example"
    assert mail["Subject"] == a_parcel().subject
    assert mail["Message-ID"] == "<l-7f3k@musterstadt.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "de"
    assert abs((mail["Date"].datetime - datetime.now(UTC)).total_seconds()) < 60


def test_without_a_reply_address_none_is_invented(inbox):
    hand_over(a_parcel(reply_to=""), f"mailto://127.0.0.1:{inbox.port}")

    assert parsed(inbox.received[0].content)["Reply-To"] is None


def test_the_same_letter_sent_again_can_be_recognised_by_its_message_id(inbox):
    for _ in range(2):
        hand_over(a_parcel(), f"mailto://127.0.0.1:{inbox.port}")

    assert len({parsed(envelope.content)["Message-ID"] for envelope in inbox.received}) == 1


@pytest.mark.parametrize(
    "hidden", ["=?utf-8?q?a=0D=0ABcc:_thief@example.net?=", "=?utf-8?b?DQo=?="]
)
def test_a_line_break_hidden_in_encoded_text_stays_text(inbox, hidden):
    hand_over(a_parcel(sender_name=hidden, subject=hidden), f"mailto://127.0.0.1:{inbox.port}")

    content = inbox.received[0].content
    assert parsed(content)["Bcc"] is None
    assert parsed(content)["Subject"] == hidden
    assert display_name(content) == hidden


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\u2028", "\x0b", "\x00", "\x85"])
def test_a_name_with_a_line_break_adds_no_header_and_no_recipient(inbox, ending):
    smuggled = f"Stadt{ending}Bcc: thief@example.net{ending}{ending}<b>body</b>"

    hand_over(a_parcel(sender_name=smuggled, subject=smuggled), f"mailto://127.0.0.1:{inbox.port}")

    (envelope,) = inbox.received
    mail = parsed(envelope.content)
    assert envelope.rcpt_tos == ["lukasz.wojcik@example.org"]
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("Stadt Bcc: thief@example.net")
    assert mail.get_content_type() == "multipart/mixed"


@pytest.mark.parametrize(
    "recipient",
    [
        "",
        "lukasz",
        "lukasz@localhost",
        "lukasz@example.org.",
        "lukasz@example.org\r\nBcc: thief@example.net",
        "lukasz@example.org\n",
        "lukasz@example.org,thief@example.net",
        "lukasz@example.org;thief@example.net",
        "lukasz@example.org?bcc=thief@example.net",
        "<lukasz@example.org> SIZE=1",
        "Łukasz <lukasz@example.org>",
        "lukasz@thief.example@example.org",
        '"a b"@example.org',
        "lukasz@[127.0.0.1]",
        "lukasz@exa mple.org",
        "lukasz@exa_mple.org",
        ".lukasz@example.org",
        f"{'l' * 65}@example.org",
        f"lukasz@{'.'.join(['e' * 60] * 5)}.org",
        "łukasz@example.org",
    ],
)
def test_what_is_no_plain_address_is_refused_before_any_server_is_asked(recipient):
    with pytest.raises(ChannelRefused) as refused:
        hand_over(a_parcel(recipient=recipient), f"mailto://127.0.0.1:{free_port()}")

    assert str(refused.value) == "channel.bad_recipient l-7f3k"


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("post@straße.example", "post@xn--strae-oqa.example"),  # not strasse.example
        ("post@Müller.example", "post@xn--mller-kva.example"),
        ("lukasz.o'neil+amt@example.org", "lukasz.o'neil+amt@example.org"),
    ],
)
def test_a_domain_with_umlauts_is_written_the_way_servers_read_it(inbox, typed, sent):
    hand_over(a_parcel(recipient=typed), f"mailto://127.0.0.1:{inbox.port}")

    assert inbox.received[0].rcpt_tos == [sent]


def test_a_municipality_without_a_usable_address_of_its_own_is_told_so():
    with pytest.raises(ChannelRefused) as refused:
        hand_over(a_parcel(sender_address="parken"), f"mailto://127.0.0.1:{free_port()}")

    assert refused.value.code == "channel.bad_sender"


def display_name(content: bytes) -> str:
    """As RFC 2047 reads it; Python's newer parser keeps the blank between two encoded words."""
    raw = email.message_from_bytes(content, policy=policy.compat32)["From"]
    name, _ = parseaddr(raw.replace("\r\n", ""))
    return str(make_header(decode_header(name)))


@settings(max_examples=60, deadline=None)
@given(name=st.text(max_size=120), subject=st.text(max_size=200))
def test_whatever_stands_in_name_and_subject_they_are_all_it_can_change(name, subject):
    content = message.enveloped(a_parcel(sender_name=name, subject=subject), NOW).message

    mail = parsed(content)
    assert [address.addr_spec for address in mail["From"].addresses] == [a_parcel().sender_address]
    assert display_name(content) == message.one_line(name)
    assert mail["Subject"] == message.one_line(subject)
    assert mail.keys() == parsed(message.enveloped(a_parcel(), NOW).message).keys()


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"])))
def test_whatever_the_letter_says_arrives(text):
    content = message.enveloped(a_parcel(text=text, html=text), NOW).message

    mail = parsed(content)
    body = mail.get_body(("plain",))
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert body.get_content().rstrip("\r\n") == text


def test_half_a_character_is_refused_and_not_called_uncertain(inbox):
    with pytest.raises(ChannelRefused) as refused:
        hand_over(a_parcel(text="\ud800"), f"mailto://127.0.0.1:{inbox.port}")

    assert refused.value.code == "channel.bad_parcel"
    assert inbox.received == []


def test_a_letter_without_a_plain_id_never_becomes_a_parcel():
    for letter_id in ("", "../l", "l 1", "l\n", "l@x", ".l"):
        with pytest.raises(ChannelRefused, match=r"^channel\.bad_parcel$"):
            a_parcel(letter_id)


def test_a_parcel_shows_no_personal_data_when_printed():
    assert "Wójcik" not in repr(a_parcel())
    assert "wojcik" not in repr(a_parcel())


def test_neither_address_nor_subject_is_logged(inbox, caplog, capfd):
    caplog.set_level(0)
    caplog.set_level(1, "apprise")
    closed = free_port()

    hand_over(a_parcel(), f"mailto://127.0.0.1:{inbox.port}")
    with pytest.raises(ChannelUnavailable):
        hand_over(a_parcel(), f"mailto://127.0.0.1:{closed}")
    with pytest.raises(ChannelRefused):
        hand_over(a_parcel(recipient="lukasz@example.org,"), f"mailto://127.0.0.1:{closed}")

    ours = [record for record in caplog.records if record.name not in ("mail.log", "asyncio")]
    printed = capfd.readouterr()
    assert [record for record in ours if record.name == "apprise"] == []
    for text in (*(record.getMessage() for record in ours), printed.out, printed.err):
        assert "wojcik" not in text
        assert "lukasz" not in text
        assert "Bewohnerparkausweis" not in text


def test_what_others_send_through_apprise_is_logged_as_ever(caplog):
    logging.getLogger("apprise").warning("an alert to the admin")

    assert "an alert to the admin" in caplog.text


def test_letters_sent_side_by_side_each_get_their_own_answer(inbox):
    closed = free_port()

    def send(number: int) -> str:
        port = closed if number % 2 else inbox.port
        try:
            return hand_over(a_parcel(f"l-{number}"), f"mailto://127.0.0.1:{port}").reference
        except ChannelUnavailable as error:
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(24)))

    assert answers == [
        f"channel.smtp_unreachable l-{number}"
        if number % 2
        else f"<l-{number}@musterstadt.example>"
        for number in range(24)
    ]
    assert len(inbox.received) == 12


def test_of_many_letters_one_that_cannot_leave_stops_no_other(inbox):
    parcels = [a_parcel("l-1"), a_parcel("l-2", recipient="nobody"), a_parcel("l-3")]

    first, second, third = hand_over_many(parcels, f"mailto://127.0.0.1:{inbox.port}")

    assert isinstance(first, HandedOver)
    assert isinstance(second, ChannelRefused)
    assert isinstance(third, HandedOver)
    assert len(inbox.received) == 2


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Self-made, for 127.0.0.1; certificate and key in one file."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "30"]
    try:
        subprocess.run(
            [*request, "-nodes", "-keyout", path, "-out", f"{path}.crt", *names],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("no openssl here to make a certificate with")
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


def test_a_letter_leaves_over_starttls_after_logging_in(tls, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    logins = []

    def authenticate(server, session, envelope, mechanism, data: LoginPassword) -> AuthResult:
        logins.append((data.login, data.password))
        return AuthResult(success=True)

    with mail_server(
        tls_context=tls, require_starttls=True, auth_required=True, authenticator=authenticate
    ) as inbox:
        hand_over(
            a_parcel(), f"mailtos://parken%40musterstadt.example:p%40ss%25w@127.0.0.1:{inbox.port}"
        )

    assert len(inbox.received) == 1
    assert logins == [(b"parken@musterstadt.example", b"p@ss%w")]


def test_a_letter_leaves_over_tls_from_the_first_byte(tls, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    with mail_server(ssl_context=tls) as inbox:
        hand_over(a_parcel(), f"mailtos://127.0.0.1:{inbox.port}?mode=ssl")

    assert len(inbox.received) == 1


@pytest.mark.parametrize("mode", ["starttls", "ssl"])
def test_a_server_with_a_certificate_nobody_vouches_for_gets_nothing(tls, mode):
    options = {"tls_context": tls} if mode == "starttls" else {"ssl_context": tls}
    with mail_server(**options) as inbox, pytest.raises(ChannelUnavailable) as unavailable:
        hand_over(a_parcel(), f"mailtos://127.0.0.1:{inbox.port}?mode={mode}", timeout=5)

    assert unavailable.value.code == "channel.smtp_tls"
    assert inbox.received == []


def test_a_municipality_may_accept_its_own_certificate(tls):
    with mail_server(tls_context=tls, require_starttls=True) as inbox:
        hand_over(a_parcel(), f"mailtos://127.0.0.1:{inbox.port}?verify=no")

    assert len(inbox.received) == 1


def test_where_tls_was_asked_for_and_is_not_offered_nothing_leaves(inbox):
    with pytest.raises(ChannelUnavailable) as unavailable:
        hand_over(a_parcel(), f"mailtos://user:secret@127.0.0.1:{inbox.port}")

    assert unavailable.value.code == "channel.smtp_tls"
    assert inbox.received == []
