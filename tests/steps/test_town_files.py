"""What a town writes into its folder reaches nothing of others, quotes nothing, hangs nobody."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.errors import ProfileInvalid, RegisterRefused, ZoneListInvalid
from tasks.files import NotAFile, read_own
from tasks.matching.zone_file import parse_zone_list
from tasks.municipality import check_municipality, municipalities
from tasks.registry.inbox import hash_of
from tests.builders import a_person
from tests.delivery_writer import BASELINE, Sent, write_delivery
from tests.steps.test_inbox import a_socket
from tests.town import Town, make_town

DAY = "2026-11-23"
SECRET = "dies-ist-der-geheime-schluessel-der-anlage"


@pytest.fixture
def neighbour(town: Town, home: Path) -> Town:
    (home / "secret.key").write_text(SECRET)
    (home / "secret.key").chmod(0o600)
    return make_town(home, "nachbar")


def change(town: Town, before: str, after: str) -> None:
    path = town.folder / "profile.toml"
    path.write_text(path.read_text().replace(before, after))


def problems(town: Town) -> str:
    return "\n".join(check_municipality(town.slug, town.settings))


@pytest.mark.parametrize(
    "name",
    [
        "../secret.key",
        "../nachbar/zones.json",
        "{home}/secret.key",
        "/dev/zero",
        "./zones.json",
        "inbox/../zones.json",
        "..",
        ".",
        ".zones.json",
        "profile.toml",
        "permits.db",
    ],
)
def test_an_area_list_is_named_by_a_plain_name(neighbour: Town, home: Path, name: str) -> None:
    town = Town(neighbour.settings)
    change(town, 'zones = "zones.json"', f'zones = "{name.format(home=home)}"')

    told = problems(town)

    assert "services.resident_parking.zones: the name of a file in this folder" in told
    assert SECRET not in told
    assert not problems(neighbour).count("zones")


STRANGE: dict[str, Callable[[Path, Path], object]] = {
    "link": lambda path, secret: path.symlink_to(secret),
    "second name": lambda path, secret: os.link(secret, path),
    "pipe": lambda path, _: os.mkfifo(path),
    "socket": lambda path, _: a_socket(path),
    "device": lambda path, _: path.symlink_to("/dev/zero"),
    "dangling link": lambda path, _: path.symlink_to("nowhere"),
}


@pytest.mark.parametrize("kind", STRANGE)
@pytest.mark.parametrize("name", ["profile.toml", "zones.json", ".lock", ".at-work", "x.txt"])
def test_a_town_with_anything_but_files_is_refused_and_no_other(
    neighbour: Town, home: Path, name: str, kind: str
) -> None:
    town = Town(neighbour.settings)
    (town.folder / name).unlink(missing_ok=True)
    STRANGE[kind](town.folder / name, home / "secret.key")

    told = problems(town)

    assert f"{name}: " in told
    assert SECRET not in told
    with pytest.raises(ProfileInvalid):
        _ = town.opened
    assert municipalities(town.settings) == ["musterstadt", "nachbar"], "it is named, not gone"
    assert neighbour.run_day(DAY, "0001-gesamtlieferung.xml", until="pull")["deliveries"] == 1
    assert (home / "secret.key").read_text() == SECRET


def test_whoever_edits_the_profile_stops_nothing(town: Town) -> None:
    (town.folder / ".#profile.toml").symlink_to("somebody@somewhere.1234")

    assert check_municipality(town.slug, town.settings) == []


@pytest.mark.parametrize("name", ["inbox", "done", "rejected", "receipts", "spool", "templates"])
def test_a_folder_that_is_a_link_leads_nowhere(neighbour: Town, name: str) -> None:
    """Else the neighbour's delivery, of another AGS, is taken out of its inbox and refused."""
    town = Town(neighbour.settings)
    if (town.folder / name).exists():
        (town.folder / name).rmdir()
    (town.folder / name).symlink_to(neighbour.folder / "inbox")
    neighbour.put("0001-gesamtlieferung.xml")

    assert f"{name}: a link, which is not followed" in problems(town)
    with pytest.raises(ProfileInvalid):
        town.run_day(DAY)
    assert neighbour.run_day(DAY, until="pull")["deliveries"] == 1


def test_a_town_whose_folder_is_a_link_to_the_neighbours_is_refused(
    neighbour: Town, home: Path
) -> None:
    (home / "doppelt").symlink_to(neighbour.folder)
    other = Town(neighbour.settings, "doppelt")

    assert "a link, which is not followed" in problems(other)
    assert "doppelt" in municipalities(neighbour.settings)


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_the_print_spools_own_files_lead_nowhere(neighbour: Town, kind: str) -> None:
    town = Town(neighbour.settings)
    theirs = neighbour.folder / "inbox" / "0001.xml"
    theirs.write_text("theirs")
    if kind == "link":
        (town.folder / "spool" / ".part").symlink_to(theirs.parent)
    else:
        os.mkfifo(town.folder / "spool" / f"manifest-{DAY}.jsonl")

    counts = town.run_day(DAY, "0001-gesamtlieferung.xml", "0002-deltalieferung.xml")

    assert counts["letters"]
    assert not counts["handed_over"]
    assert theirs.read_text() == "theirs"


