"""One SMTP dialogue, in which every failure says whether the letter may have left.

smtplib alone cannot tell: it raises the same `SMTPServerDisconnected` before the message, within it
and while waiting for the answer to its last line. Up to that last line nothing has been accepted
(RFC 5321 4.2.5); after it, without an answer, nobody knows.
"""

import contextlib
import io
import re
import smtplib
import socket
import ssl
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

from tasks.errors import AntragslosError, ChannelRefused, ChannelUnavailable, ChannelUncertain

_AUTH_CODES = {530, 534, 535, 538}
_WHOLE = 3  # times the timeout of one answer: all of them together, up to the letter's last line
_BYE = 0.25  # seconds: the letter is taken, and the answer to QUIT changes nothing


@dataclass(frozen=True)
class Server:
    """`tls`: `none`, `starttls` or `ssl`. Timeouts in seconds, each for one whole answer."""

    host: str
    port: int
    tls: str
    verify: bool
    user: str
    password: str
    timeout: float
    reply_timeout: float  # for the answer to the whole message: servers scan before they accept


@dataclass(frozen=True)
class Envelope:
    letter_id: str
    message_id: str
    sender: str
    recipient: str
    message: bytes  # lines end in CRLF


class _Answers(io.RawIOBase):
    """What the server says, until a moment. A socket's own timeout begins anew with each byte, so a
    server that sends one now and then would be waited for for ever."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.ends = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        return self._sock.recv_into(buffer)


@cache
def _our_name() -> str:
    """As servers are told it. A resolver that hangs is waited for once, and not for each letter."""
    return smtplib.SMTP().local_hostname


class _Dialogue(smtplib.SMTP):
    """Each answer within its time, and all of them together within theirs."""

    def __init__(self, host: str, port: int, timeout: float, **tls: Any) -> None:
        self._one, self._ends = timeout, time.monotonic() + _WHOLE * timeout
        super().__init__(host, port, _our_name(), timeout=timeout, **tls)

    def wait(self, seconds: float) -> None:
        """That long, from now on, for what is still to be said."""
        self._one, self._ends = seconds, time.monotonic() + seconds

    def getreply(self) -> tuple[int, bytes]:
        assert self.sock is not None
        if self.file is None:  # also after STARTTLS, with its other socket
            self._answers = _Answers(self.sock)
            self.file = io.BufferedReader(self._answers)
        self._answers.ends = min(self._ends, time.monotonic() + self._one)
        try:
            return super().getreply()
        finally:
            if self.sock is not None:
                self.sock.settimeout(self.timeout)


class _TlsDialogue(_Dialogue, smtplib.SMTP_SSL):
    """The same within TLS."""


def transmit(server: Server, envelope: Envelope) -> None:
    """Raises ChannelUnavailable, ChannelRefused or ChannelUncertain."""
    smtp = _connect(server, envelope.letter_id)
    with contextlib.closing(smtp):
        _log_in(smtp, server, envelope.letter_id)
        _send_message(smtp, envelope)
        _await_acceptance(smtp, server, envelope.letter_id)
        smtp.wait(_BYE)
        with contextlib.suppress(OSError):
            smtp.quit()


def greet(server: Server) -> None:
    """Connects and logs in without a letter; raises ChannelUnavailable or ChannelRefused."""
    with contextlib.closing(_connect(server, "")) as smtp:
        _log_in(smtp, server, "")
        with contextlib.suppress(OSError):
            smtp.quit()


def _connect(server: Server, letter_id: str) -> _Dialogue:
    target = server.host, server.port
    try:
        if server.tls == "ssl":
            context = _tls_context(server)
            return _TlsDialogue(*target, server.timeout, context=context)
        smtp = _Dialogue(*target, server.timeout)
        if server.tls == "starttls":
            _start_tls(smtp, _tls_context(server))
    except (ssl.SSLError, smtplib.SMTPNotSupportedError) as error:
        raise ChannelUnavailable("channel.smtp_tls", letter_id, str(error)) from None
    except smtplib.SMTPResponseException as error:
        reply = error.smtp_code, error.smtp_error
        raise _failure(reply, "channel.server_refused", letter_id) from None
    except (OSError, UnicodeError) as error:  # smtplib's own errors are OSErrors
        raise ChannelUnavailable("channel.smtp_unreachable", letter_id, str(error)) from None
    return smtp


def _tls_context(server: Server) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not server.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _start_tls(smtp: smtplib.SMTP, context: ssl.SSLContext) -> None:
    try:
        smtp.starttls(context=context)
    except BaseException:
        smtp.close()
        raise


def _log_in(smtp: smtplib.SMTP, server: Server, letter_id: str) -> None:
    try:
        smtp.ehlo_or_helo_if_needed()
        if server.user and server.password:
            smtp.login(server.user, server.password)
    except smtplib.SMTPHeloError as error:
        reply = error.smtp_code, error.smtp_error
        raise _failure(reply, "channel.server_refused", letter_id) from None
    except smtplib.SMTPResponseException as error:
        reply = error.smtp_code, error.smtp_error
        raise _failure(reply, "channel.auth_failed", letter_id) from None
    except smtplib.SMTPServerDisconnected as error:
        raise ChannelUnavailable("channel.smtp_unreachable", letter_id, str(error)) from None
    except (smtplib.SMTPException, UnicodeError) as error:  # no way to log in that both know
        raise ChannelRefused("channel.auth_failed", letter_id, str(error)) from None
    except OSError as error:
        raise ChannelUnavailable("channel.smtp_unreachable", letter_id, str(error)) from None


def _send_message(smtp: smtplib.SMTP, envelope: Envelope) -> None:
    """Up to and with the last line. Whatever fails in here: the server holds no whole message."""
    letter_id = envelope.letter_id
    size = [f"size={len(envelope.message)}"] if smtp.has_extn("size") else []
    try:
        _expect(2, smtp.mail(envelope.sender, size), "channel.sender_refused", letter_id)
        _expect(2, smtp.rcpt(envelope.recipient), "channel.recipient_refused", letter_id)
        _expect(3, smtp.docmd("DATA"), "channel.message_refused", letter_id)
        smtp.send(re.sub(rb"(?m)^\.", b"..", envelope.message) + b".\r\n")
    except OSError as error:
        raise ChannelUnavailable("channel.smtp_unreachable", letter_id, str(error)) from None


def _await_acceptance(smtp: _Dialogue, server: Server, letter_id: str) -> None:
    smtp.wait(server.reply_timeout)
    try:
        reply = smtp.getreply()
    except OSError as error:
        raise ChannelUncertain("channel.uncertain", letter_id, str(error)) from None
    if reply[0] // 100 not in (2, 4, 5):
        raise ChannelUncertain("channel.uncertain", letter_id, _text(reply))
    _expect(2, reply, "channel.message_refused", letter_id)


def _expect(kind: int, reply: tuple[int, bytes], refused: str, letter_id: str) -> None:
    if reply[0] // 100 != kind:
        raise _failure(reply, refused, letter_id)


def _failure(reply: tuple[int, bytes | str], refused: str, letter_id: str) -> AntragslosError:
    """4xx, and what is no SMTP at all, may pass by itself; 5xx does not."""
    code = reply[0]
    if code // 100 != 5:
        return ChannelUnavailable("channel.smtp_temporary", letter_id, _text(reply))
    if code in _AUTH_CODES:
        refused = "channel.auth_failed"
    elif code == 552 and refused == "channel.sender_refused":  # SIZE: too large (RFC 1870)
        refused = "channel.message_refused"
    return ChannelRefused(refused, letter_id, _text(reply))


def _text(reply: tuple[int, bytes | str]) -> str:
    code, text = reply
    return f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"
