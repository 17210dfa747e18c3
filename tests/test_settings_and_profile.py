"""A wrong setting or profile is said at once, all of it, and without quoting secrets or people."""

import os
import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from tasks.errors import ProfileInvalid, SettingsInvalid, StateUnavailable
from tasks.municipality import (
    check_municipality,
    look_at,
    municipalities,
    open_municipality,
    zones_without_list,
)
from tasks.settings import Settings, private_files
from tasks.state.database import open_database, reading
from tests.town import make_town

TEMPLATE = "{% set decides = false %}\n# {{ gibt_es_nicht }}\n\nText\n"


def test_every_problem_of_a_profile_is_reported_at_once(tmp_path: Path) -> None:
    town = make_town(tmp_path)
    path = town.folder / "profile.toml"
    text = path.read_text()
    text = text.replace('ags = "09000009"', 'ags = "9"').replace('place = "Musterstadt"', "")
    text = text.replace('name = "Stadt Musterstadt"\n', "").replace("[quiet_hours]", "[quiet_ours]")
    path.write_text(text)

    problems = "\n".join(check_municipality(town.slug, town.settings))

    for key in ("ags", "letterhead.place", "sender.name", "quiet_ours"):
        assert key in problems


def test_the_keys_of_a_service_are_checked_though_the_profile_is_wrong(tmp_path: Path) -> None:
    town = make_town(tmp_path)
    path = town.folder / "profile.toml"
    text = path.read_text().replace('ags = "09000009"', 'ags = "geheim-3"\ntimezone = "geheim-4"')
    text = text.replace("settling_days = 2", 'settling_days = "geheim-5"')
    text = text.replace('place = "Musterstadt"', 'place = ""')
    text = text.replace("bescheid@musterstadt.example", "geheim-6")
    more = 'vehicle_check = "geheim-1"\nsetling_days = "geheim-2"'
    path.write_text(text.replace('default_form = "digital"', more) + "[services.dog_tax]\n")

    problems = check_municipality(town.slug, town.settings)

    assert problems[:4] == [
        "ags: eight digits",
        "timezone: not a known name such as Europe/Berlin",
        "letterhead.place: must be filled in",
        "sender.address: an e-mail address",
    ]
    assert [problem.partition(":")[0] for problem in problems[4:]] == [
        "services.resident_parking.setling_days",
        "services.resident_parking.settling_days",
        "services.resident_parking.vehicle_check",
        "services.dog_tax",
    ]
    assert "geheim" not in "\n".join(problems)


@pytest.mark.parametrize("services", ["services = 1", "[services]\nresident_parking = 1"])
def test_services_that_are_no_table_are_a_problem_not_a_crash(
    tmp_path: Path, services: str
) -> None:
    town = make_town(tmp_path)
    (town.folder / "profile.toml").write_text(services)

    assert "services" in "\n".join(check_municipality(town.slug, town.settings))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("settling_days = 2", "settling_days = 'two'", "resident_parking.settling_days"),
        ("settling_days = 2", "setling_days = 2", "resident_parking.setling_days: no such"),
        ("[services.resident_parking]", "[services.parking]", "no such service"),
        ('zones = "zones.json"', 'zones = "missing.json"', "missing.json"),
        ('legal_mode = "standing_application"', 'legal_mode = "yes"', "legal_mode"),
    ],
)
def test_a_wrong_key_of_a_service_is_named(
    tmp_path: Path, before: str, after: str, told: str
) -> None:
    town = make_town(tmp_path)
    path = town.folder / "profile.toml"
    path.write_text(path.read_text().replace(before, after))

    assert told in "\n".join(check_municipality(town.slug, town.settings))


def test_a_zone_entry_that_cannot_be_read_is_quoted(tmp_path: Path) -> None:
    town = make_town(tmp_path)
    zones = town.folder / "zones.json"
    zones.write_text(zones.read_text().replace("von 18 bis 19", "von achtzehn bis neunzehn"))

    (problem,) = check_municipality(town.slug, town.settings)

    assert "Am Strande: von achtzehn bis neunzehn" in problem


def test_an_entry_with_two_readings_is_quoted_with_how_to_write_it(tmp_path: Path) -> None:
    town = make_town(tmp_path)
    zones = town.folder / "zones.json"
    zones.write_text(zones.read_text().replace("von 18 bis 19", "1–7 und 12–20"))

    (problem,) = check_municipality(town.slug, town.settings)

    assert "„A3 – Östliche Altstadt: Am Strande: 1–7 und 12–20“" in problem
    assert "ungerade" in problem


