"""A municipality for tests: a home folder with a profile, zones, permits and an empty inbox."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from tasks.municipality import Municipality, open_municipality
from tasks.records.importing import import_permits, read_permits
from tasks.settings import Settings

DATA = Path(__file__).parent / "data"
DELIVERIES = DATA / "deliveries"
ZONES = DATA / "zones" / "rostock_bewohnerparkgebiete_2026-09-16.json"
SLUG = "musterstadt"

PROFILE = """
name = "Musterstadt"
ags = "09000009"
test_mode = {test_mode}
permits_url = "{permits_url}"

[letterhead]
authority = "Stadt Musterstadt"
department = "Straßenverkehrsbehörde"
street = "Rathausplatz 1"
postcode_town = "60000 Musterstadt"
place = "Musterstadt"

[texts]
legal_remedy = "Gegen diesen Bescheid können Sie innerhalb eines Monats Widerspruch erheben."
privacy_notice = "Wir haben Ihre Daten aus dem Melderegister erhalten."
contact = "Bürgerbüro, Telefon 0123 456"

[sender]
name = "Stadt Musterstadt"
address = "bescheid@musterstadt.example"

[quiet_hours]
start = "00:00"
end = "00:00"

[services.resident_parking]
enabled = true
legal_mode = "standing_application"
legal_basis_ref = "DA 7/2026"
zones = "zones.json"
settling_days = {settling_days}
resolutory_condition = {resolutory_condition}
{extra}
"""


@dataclass
class Town:
    """Opens the municipality anew at each access, as every task does."""

    settings: Settings
    slug: str = SLUG

    @property
    def folder(self) -> Path:
        return self.settings.folder(self.slug)

    @property
    def opened(self) -> Municipality:
        return open_municipality(self.slug, self.settings)

    def put(self, *names: str) -> None:
        """Puts deliveries of tests/data into the inbox."""
        for name in names:
            shutil.copyfile(DELIVERIES / name, self.folder / "inbox" / Path(name).name)


def make_town(
    home: Path,
    slug: str = SLUG,
    *,
    database_url: str = "",
    permits_url: str = "",
    smtp_url: str = "",
    test_mode: bool = False,
    settling_days: int = 2,
    resolutory_condition: bool = True,
    extra: str = "",
    permits: Path = DELIVERIES / "permits-sample.jsonl",
    **settings: object,
) -> Town:
    folder = home / slug
    for name in ("inbox", "spool"):
        (folder / name).mkdir(parents=True)
    shutil.copyfile(ZONES, folder / "zones.json")
    (folder / "profile.toml").write_text(
        PROFILE.format(
            test_mode=str(test_mode).lower(),
            permits_url=permits_url,
            settling_days=settling_days,
            resolutory_condition=str(resolutory_condition).lower(),
            extra=extra,
        ),
        encoding="utf-8",
    )
    town = Town(
        Settings(
            home=home,
            database_url=database_url,
            smtp_url=smtp_url,  # type: ignore[arg-type]
            _env_file=None,
            **settings,  # type: ignore[arg-type]
        ),
        slug,
    )
    result = import_permits(town.opened.register, read_permits(permits))
    assert not result.problems
    return town
