"""E-mail through Apprise: its `mailto://` and `mailtos://` addresses, our message.

Apprise's own plugin makes the text from the HTML or the HTML from the text, gives every message a
new Message-ID, and does not say why it failed. Ours keeps its reading of the address, including the
settings of well-known providers, and replaces the sending. Only the SMTP server is contacted.
"""

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
    # Apprise wants a sender and a recipient here already; each letter names its own.
    settings |= {"from_addr": "letters@example.org", "targets": []}
    try:
        return LetterMail(job, **settings, **asset)
    except TypeError as error:
        raise ChannelRefused("channel.bad_url", detail=str(error)) from None


def _unwanted(url: str) -> str:
    """What in the address does not belong there, or an empty text."""
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
