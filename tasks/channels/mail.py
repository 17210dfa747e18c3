"""E-mail through Apprise: its `mailto://` and `mailtos://` addresses, our message.

Apprise's own plugin makes the text from the HTML or the HTML from the text, gives every message a
new Message-ID, and does not say why it failed. Ours keeps its reading of the address, including the
settings of well-known providers, and replaces the sending. Only the SMTP server is contacted.
"""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from apprise.plugins.email import NotifyEmail

from tasks.channels import dialogue, message
from tasks.channels.outlet import Job
from tasks.channels.parcel import HandedOver, Parcel
from tasks.errors import AntragslosError, ChannelRefused

SCHEMES = frozenset({"mailto", "mailtos"})

# Apprise knows more. They would add recipients or headers, fetch keys from elsewhere, or (`retry`)
# send a letter again after an error that does not say whether it has left.
_OPTIONS = {"smtp", "mode", "verify"}
# What may stand in a user or password as it is, beside what is percent-encoded.
_PLAIN = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})*")
_ENCODE = (
    "in user and password every character but letters, digits and - . _ ~ is written as % and the"
    " digits of its UTF-8: @ as %40, : as %3A, / as %2F, # as %23, % as %25, ü as %C3%BC"
)
_TLS = {"insecure": "none", "starttls": "starttls", "ssl": "ssl"}


class LetterMail(NotifyEmail):  # type: ignore[no-untyped-call]
    service_name = "Letter by e-mail"
    request_rate_per_sec = 0  # the outbox decides the pace

    def __init__(self, job: Job, **settings: Any) -> None:
        super().__init__(**settings)  # type: ignore[no-untyped-call]
        self.job = job

    def send(self, *_: Any, **__: Any) -> bool:
        for parcel in self.job.parcels:
            try:
                self.job.results.append(self._send(parcel))
            except AntragslosError as error:
                self.job.results.append(error)
        return self.job.succeeded()

    def probe(self) -> None:
        dialogue.greet(self._server())

    def _send(self, parcel: Parcel) -> HandedOver:
        envelope = message.enveloped(parcel, datetime.now(UTC))
        dialogue.transmit(self._server(), envelope)
        return HandedOver("email", already=False, reference=envelope.message_id)

    def _server(self) -> dialogue.Server:
        return dialogue.Server(
            host=self.smtp_host,
            port=int(self.port or 0),
            tls=_TLS[str(self.secure_mode)],
            verify=self.verify_certificate,
            user=self.user or "",
            password=self.password or "",
            timeout=self.job.timeout,
            reply_timeout=self.job.reply_timeout,
        )


def plugin(url: str, job: Job, **asset: Any) -> LetterMail:
    """Raises ChannelRefused where the address names no mail server, or more than that."""
    unwanted = _unwanted(url)
    settings = None if unwanted else NotifyEmail.parse_url(url)  # type: ignore[no-untyped-call]
    if not settings or not (settings["host"] or settings["smtp_host"]):
        raise ChannelRefused("channel.bad_url", detail=unwanted or "no mail server in the address")
    read = [settings["user"] or "", settings["password"] or ""]
    if ":".join(read).rstrip(":") != _login(url).rstrip(":"):  # it would log in as somebody else
        raise ChannelRefused("channel.bad_url", detail=_ENCODE)
    # Apprise wants a sender and a recipient here already; each letter names its own.
    settings |= {"from_addr": "letters@example.org", "targets": []}
    try:
        return LetterMail(job, **settings, **asset)
    except TypeError as error:
        raise ChannelRefused("channel.bad_url", detail=str(error)) from None


def _unwanted(url: str) -> str:
    """What in the address does not belong there, or an empty text."""
    if not all(map(_PLAIN.fullmatch, _login(url).split(":", 1))):
        return _ENCODE
    try:
        parts = urlsplit(url)
        port_is_given = parts.port is not None or not parts.netloc.endswith(":")
    except ValueError:  # its text quotes what it takes for the port: often half a password
        return "host or port cannot be read; is the password percent-encoded?"
    if not port_is_given:
        return "the port is missing"
    if parts.path.strip("/") or parts.fragment:
        return "recipients come from the letters"
    options = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)} - _OPTIONS
    return f"not allowed here: {', '.join(sorted(options))}" if options else ""


def _login(url: str) -> str:
    """User and password; also where a character in them makes the rest look like something else."""
    rest = url.partition("://")[2]
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    return (authority if "@" in authority else rest).rpartition("@")[0]
