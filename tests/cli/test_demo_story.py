"""Musterstadt's story is told once, and ends on the day it is first played."""

import json
import tomllib
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.cli.setup import copy_profile
from flows.demo.town import (
    CLERKS,
    PASSWORD,
    SLUG,
    STORY,
    let_clerks_in,
    prepare,
    shift_dates,
    showcase,
)
from tasks.domain.record import Permit
from tasks.errors import ReplyRefused
from tasks.municipality import check_municipality
from tasks.records.importing import import_permits, read_permits
from tasks.settings import TEMPLATES, Settings
from tasks.state.clerks import add_clerk, check
from tasks.state.database import writing

TODAY = date(2027, 3, 1)


@pytest.fixture
def own(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, _env_file=None)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("<datum>2023-12-31</datum>", "<datum>2023-12-31</datum>"),
        ("<datum>2024-01-01</datum>", "<datum>2024-01-02</datum>"),
        ("<datum>2026-12-31</datum>", "<datum>2027-01-01</datum>"),
        ("2026-11-23T05:00:00.000+01:00", "2026-11-24T05:00:00.000+01:00"),
        ("2026-02-28", "2026-03-01"),
        ('"valid_until": "2028-02-29"', '"valid_until": "2028-03-01"'),
        ("1984-03-12 and 1990-06", "1984-03-12 and 1990-06"),
        ('listVersionID="2025-01-31"', 'listVersionID="2025-01-31"'),
        ("00000000-0000-4000-8000-000000000002", "00000000-0000-4000-8000-000000000002"),
        ("2026-13-45", "2026-13-45"),
    ],
)
def test_dates_since_2024_move_and_all_else_stays(written: str, expected: str) -> None:
    assert shift_dates(written, 1) == expected


@given(
    st.dates(date(2024, 1, 1), date(2090, 1, 1)),
    st.integers(0, 4000),
    st.text("<>/ \n„ß“ab", max_size=20),
)
@settings(max_examples=50)
def test_a_date_moves_by_exactly_the_days_asked_for(day: date, days: int, text: str) -> None:
    shifted = f"{text}{(day + timedelta(days)).isoformat()}{text}"
    assert shift_dates(f"{text}{day.isoformat()}{text}", days) == shifted
    assert shift_dates(shifted, -days) == f"{text}{day.isoformat()}{text}"


def test_musterstadt_passes_the_check_of_a_profile(own: Settings) -> None:
    prepare(own, TODAY)
    assert check_municipality(SLUG, own) == []


def test_what_a_clerk_answers_after_the_story_has_settled(own: Settings) -> None:
    town, story = prepare(own, TODAY)
    settling = town.services["resident_parking"].parameters.settling_days
    assert story.on(STORY[-1]) == TODAY - timedelta(settling)
    days = [story.on(day) for _, day in story.days()]
    assert days == sorted(set(days))
    assert len(days) == 6


def test_a_delivery_arrives_with_the_dates_of_its_day(own: Settings) -> None:
    _, story = prepare(own, TODAY)
    story.deliver(STORY[1])
    (path,) = (own.folder(SLUG) / "inbox").iterdir()
    assert path.name == "0003-deltalieferung-ruecknahme.xml"
    text = path.read_text(encoding="utf-8")
    assert f"<erstellungszeitpunkt>{story.on(STORY[1])}T" in text
    assert "2026-11-24" not in text


def test_a_later_call_goes_on_where_the_story_stopped(own: Settings) -> None:
    _, story = prepare(own, TODAY)
    story.told = 2
    story.keep()
    _, later = prepare(own, TODAY + timedelta(9))
    assert [number for number, _ in later.days()] == [3, 4, 5, 6]
    assert later.on(STORY[-1]) == story.on(STORY[-1])


def test_a_permit_that_was_switched_is_not_put_back_by_a_later_call(own: Settings) -> None:
    town, _ = prepare(own, TODAY)
    (first, *_) = (permit for permit in _permits() if isinstance(permit, Permit))
    other = own.folder(SLUG) / "other.jsonl"
    line = json.loads((own.folder(SLUG) / "permits.jsonl").read_text().splitlines()[0])
    other.write_text(json.dumps(line | {"zone": "B2"}), encoding="utf-8")
    import_permits(town.register, read_permits(other))
    again, _ = prepare(own, TODAY)
    assert again.register.get([first.number])[first.number].zone == "B2"


