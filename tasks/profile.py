"""A municipality's profile: `profile.toml` in its folder, all its problems reported at once."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
)
from pydantic_core import ErrorDetails

from tasks.domain import privacy_notice
from tasks.domain.service import Gate, LegalMode, Service
from tasks.errors import ProfileInvalid
from tasks.files import NotAFile, is_plain, read_own
from tasks.services import all_services

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
AGS = r"^[0-9]{8}$"
AREA_LISTS = (".txt", ".json")
ADDRESS = r"^[^@\s]+@[^@\s]+$"
ONE_LINE = r"^[^\r\n]*$"
IN_WORDS = {AGS: "eight digits", ADDRESS: "an e-mail address", ONE_LINE: "one line"}
# No control characters but the end of a line, and none that turn text round.
_SEEN = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*")
_UNSEEN = "has a character that nobody can see"
Text = Annotated[str, Field(min_length=1)]
OneLine = Annotated[str, Field(min_length=1, pattern=ONE_LINE)]


def _beside_the_profile(name: str) -> str:
    """Not the profile, nor a register: an error quotes what it cannot read of an area list."""
    if name and not (is_plain(name) and Path(name).suffix.lower() in AREA_LISTS):
        raise ValueError(f"the name of a file in this folder, {' or '.join(AREA_LISTS)}; no path")
    return name


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Letterhead(_Part):
    """Who writes: VwVfG § 37 Abs. 3 wants the issuing authority to be seen."""

    authority: Text
    department: str = ""
    street: Text
    postcode_town: Text
    phone: str = ""
    email: str = ""
    website: str = ""
    place: Text


class Texts(_Part):
    """Text blocks of the authority, tested by its lawyers, printed word for word."""

    legal_remedy: Text  # Rechtsbehelfsbelehrung, VwGO §§ 58, 70
    look_again_on: date = date(2026, 12, 31)  # at legal_remedy: the law of forms changes
    privacy_notice: Text  # Art. 13, 14 DSGVO; {objection_days} …: filled from [retention]
    contact: Text
    signed_by: Text  # VwVfG § 37 Abs. 3 Satz 1, where no clerk's own name is known


class QuietHours(_Part):
    """No e-mail leaves between these times; post does not wait."""

    start: time = time(21)
    end: time = time(6)

    def cover(self, moment: time) -> bool:
        if self.start == self.end:
            return False
        if self.start < self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


class Sender(_Part):
    """What residents see as sender of an e-mail. The server itself is an installation's setting."""

    name: OneLine
    address: Annotated[str, Field(pattern=ADDRESS)]
    reply_to: Annotated[str, Field(pattern=ONE_LINE)] = ""


class Retention(_Part):
    """Days for which personal data is kept. What the law says: see the template."""

    objection_days: Annotated[int, Field(ge=35)] = 400  # what was carried out or told to a resident
    nothing_done_days: Annotated[int, Field(ge=1)] = 90  # declined, overtaken, no service concerned
    held_back_days: Annotated[int, Field(ge=1)] = 30  # letters of test mode
    gone_person_days: Annotated[int, Field(ge=1)] = 400  # the mirror of who died or moved away
    delivery_files_days: Annotated[int, Field(ge=1)] = 30  # done/, rejected/, receipts/
    quarantine_days: Annotated[int, Field(ge=1)] = 180  # records that could not be read


class Review(_Part):
    """How clerks answer questions."""

    four_eyes: bool = False  # a second clerk must agree, on the clerks' page: not in Prefect's form
    prefect_form: bool = True  # questions may be answered in Prefect's form, too


class Channels(_Part):
    """When a channel is left for the rest of a run: its letters wait and leave with a later one."""

    give_up_after: Annotated[int, Field(ge=1)] = 3  # letters in a row that did not leave
    timeout_seconds: Annotated[float, Field(gt=0)] = 10  # for one answer of the mail server
    answer_seconds: Annotated[float, Field(gt=0)] = 60  # for the answer to a whole e-mail
    run_seconds: Annotated[float, Field(gt=0)] = 600  # all letters of one run and channel


