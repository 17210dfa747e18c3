"""A parcel as an e-mail message: our text, our HTML, and the letter as PDF.

The older classes of `email` on purpose: in Python 3.11 the newer `EmailMessage` loses blanks where
it folds a long header with umlauts.
"""

from datetime import datetime
from email.charset import QP, Charset
from email.header import Header
from email.message import Message
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr
from typing import Any

from tasks.channels.address import split_address
from tasks.channels.dialogue import Envelope
from tasks.channels.parcel import Parcel
from tasks.errors import ChannelRefused

_POLICY = compat32.clone(linesep="\r\n")
_UTF8 = Charset("utf-8")
_UTF8.body_encoding = QP


def enveloped(parcel: Parcel, now: datetime) -> Envelope:
    """`now` is the moment of sending: `Date` is a fact of transport, not of the decision."""
    sender = _address(parcel, parcel.sender_address, "channel.bad_sender")
    recipient = _address(parcel, parcel.recipient, "channel.bad_recipient")
    # The same letter always has the same Message-ID, so that mail systems see a duplicate as one.
    message_id = f"<{parcel.letter_id}@{sender.partition('@')[2]}>"
    try:
        message = _parts(parcel)
        message["From"] = _mailbox(one_line(parcel.sender_name), sender)
        message["To"] = recipient
        if parcel.reply_to:
            message["Reply-To"] = _address(parcel, parcel.reply_to, "channel.bad_sender")
        message["Subject"] = _header(one_line(parcel.subject))
        message["Date"] = format_datetime(now)
        message["Message-ID"] = message_id
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies, please
        message["Content-Language"] = "de"
        content = message.as_bytes(policy=_POLICY)
    except UnicodeError:  # half a character
        raise ChannelRefused("channel.bad_parcel", parcel.letter_id) from None
    return Envelope(parcel.letter_id, message_id, sender, recipient, content)


def one_line(text: str) -> str:
    """Without line breaks and control characters, with which a header could be smuggled in."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _parts(parcel: Parcel) -> "Message[Any, Any]":
    text = MIMEText(parcel.text, "plain", _UTF8)  # type: ignore[arg-type]  # takes a Charset too
    html = MIMEText(parcel.html, "html", _UTF8)  # type: ignore[arg-type]
    pdf = MIMEApplication(parcel.pdf, "pdf")
    name = f"{parcel.kind}-{parcel.letter_id}.pdf"
    pdf.add_header("Content-Disposition", "attachment", filename=name)
    return MIMEMultipart(_subparts=[MIMEMultipart("alternative", _subparts=[text, html]), pdf])


def _mailbox(name: str, address: str) -> Header:
    if _is_plain(name):
        return Header(formataddr((name, address)), header_name="From")
    header = Header(name, "utf-8", header_name="From")
    header.append(f"<{address}>", "us-ascii")
    return header


def _header(text: str) -> Header:
    return Header(text, "us-ascii" if _is_plain(text) else "utf-8", header_name="Subject")


def _is_plain(text: str) -> bool:
    """Not what a reader would take for encoded text: it could hide a line break from us."""
    return text.isascii() and "=?" not in text


def _address(parcel: Parcel, text: str, code: str) -> str:
    parts = split_address(text)
    if parts is None:
        raise ChannelRefused(code, parcel.letter_id)
    return "@".join(parts)
