"""Every error of ours, split by what the caller should do.

    AntragslosError           carries a stable code; its text is that code and opaque ids, no more
    ├─ TemporaryError         try again: something is out of reach
    │  ├─ StateUnavailable
    │  ├─ RegistryUnavailable
    │  ├─ RecordsUnavailable
    │  ├─ ChannelUnavailable
    │  ├─ SpoolFull
    │  └─ MunicipalityBusy
    └─ PermanentError         a person must look; never retried by itself
       ├─ DeliveryRejected    the whole delivery; its number stays due
       │  └─ CutShort         it ends too early; the rest may still be on its way
       ├─ RecordRejected      one record of a delivery; the rest goes on
       ├─ SettingsInvalid     all problems at once
       ├─ ProfileInvalid      all problems at once
       ├─ ZoneListInvalid     an entry that cannot be read, quoted
       ├─ RecordConflict      the municipal record is not what the decision was made on
       ├─ RegisterRefused     this database is no register of this municipality
       ├─ LetterIncomplete    a variable or a template is missing
       ├─ ChannelRefused      the address or our credentials were refused
       ├─ ChannelUncertain    the letter may have left; never repeated by itself
       └─ ReplyRefused        a resident's link or code is not valid

Prefect stores the text of every exception in six places. So `str()` of ours is code and opaque ids;
what a person at a shell needs beyond that is in `detail`, which no flow ever logs.
"""


class AntragslosError(Exception):
    """`code` is stable and dotted (`registry.number_gap`); `ref` an opaque id or a position."""

    def __init__(self, code: str, ref: str = "", detail: str = "") -> None:
        super().__init__(f"{code} {ref}".strip())
        self.code = code
        self.ref = ref
        self.detail = detail

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions are rebuilt from `args`, which is the joined text; code and ref would be lost.
        return (type(self), (self.code, self.ref))


# For a person at a shell who has mistyped.
NO_CASE = "No case has this id; `antragslos cases` lists those that there are."


class TemporaryError(AntragslosError):
    """Try again later; nothing was lost."""


class StateUnavailable(TemporaryError):
    """Our own database cannot be opened."""


class RegistryUnavailable(TemporaryError):
    """The inbox cannot be read."""


class RecordsUnavailable(TemporaryError):
    """The municipal system does not answer."""


class ChannelUnavailable(TemporaryError):
    """The mail server or the print spool cannot be reached right now."""


class SpoolFull(ChannelUnavailable):
    """No room left where letters are put."""


class MunicipalityBusy(TemporaryError):
    """Another process works on this municipality."""


class PermanentError(AntragslosError):
    """A person must look; trying again alone changes nothing."""


class DeliveryRejected(PermanentError):
    """The whole delivery is refused; its number stays due and can be delivered again."""


class CutShort(DeliveryRejected):
    """The file ends too early. Where somebody is still writing, the rest comes."""


class RecordRejected(PermanentError):
    """One record is quarantined; the rest of the delivery goes on."""


class ProfileInvalid(PermanentError):
    """`problems` holds every problem found, one sentence each."""

    def __init__(self, ref: str, problems: list[str]) -> None:
        super().__init__("profile.invalid", ref, "\n".join(problems))
        self.problems = problems

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.ref, []))


class SettingsInvalid(PermanentError):
    """The environment or `.env` says something unusable; `detail` names each setting."""


class ZoneListInvalid(PermanentError):
    """`entries` holds every entry that cannot be read, as written; `how` to write some of them."""

    def __init__(self, entries: list[str], how: dict[str, str] | None = None) -> None:
        super().__init__("zones.unreadable_entry", detail="\n".join(entries))
        self.entries = entries
        self.how = how or {}

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.entries, self.how))


class RecordConflict(PermanentError):
    """The record in the municipal system is not what the decision was made on."""


class RegisterRefused(PermanentError):
    """The database that a profile names is not allowed, another town's, or no register at all."""


class LetterIncomplete(PermanentError):
    """A template, or a variable that it needs, is missing."""


class ChannelRefused(PermanentError):
    """The recipient or our credentials were refused for good."""


class ChannelUncertain(PermanentError):
    """The letter may have been handed over: a person decides whether it goes out again."""


class ReplyRefused(PermanentError):
    """A link or a code of a letter is forged, mistyped, expired or for something else."""
