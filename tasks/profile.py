"""A municipality's profile: `profile.toml` in its folder, all its problems reported at once."""

import re
import tomllib
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from tasks.domain.service import Gate, LegalMode, Service
from tasks.errors import ProfileInvalid
from tasks.services import all_services

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
Text = Annotated[str, Field(min_length=1)]


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
    privacy_notice: Text  # Art. 13, 14 DSGVO
    contact: Text


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

    name: Text
    address: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]
    reply_to: str = ""


class ServicePart(BaseModel):
    """A service's switch and legal gate. What is left over are the service's own parameters."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    enabled: bool = False
    legal_mode: LegalMode = LegalMode.CLERK
    automation_norm: str | None = None  # None: the service's own norm; "": no norm, clerk decides
    legal_basis_ref: str = ""  # the approval that BMG § 37 asks for
    zones: str = ""  # file of the area list, in the municipality's folder


class Profile(_Part):
    name: Text
    ags: Annotated[str, Field(pattern=r"^\d{8}$")]
    timezone: str = "Europe/Berlin"
    test_mode: bool = True
    permits_url: str = ""  # default: SQLite in the municipality's folder
    letterhead: Letterhead
    texts: Texts
    sender: Sender
    quiet_hours: QuietHours = QuietHours()
    services: dict[str, ServicePart] = {}

    @model_validator(mode="after")
    def _timezone_exists(self) -> Self:
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            raise ValueError("timezone is not a known name such as Europe/Berlin") from None
        return self


@dataclass(frozen=True)
class EnabledService:
    service: Service
    parameters: Any  # an instance of service.parameters
    gate: Gate
    area_file: str


def load_profile(path: Path) -> Profile:
    """Raises ProfileInvalid with every problem found: file, key and reason, never a value."""
    municipality = path.parent.name
    try:
        return Profile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ProfileInvalid(municipality, [f"{path} does not exist"]) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = type(error).__name__
        raise ProfileInvalid(municipality, [f"{path} cannot be read: {reason}"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ProfileInvalid(municipality, [f"{path} is not TOML: {error}"]) from None
    except ValidationError as error:
        raise ProfileInvalid(municipality, _problems(error)) from None


def enabled_services(profile: Profile, municipality: str) -> list[EnabledService]:
    """The services that this municipality has switched on, with their parameters."""
    known = all_services()
    problems, enabled = [], []
    for name, part in profile.services.items():
        service = known.get(name)
        if service is None:
            problems.append(f"services.{name}: no such service; there are {', '.join(known)}")
            continue
        extra = part.model_extra or {}
        try:
            adapter = TypeAdapter(service.parameters)
            unknown = extra.keys() - service.parameters.__dataclass_fields__.keys()
            problems += [f"services.{name}.{key}: no such parameter" for key in sorted(unknown)]
            parameters = adapter.validate_python(
                {key: value for key, value in extra.items() if key not in unknown}
            )
        except ValidationError as error:
            problems += [f"services.{name}.{line}" for line in _problems(error)]
            continue
        if part.enabled:
            norm = service.automation_norm
            norm = part.automation_norm if part.automation_norm is not None else norm
            gate = Gate(norm, part.legal_mode, part.legal_basis_ref)
            enabled.append(EnabledService(service, parameters, gate, part.zones))
    if problems:
        raise ProfileInvalid(municipality, problems)
    return enabled


def _problems(error: ValidationError) -> list[str]:
    return [
        f"{'.'.join(str(part) for part in item['loc']) or 'profile'}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)
    ]