def test_a_ready_town_is_told_what_its_zone_list_may_not_mean(tmp_path: Path) -> None:
    town = make_town(tmp_path)

    warnings = "\n".join(look_at(town.slug, town.settings))

    assert check_municipality(town.slug, town.settings) == []
    assert "Lange Str.: no zone holds 22" in warnings
    assert "Poststr.: zones W1 and W2 overlap" in warnings
    assert "zone W4 is on no permit" in warnings
    assert "zone A3 is on no permit" not in warnings


@pytest.mark.parametrize(("extra", "told"), [("", True), ('zones_cover = ["60000"]', False)])
def test_a_list_without_a_postcode_is_told_what_that_means(
    tmp_path: Path, extra: str, told: bool
) -> None:
    town = make_town(tmp_path, extra=extra)

    assert ("no postcode is named" in "\n".join(look_at(town.slug, town.settings))) is told


def test_permits_for_a_zone_that_no_list_has_are_named(tmp_path: Path) -> None:
    town = make_town(tmp_path)
    zones = town.folder / "zones.json"
    zones.write_text(zones.read_text().replace("A3 – Östliche Altstadt", "Bezirk 3"))

    assert "permits: 2 for the zone „A3“, which no zone list has" in look_at(
        town.slug, town.settings
    )
    assert zones_without_list(town.opened)


def test_where_the_list_cannot_be_read_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    town = make_town(tmp_path)
    (town.folder / "zones.json").write_text("[]")

    assert look_at(town.slug, town.settings) == []
    assert zones_without_list(town.opened) == []


def test_what_the_list_covers_is_a_setting_that_is_checked(tmp_path: Path) -> None:
    town = make_town(tmp_path, extra='zones_cover = ["60000", "Neudorf", "123"]')

    (problem,) = check_municipality(town.slug, town.settings)

    assert "123" in problem


def test_a_template_that_cannot_be_filled_is_found_before_a_letter_is_due(tmp_path: Path) -> None:
    town = make_town(tmp_path)
    folder = town.folder / "templates"
    folder.mkdir()
    (folder / "resident_parking.md.j2").write_text(TEMPLATE)

    (problem,) = check_municipality(town.slug, town.settings)

    assert "gibt_es_nicht" in problem


def test_a_changed_profile_is_read_again(tmp_path: Path) -> None:
    town = make_town(tmp_path)
    assert town.opened is town.opened
    path = town.folder / "profile.toml"
    path.write_text(path.read_text().replace("settling_days = 2", "settling_days = 5"))
    os.utime(path, (1, 1))

    assert town.opened.services["resident_parking"].parameters.settling_days == 5


def test_test_mode_is_on_unless_a_profile_says_otherwise(tmp_path: Path) -> None:
    town = make_town(tmp_path)
    path = town.folder / "profile.toml"
    path.write_text(path.read_text().replace("test_mode = false", ""))

    assert town.opened.test_mode


@pytest.mark.parametrize("name", ["../etc", "Musterstadt", "", "a/b", ".hidden"])
def test_a_municipality_cannot_be_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProfileInvalid):
        open_municipality(name, Settings(home=tmp_path, _env_file=None))


def test_every_folder_with_a_profile_is_a_municipality(tmp_path: Path) -> None:
    make_town(tmp_path, "bstadt")
    make_town(tmp_path, "astadt")
    (tmp_path / "prefect").mkdir()

    assert municipalities(Settings(home=tmp_path, _env_file=None)) == ["astadt", "bstadt"]


def test_the_signing_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    config = Settings(home=tmp_path, _env_file=None)

    key = config.signing_key()

    assert len(key) >= 32
    assert Settings(home=tmp_path, _env_file=None).signing_key() == key
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("kept", ["", "\n", "k" * 31, f"{'k' * 31}\n"])
def test_an_empty_or_short_key_is_refused_and_the_way_back_is_said(
    tmp_path: Path, kept: str
) -> None:
    path = tmp_path / "secret.key"
    path.touch(mode=0o600)
    path.write_text(kept)

    with pytest.raises(SettingsInvalid, match=r"settings\.weak_key") as told:
        Settings(home=tmp_path, _env_file=None).signing_key()
    assert "backup" in told.value.detail
    assert path.read_text() == kept  # whoever has a backup can still put it in its place


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o622, 0o666])
def test_a_key_that_others_may_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    config = Settings(home=tmp_path, _env_file=None)
    key = config.signing_key()
    (tmp_path / "secret.key").chmod(mode)

    with pytest.raises(SettingsInvalid, match=r"settings\.open_key") as told:
        config.signing_key()
    assert "chmod 600" in told.value.detail
    assert key.decode() not in told.value.detail
    (tmp_path / "secret.key").chmod(0o600)
    assert config.signing_key() == key


