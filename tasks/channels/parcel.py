"""What is handed to a channel, and what comes back."""

import re
from dataclasses import dataclass, field
from datetime import date

from tasks.errors import ChannelRefused

# It becomes a file name, a Message-ID and the name of an attachment.
_LETTER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


@dataclass(frozen=True)
class Parcel:
    """One letter in all its forms. `repr` shows no personal data.

    `created` is the day the letter was stored, the same each time it is handed over: it names the
    spool's manifest, in which a repeated letter is recognised.
    """

    letter_id: str
    municipality: str
    created: date
    pages: int
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    pdf: bytes = field(repr=False)
    recipient: str = field(repr=False)  # e-mail address; empty for post
    sender_name: str = field(repr=False)
    sender_address: str = field(repr=False)
    reply_to: str = field(repr=False)  # e-mail address; empty: none

    def __post_init__(self) -> None:
        if not _LETTER_ID.fullmatch(self.letter_id):
            raise ChannelRefused("channel.bad_parcel", detail="letter_id is not a plain id")

    @property
    def kind(self) -> str:
        """What it is called: only a Bescheid instructs on objections (VwVfG § 37 Abs. 6)."""
        return "Bescheid" if "\nRechtsbehelfsbelehrung\n" in self.text else "Schreiben"


@dataclass(frozen=True)
class HandedOver:
    """`already`: an earlier call had handed it over. `reference`: Message-ID or file name."""

    channel: str  # "email" | "print"
    already: bool
    reference: str