class ServicePart(BaseModel):
    """A service's switch and legal gate. What is left over are the service's own parameters."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    enabled: bool = False
    legal_mode: LegalMode = LegalMode.CLERK
    automation_norm: str | None = None  # None: the service's own norm; "": no norm, clerk decides
    legal_basis_ref: str = ""  # the approval that BMG § 37 asks for
    look_back_days: Annotated[int, Field(ge=0, le=3650)] = 0  # when it is switched on
    # File of the area list, in the municipality's folder.
    zones: Annotated[str, AfterValidator(_beside_the_profile)] = ""
    zones_cover: tuple[Text, ...] = ()  # Ortsteile and postcodes that the whole list holds for


class Profile(_Part):
    name: Text
    ags: Annotated[str, Field(pattern=AGS)]
    timezone: str = "Europe/Berlin"
    test_mode: bool = True
    permits_url: str = ""  # default: SQLite in the municipality's folder
    letterhead: Letterhead
    texts: Texts
    sender: Sender
    quiet_hours: QuietHours = QuietHours()
    review: Review = Review()
    channels: Channels = Channels()
    retention: Retention = Retention()
    services: dict[str, ServicePart] = {}

    @field_validator("timezone")
    @classmethod
    def _timezone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError("not a known name such as Europe/Berlin") from None
        return name


@dataclass(frozen=True)
class EnabledService:
    service: Service
    parameters: Any  # an instance of service.parameters
    gate: Gate
    area_file: str
    area_cover: tuple[str, ...] = ()
    look_back_days: int = 0


def load_profile(path: Path) -> Profile:
    """Raises ProfileInvalid with every problem found: file, key and reason, never a value."""
    municipality = path.parent.name
    try:
        raw = tomllib.loads(read_own(path.parent, path.name).decode())
    except FileNotFoundError:
        raise ProfileInvalid(municipality, [f"{path} does not exist"]) from None
    except NotAFile as error:
        raise ProfileInvalid(municipality, [f"{path}: {error}"]) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = type(error).__name__
        raise ProfileInvalid(municipality, [f"{path} cannot be read: {reason}"]) from None
    except (ValueError, RecursionError) as error:  # also a number of 5,000 digits
        raise ProfileInvalid(municipality, [f"{path} is not TOML: {error}"]) from None
    if unseen := list(_unseen(raw)):
        raise ProfileInvalid(municipality, unseen)
    try:
        profile = Profile.model_validate(raw)
    except ValidationError as error:
        problems = _problems(error) + _parameter_problems(raw.get("services"))
        raise ProfileInvalid(municipality, problems) from None
    texts, periods = profile.texts, profile.retention.model_dump()
    try:
        notice = privacy_notice.filled(texts.privacy_notice, periods)
    except KeyError as error:
        known = ", ".join(f"{{{name}}}" for name in periods)
        problem = f"texts.privacy_notice: {{{error.args[0]}}} is none of {known}"
        raise ProfileInvalid(municipality, [problem]) from None
    return profile.model_copy(update={"texts": texts.model_copy(update={"privacy_notice": notice})})


def enabled_services(profile: Profile, municipality: str) -> list[EnabledService]:
    """The services that this municipality has switched on, with their parameters."""
    problems, enabled = [], []
    for name, part in profile.services.items():
        parameters, wrong = _parameters(name, part.model_extra or {})
        problems += wrong
        if part.enabled and not wrong:
            service = all_services()[name]
            problems += [f"services.{name}.{what}" for what in service.unsaid(parameters)]
            norm = service.automation_norm
            norm = part.automation_norm if part.automation_norm is not None else norm
            gate = Gate(norm, part.legal_mode, part.legal_basis_ref)
            enabled.append(
                EnabledService(
                    service,
                    parameters,
                    gate,
                    part.zones,
                    part.zones_cover,
                    part.look_back_days,
                )
            )
    if problems:
        raise ProfileInvalid(municipality, problems)
    return enabled


@cache
def _reader(service: str) -> TypeAdapter[Any]:
    """Made once a service: that takes longer than to read a whole profile."""
    return TypeAdapter(all_services()[service].parameters)


def _parameters(name: str, given: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """The service's own parameters, and every problem with them."""
    known = all_services()
    if name not in known:
        return None, [f"services.{name}: no such service; there are {', '.join(known)}"]
    kind = known[name].parameters
    fields = kind.__dataclass_fields__
    problems = [
        f"services.{name}.{key}: no such parameter" for key in sorted(given) if key not in fields
    ]
    values = {key: value for key, value in given.items() if key in fields}
    try:
        return _reader(name).validate_python(values), problems
    except ValidationError as error:
        return None, problems + [f"services.{name}.{line}" for line in _problems(error)]


def _parameter_problems(services: object) -> list[str]:
    """Of services as they stand in the file, where the profile as a whole is not valid."""
    parts = services.items() if isinstance(services, dict) else ()
    own = ServicePart.model_fields
    return [
        problem
        for name, part in parts
        if isinstance(part, dict)
        for problem in _parameters(name, {key: part[key] for key in part if key not in own})[1]
    ]


def _problems(error: ValidationError) -> list[str]:
    return [
        f"{'.'.join(str(part) for part in item['loc']) or 'profile'}: {_in_words(item)}"
        for item in error.errors(include_url=False, include_input=False)
    ]


def _in_words(item: ErrorDetails) -> str:
    if item["type"] == "string_too_short" and item["ctx"]["min_length"] == 1:
        return "must be filled in"
    if item["type"] == "string_pattern_mismatch":
        return IN_WORDS.get(item["ctx"]["pattern"], item["msg"])
    if item["type"] == "unexpected_keyword_argument":
        return "no such parameter"
    return item["msg"].removeprefix("Value error, ")


def _unseen(value: object, key: str = "") -> Iterator[str]:
    """Keys whose text holds what nobody sees: it would write to an administrator's terminal, turn a
    sentence round or end an e-mail's header."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name.isprintable():
                yield from _unseen(inner, f"{key}.{name}" if key else name)
            else:
                yield f"{key or 'profile'}: {_UNSEEN}"
    elif isinstance(value, list):
        for inner in value:
            yield from _unseen(inner, key)
    elif isinstance(value, str) and not _SEEN.fullmatch(value):
        yield f"{key}: {_UNSEEN}"