@pytest.mark.parametrize(
    "said",
    ["\\u001b[31m", "\\u0000", "\\u202egfe", "\\u009b2J", "\\u2028x", "\\r\\nBcc: x", "\\nBcc: x"],
)
def test_a_profile_writes_neither_to_a_terminal_nor_into_a_header(
    tmp_path: Path, said: str
) -> None:
    town = make_town(tmp_path)
    path = town.folder / "profile.toml"
    sender = re.compile(r'(\[sender\]\nname = ")')
    path.write_text(sender.sub(lambda found: found[1] + said, path.read_text()))

    (problem,) = check_municipality(town.slug, town.settings)

    assert problem in ("sender.name: has a character that nobody can see", "sender.name: one line")


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "{" * 100_000, "a = " + "[" * 100_000, "a = " + "9" * 5000, "a = 1\n" * 9],
)
def test_a_profile_that_would_break_its_reader_breaks_nobodys_check(
    neighbour: Town, text: str
) -> None:
    town = Town(neighbour.settings)
    (town.folder / "profile.toml").write_text(text)

    assert "is not TOML" in problems(town)
    assert not problems(neighbour).count("TOML")


@pytest.mark.parametrize(
    "text",
    [SECRET, f"{SECRET}\n{SECRET}", f'["{SECRET}"]', f'{{"a": "{SECRET}"}}', "[" * 100_000, "\0"],
)
@pytest.mark.parametrize("name", ["zones.txt", "zones.json"])
def test_of_a_file_that_is_no_area_list_nothing_is_quoted(
    tmp_path: Path, name: str, text: str
) -> None:
    if name == "zones.txt" and ":" in text:
        return
    (tmp_path / name).write_text(text)

    with pytest.raises(ZoneListInvalid) as error:
        parse_zone_list(tmp_path / name)

    assert SECRET not in error.value.detail


def test_an_entry_without_end_is_refused_at_once_and_cut(tmp_path: Path) -> None:
    (tmp_path / "zones.txt").write_text("A1: Ring: " + "1–9 und " * 200_000)

    with pytest.raises(ZoneListInvalid) as error:
        parse_zone_list(tmp_path / "zones.txt")

    assert len(error.value.detail) < 200


@pytest.mark.parametrize(("size", "right"), [(9, True), (10, True), (11, False)])
def test_a_file_is_read_up_to_its_largest_size(tmp_path: Path, size: int, right: bool) -> None:
    (tmp_path / "x").write_bytes(b"x" * size)
    if right:
        assert len(read_own(tmp_path, "x", at_most=10)) == size
    else:
        with pytest.raises(NotAFile):
            read_own(tmp_path, "x", at_most=10)


# Registers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "sqlite:///../nachbar/permits.db",
        "sqlite:///{home}/nachbar/permits.db",
        "sqlite:///{home}/antragslos.db",
        "postgresql+psycopg://postgres@localhost/postgres",
    ],
)
def test_a_profile_cannot_name_a_foreign_register(
    neighbour: Town, home: Path, address: str
) -> None:
    town = Town(neighbour.settings)
    change(town, 'permits_url = ""', f'permits_url = "{address.format(home=home)}"')

    assert "permits_url: " in problems(town)
    with pytest.raises(ProfileInvalid):
        town.run_day(DAY, "0001-gesamtlieferung.xml")
    assert neighbour.permits("BPA-0002")


def test_a_register_that_is_claimed_stops_the_second_town_and_parks_none_of_its_cases(
    town: Town,
) -> None:
    first, second = "0001-gesamtlieferung.xml", "0002-deltalieferung.xml"
    assert town.run_day(DAY, first, second, until="pull")["deltas"]
    for path in town.folder.glob("permits.db*"):
        path.unlink()
    other = make_town(town.folder.parent, "nachbar")
    other.opened.register.close()
    for path in other.folder.glob("permits.db*"):
        path.rename(town.folder / path.name)  # as if both had one database
    town.opened.register.close()

    assert "permits_url: another municipality's" in problems(town)
    counts = town.run_day(DAY)

    assert counts["trouble:records.of_another_town"]
    assert not counts["failed"]
    with pytest.raises(RegisterRefused):
        town.permits("BPA-0002")


def test_a_hard_link_in_the_inbox_is_only_moved(neighbour: Town, home: Path) -> None:
    town = Town(neighbour.settings)
    os.link(home / "secret.key", town.folder / "inbox" / "0001.xml")

    assert town.run_day(DAY, until="pull")["rejected"] == 1

    assert (home / "secret.key").read_text() == SECRET
    assert SECRET not in "".join(path.read_text() for path in (town.folder / "receipts").iterdir())


def test_many_files_and_a_huge_one_stop_nothing(town: Town) -> None:
    inbox = town.folder / "inbox"
    for number in range(60):
        (inbox / f"x{number}.xml").symlink_to("/dev/zero")
    with (inbox / "huge.xml").open("wb") as file:
        file.truncate(3 * 1024**3)  # takes no room on the disk
    write_delivery(inbox / "1.xml", 1, [Sent("E1", BASELINE, "101", a_person())], kind="full")

    counts = town.run_day(DAY, until="pull")

    assert (counts["deliveries"], counts["set_aside"], counts["rejected"]) == (1, 60, 1)


def test_of_a_file_that_is_too_large_nothing_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.xml"

    def marked(content: str, most: int) -> str:
        path.write_text(content)
        return hash_of([path], most)

    assert marked("aaaa", 3) == marked("bbbb", 3) != marked("aaa", 3)
    assert marked("aaaa", 4) != marked("bbbb", 4)