def test_a_wrong_setting_never_shows_the_secret(tmp_path: Path) -> None:
    with pytest.raises(ValidationError) as told:
        Settings(home=tmp_path, batch_size=0, smtp_urls="hunter2", _env_file=None)  # type: ignore[arg-type]

    assert "hunter2" not in str(told.value)
    assert "batch_size" in str(told.value)


def test_a_municipality_may_have_a_mail_server_of_its_own(tmp_path: Path) -> None:
    config = Settings(
        home=tmp_path,
        smtp_url="mailto://one",  # type: ignore[arg-type]
        smtp_urls={"musterstadt": "mailtos://two"},  # type: ignore[dict-item]
        _env_file=None,
    )

    assert config.smtp_for("musterstadt") == "mailtos://two"
    assert config.smtp_for("anderswo") == "mailto://one"


def test_others_on_the_machine_may_read_nothing_of_what_we_write(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        private_files()
        town = make_town(tmp_path)
        with reading(town.opened.engine):
            pass
        written = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert {"antragslos.db", "permits.db"} <= {path.name for path in written}
        assert not [path for path in written if stat.S_IMODE(path.stat().st_mode) & 0o007]
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg://user:geheim@127.0.0.1:9/state", "mysql://geheim@x/y", "nonsense"]
)
def test_a_database_that_cannot_be_opened_is_said_without_its_password(url: str) -> None:
    with pytest.raises(StateUnavailable) as told:
        open_database(url)

    assert told.value.code == "state.unreachable"
    assert "geheim" not in f"{told.value} {told.value.detail}"


def test_a_first_look_at_an_empty_home_makes_it(tmp_path: Path) -> None:
    with reading(open_database(f"sqlite:///{tmp_path / 'not' / 'yet' / 'state.db'}")):
        pass

    assert (tmp_path / "not" / "yet" / "state.db").exists()


@pytest.mark.parametrize(("length", "right"), [(31, False), (32, True), (33, True)])
def test_a_signing_key_is_long_enough(tmp_path: Path, length: int, right: bool) -> None:
    def made() -> Settings:
        return Settings(home=tmp_path, secret_key="k" * length, _env_file=None)  # type: ignore[arg-type]

    if right:
        assert len(made().signing_key()) == length
    else:
        with pytest.raises(ValidationError):
            made()


FORM = "services.resident_parking.paper"


@pytest.mark.parametrize(
    ("removed", "instead", "problem"),
    [
        ('fee_text = "Die Umstellung', '# "', f"{FORM}.fee_text: say what the switch costs"),
        ('old_permit_text = "Die Karte', '# "', f"{FORM}.old_permit_text: say what becomes"),
        ('display_text = "Die neue', '# "', f"{FORM}.display_text: say how the new permit"),
        ('fee_text = "Die Umstellung', 'fees = "', f"{FORM}.fees: no such parameter"),
        (f"[{FORM}]", f"[{FORM}.more]", f"{FORM}.more: no such parameter"),
    ],
)
def test_a_profile_without_the_towns_own_words_is_not_valid(
    tmp_path: Path, removed: str, instead: str, problem: str
) -> None:
    town = make_town(tmp_path)
    path = town.folder / "profile.toml"
    text = path.read_text()
    assert removed in text
    path.write_text(text.replace(removed, instead))

    assert [one for one in check_municipality(town.slug, town.settings) if one.startswith(problem)]


def test_words_are_asked_for_only_once_the_service_is_on(tmp_path: Path) -> None:
    town = make_town(tmp_path)
    path = town.folder / "profile.toml"
    text = path.read_text().partition("[services.resident_parking.digital]")[0]
    path.write_text(text)
    (problem,) = check_municipality(town.slug, town.settings)
    assert problem.startswith("services.resident_parking.digital or paper:")

    path.write_text(text.replace("enabled = true", "enabled = false"))
    assert check_municipality(town.slug, town.settings) == ["services: none is switched on"]


def test_check_names_the_norm_where_a_town_acts_of_its_own_motion(tmp_path: Path) -> None:
    town = make_town(tmp_path)
    path = town.folder / "profile.toml"
    assert not [one for one in look_at(town.slug, town.settings) if "legal_mode" in one]
    path.write_text(path.read_text().replace('"standing_application"', '"notice_only"'))

    (said,) = [one for one in look_at(town.slug, town.settings) if "legal_mode" in one]
    assert "VwV-StVO zu § 45" in said
    assert check_municipality(town.slug, town.settings) == []