def test_a_password_that_a_clerk_has_changed_stays(own: Settings) -> None:
    town, _ = prepare(own, TODAY)
    let_clerks_in(town)
    for sign in CLERKS:
        check(town.engine, SLUG, sign, PASSWORD)
    with writing(town.engine) as session:
        add_clerk(session, SLUG, CLERKS[0], "a password of my own")
    let_clerks_in(town)
    check(town.engine, SLUG, CLERKS[0], "a password of my own")
    with pytest.raises(ReplyRefused):
        check(town.engine, SLUG, CLERKS[0], PASSWORD)


def test_nobody_has_a_letter_to_show_before_the_story_begins(own: Settings) -> None:
    town, _ = prepare(own, TODAY)
    assert showcase(town) == ("", "")


def test_what_somebody_changed_in_the_profile_stays(own: Settings) -> None:
    prepare(own, TODAY)
    path = own.folder(SLUG) / "profile.toml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("settling_days = 2", "settling_days = 1")
    )
    town, _ = prepare(own, TODAY)
    assert town.services["resident_parking"].parameters.settling_days == 1


def test_the_demo_has_residents_for_both_channels() -> None:
    permits = [permit for permit in _permits() if isinstance(permit, Permit)]
    assert len(permits) == 12
    assert {permit.email_consent for permit in permits} == {True, False}
    assert all(permit.email.endswith(".example") for permit in permits if permit.email)


def test_the_demo_has_permits_of_both_forms_and_words_for_them(own: Settings) -> None:
    permits = [permit for permit in _permits() if isinstance(permit, Permit)]
    assert {permit.form for permit in permits} == {"", "paper"}
    town, _ = prepare(own, TODAY)
    parameters = town.services["resident_parking"].parameters
    assert (parameters.default_form, set(parameters.forms)) == ("digital", {"digital", "paper"})
    assert parameters.digital.nothing_to_do
    assert not parameters.paper.nothing_to_do


def test_a_new_municipality_is_told_all_that_its_profile_lacks(own: Settings) -> None:
    copy_profile(TEMPLATES / "municipality", own.folder("neustadt"))
    problems = " ".join(check_municipality("neustadt", own))
    for key in ("name", "ags", "letterhead.authority", "texts.legal_remedy", "sender.address"):
        assert f"{key}:" in problems


def test_the_profile_template_is_ready_once_its_gaps_are_filled(own: Settings) -> None:
    profile = own.folder("neustadt") / "profile.toml"
    copy_profile(TEMPLATES / "municipality", profile.parent)
    text = profile.read_text(encoding="utf-8").replace('ags = ""', 'ags = "09000009"')
    text = text.replace('address = ""', 'address = "amt@neustadt.example"')
    remedy = (
        "Gegen diesen Bescheid können Sie innerhalb eines Monats Widerspruch erheben: schriftlich, "
        "elektronisch oder zur Niederschrift bei x, x, 60000 x."
    )
    text = text.replace('legal_remedy = ""', f'legal_remedy = "{remedy}"')
    notice = (
        "Verantwortlich ist x. Datenschutzbeauftragte: y. Name, Anschrift aus dem Melderegister, "
        "Art. 6 DSGVO, automatisiert. Empfänger: z. Löschung nach {objection_days} Tagen. "
        "Auskunft, Berichtigung, Einschränkung, Widerspruch, Aufsichtsbehörde."
    )
    text = text.replace('privacy_notice = ""', f'privacy_notice = "{notice}"')
    text = text.replace(' = ""  ', ' = "x"').replace(' = ""\n', ' = "x"\n')
    text = text.replace("enabled = false", "enabled = true")
    profile.write_text(text, encoding="utf-8")
    assert check_municipality("neustadt", own) == []


def test_the_profile_template_names_every_key_there_is() -> None:
    from tasks.profile import Letterhead, Profile, QuietHours, Sender, ServicePart, Texts
    from tasks.services import all_services

    text = (TEMPLATES / "municipality" / "profile.toml").read_text(encoding="utf-8")
    uncommented = tomllib.loads(
        "\n".join(line.removeprefix("# ") if " = " in line else line for line in text.splitlines())
    )
    part = uncommented["services"]["resident_parking"]
    assert uncommented.keys() == Profile.model_fields.keys()
    for name, model in (
        ("letterhead", Letterhead),
        ("texts", Texts),
        ("sender", Sender),
        ("quiet_hours", QuietHours),
    ):
        assert uncommented[name].keys() == model.model_fields.keys(), name
    parameters = all_services()["resident_parking"].parameters.__dataclass_fields__.keys()
    assert part.keys() == ServicePart.model_fields.keys() | parameters


def _permits() -> list[object]:
    return list(read_permits(TEMPLATES / SLUG / "permits.jsonl"))
