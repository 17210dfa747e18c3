"""One municipality, opened: its profile and the parts that the steps work with."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path

from tasks.channels import check_url
from tasks.domain import privacy_notice, remedy
from tasks.domain.service import LegalMode
from tasks.errors import (
    AntragslosError,
    ChannelRefused,
    LetterIncomplete,
    ProfileInvalid,
    RegisterRefused,
    ZoneListInvalid,
)
from tasks.files import LINK, strange
from tasks.letters.confined import ConfinedRenderer
from tasks.letters.render import LetterRenderer
from tasks.matching.permits import candidates_of
from tasks.matching.zone_file import parse_zone_list
from tasks.matching.zones import ZoneList
from tasks.profile import SLUG, EnabledService, Profile, enabled_services, load_profile
from tasks.records.address import URL, register_url
from tasks.records.sql import SqlPermitRegister
from tasks.settings import TEMPLATES, Settings
from tasks.state.database import Engine, open_database

PROFILE = "profile.toml"
NO_POSTCODE = "no postcode is named: a move to another one is asked about; see zones_cover"


@dataclass(frozen=True)
class Municipality:
    slug: str
    folder: Path
    profile: Profile
    services: Mapping[str, EnabledService]
    settings: Settings

    @property
    def engine(self) -> Engine:
        return open_database(self.settings.state_url)

    @property
    def test_mode(self) -> bool:
        return self.profile.test_mode

    @cached_property
    def register(self) -> SqlPermitRegister:
        """The permit system. Another is attached here; steps only know it as a PermitRegister."""
        return SqlPermitRegister(
            _register_url(self.profile, self.folder, self.settings), candidates_of, owner=self.slug
        )

    @cached_property
    def renderer(self) -> LetterRenderer:
        own = self.folder / "templates"
        # A renderer holds fonts and a compiler: hundreds of municipalities share one.
        return ConfinedRenderer([own, TEMPLATES]) if any(own.glob("*")) else _shared_renderer()

    @cached_property
    def _area_lists(self) -> dict[str, ZoneList]:
        return {}

    def areas(self, service: str) -> ZoneList | None:
        """The area list of a service, read once; raises ZoneListInvalid with each bad entry."""
        enabled = self.services[service]
        if not enabled.service.areas:
            return None
        if service not in self._area_lists:
            self._area_lists[service] = parse_zone_list(
                self.folder / enabled.area_file, enabled.area_cover
            )
        return self._area_lists[service]

    @property
    def mail_url(self) -> str:
        return self.settings.smtp_for(self.slug)

    @property
    def spool_url(self) -> str:
        return f"printspool://{(self.folder / 'spool').resolve()}"


@lru_cache(maxsize=1)
def _shared_renderer() -> LetterRenderer:
    return LetterRenderer([TEMPLATES])


_opened: dict[str, tuple[tuple[tuple[str, int], ...], Municipality]] = {}


def open_municipality(slug: str, settings: Settings) -> Municipality:
    """Read once a process and again when a file of the profile has changed."""
    if not SLUG.fullmatch(slug):
        raise ProfileInvalid(slug, ["a municipality's name is lower-case letters, digits, hyphens"])
    folder = settings.folder(slug)
    if problems := _strange(folder):
        raise ProfileInvalid(slug, problems)
    stamp = _stamp(folder)
    known = _opened.get(str(folder))
    if known and known[0] == stamp and known[1].settings is settings:
        return known[1]
    profile = load_profile(folder / PROFILE)
    services = {enabled.service.name: enabled for enabled in enabled_services(profile, slug)}
    try:
        _register_url(profile, folder, settings)
    except RegisterRefused as error:
        raise ProfileInvalid(slug, [f"permits_url: {error.detail}"]) from None
    municipality = Municipality(slug, folder, profile, services, settings)
    _opened[str(folder)] = (stamp, municipality)
    return municipality


def _register_url(profile: Profile, folder: Path, settings: Settings) -> URL:
    return register_url(profile.permits_url, folder, settings.permit_hosts)


def municipalities(settings: Settings) -> list[str]:
    """Every folder of the home that holds a profile, also one that cannot be used."""
    with suppress(FileNotFoundError), os.scandir(settings.home) as entries:
        return sorted(e.name for e in entries if os.path.lexists(os.path.join(e.path, PROFILE)))
    return []


def check_municipality(slug: str, settings: Settings) -> list[str]:
    """Every problem of profile, zone lists, templates and channels at once, one sentence each."""
    try:
        town = open_municipality(slug, settings)
    except ProfileInvalid as error:
        return error.problems
    problems = [problem for name in town.services for problem in _service_problems(town, name)]
    for name, look in (
        ("ANTRAGSLOS_DATABASE_URL", _unread_state),
        ("permits_url", _unread_permits),
    ):
        try:
            problems += look(town)
        except RegisterRefused as error:
            problems.append(f"{name}: {error.detail}")
        except Exception as error:  # whatever a wrong address leads to; its text may quote it
            problems.append(f"{name}: cannot be opened ({type(error).__name__})")
    problems += _unread_folders(town.folder / "templates")
    if not town.services:
        problems.append("services: none is switched on")
    head, texts = town.profile.letterhead, town.profile.texts
    lacks = remedy.missing_in(texts.legal_remedy, head.authority, head.street, head.postcode_town)
    problems += [f"texts.legal_remedy: does not say {what}" for what in lacks]
    lacks = privacy_notice.missing_in(
        texts.privacy_notice,
        head.authority,
        town.profile.retention.model_dump(),
        by_machine=any(
            one.gate.legal_mode is not LegalMode.CLERK for one in town.services.values()
        ),
    )
    problems += [f"texts.privacy_notice: does not say {what}" for what in lacks]
    problems += [f"ags: {other} has the same" for other in _with_ags(town) if other != slug]
    if not (town.folder / "spool").is_dir():
        problems.append(f"{town.folder / 'spool'}: the print spool's folder is missing")
    if town.mail_url:
        try:
            check_url(town.mail_url)
        except ChannelRefused as error:
            problems.append(f"ANTRAGSLOS_SMTP_URL: {error.detail}")
    return problems


def _with_ags(town: Municipality) -> Iterator[str]:
    """A delivery says by its AGS whose it is: two towns would take in the same people."""
    for other in municipalities(town.settings):
        with suppress(ProfileInvalid):
            if load_profile(town.settings.folder(other) / PROFILE).ags == town.profile.ags:
                yield other


def look_at(slug: str, settings: Settings, today: date | None = None) -> list[str]:
    """What may be meant otherwise than it is written; the town is ready all the same. With `today`,
    also what is to be looked at again.

    Nothing where something cannot be read at all: that is a problem of `check_municipality`.
    """
    with suppress(AntragslosError, OSError):
        town = open_municipality(slug, settings)
        used = town.register.zones()
        return (
            [
                f"services.{name}.zones: {text}"
                for name, areas in _lists(town).items()
                for text in (
                    *([] if areas.names_postcodes else [NO_POSTCODE]),
                    *areas.warnings(),
                    *(f"zone {zone} is on no permit" for zone in areas.zones if zone not in used),
                )
            ]
            + zones_without_list(town)
            + list(_doubts(town))
            + list(_doubts_in_texts(town, today))
        )
    return []


def _doubts_in_texts(town: Municipality, today: date | None) -> Iterator[str]:
    texts, periods = town.profile.texts, town.profile.retention.model_dump()
    again = remedy.look_again(texts.look_again_on, today) if today else ()
    for text in (*remedy.doubts_in(texts.legal_remedy), *again):
        yield f"texts.legal_remedy: {text}"
    for text in privacy_notice.doubts_in(texts.privacy_notice, periods):
        yield f"texts.privacy_notice: {text}"


def zones_without_list(town: Municipality) -> list[str]:
    """Permits are for them, and no list has them; nothing where there is no list to be read."""
    with suppress(AntragslosError, OSError):
        known = {zone for areas in _lists(town).values() for zone in areas.zones}
        return [
            f"permits: {count} for the zone „{zone}“, which no zone list has"
            for zone, count in town.register.zones().items()
            if known and zone not in known
        ]
    return []


def _doubts(town: Municipality) -> Iterator[str]:
    for name, enabled in town.services.items():
        for text in enabled.service.look_at(enabled.parameters, enabled.gate):
            yield f"services.{name}.{text}"


def _lists(town: Municipality) -> dict[str, ZoneList]:
    return {name: areas for name in town.services if (areas := town.areas(name))}


def _unread_state(town: Municipality) -> list[str]:
    town.engine.connect().close()
    return []


def _unread_permits(town: Municipality) -> list[str]:
    return [
        f"permit {number}: cannot read {', '.join(columns)}; days are stored as 2026-03-01"
        for number, columns in town.register.unread().items()
    ]


def _service_problems(town: Municipality, name: str) -> Iterator[str]:
    enabled = town.services[name]
    try:
        town.areas(name)
    except ZoneListInvalid as error:
        for entry in error.entries:
            how = f"; {error.how[entry]}" if entry in error.how else ""
            yield f"services.{name}.zones: cannot read „{entry}“{how}"
    try:
        town.renderer.check(enabled.service)
    except LetterIncomplete as error:
        yield f"template of {name}: {error.code.partition('.')[2]}: {error.detail}"
    if not enabled.gate.legal_basis_ref:
        yield f"services.{name}.legal_basis_ref: the approval of BMG § 37 is not named"


def _strange(folder: Path) -> list[str]:
    """A link leads into another town's inbox or spool, and a pipe hangs whoever opens it."""
    if folder.is_symlink():
        return [f"{folder}: {LINK}"]
    found: dict[Path, str] = {}
    for place in (folder, folder / "templates"):
        with suppress(FileNotFoundError, NotADirectoryError):  # that the profile is missing is said
            found |= {place / name: what for name, what in strange(place).items()}
    return [f"{path}: {what}" for path, what in sorted(found.items())]


def _unread_folders(templates: Path) -> Iterator[str]:
    for path in sorted(templates.glob("*/")):
        what = "pages are the installation's" if path.name == "pages" else "nothing is read of it"
        yield f"templates/{path.name}: {what}"


def _stamp(folder: Path) -> tuple[tuple[str, int], ...]:
    files = [path for path in folder.glob("*") if path.suffix in {".toml", ".json", ".txt"}]
    files += (folder / "templates").glob("*")
    return tuple(sorted((path.name, path.lstat().st_mtime_ns) for path in files))
