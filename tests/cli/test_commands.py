"""The commands as a person at a shell meets them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from flows.cli.places import counted
from tests.shell import Said, shell
from tests.town import DELIVERIES, make_town

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., Said]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """`antragslos`, with an empty home and no .env."""
    return partial(shell, tmp_path / "home")


def test_a_new_municipality_is_ready_for_its_profile_and_safe_by_default(
    run: Run, tmp_path: Path
) -> None:
    made = run("new-municipality", "neustadt")

    assert made.returncode == 0, made.stderr
    folder = tmp_path / "home" / "neustadt"
    assert (folder / "inbox").is_dir()
    profile = (folder / "profile.toml").read_text()
    assert "test_mode = true" in profile
    assert run("new-municipality", "neustadt").returncode == 1
    assert "municipality.exists" in run("new-municipality", "neustadt").stderr


def test_a_bad_name_is_refused_with_a_hint(run: Run) -> None:
    refused = run("new-municipality", "../Neu Stadt")

    assert refused.returncode == 1
    assert "lower-case" in refused.stderr


def test_permits_are_imported_once(run: Run, tmp_path: Path) -> None:
    make_town(tmp_path / "home", permits=DELIVERIES / "permits-sample.jsonl")
    again = run("import-permits", str(DELIVERIES / "permits-sample.jsonl"), "-m", "musterstadt")

    assert again.stdout == "0 new, 0 changed, 12 unchanged, no problems\n"


def test_permits_for_a_zone_that_no_list_has_are_imported_and_told(
    run: Run, tmp_path: Path
) -> None:
    make_town(tmp_path / "home")
    path = tmp_path / "permits.jsonl"
    line = (DELIVERIES / "permits-sample.jsonl").read_text().splitlines()[0]
    path.write_text(line.replace("BPA-0001", "BPA-9001").replace('"A3"', '"Bezirk 3"'))

    told = run("import-permits", str(path), "-m", "musterstadt")

    assert told.returncode == 0
    assert told.stderr == "look at: permits: 1 for the zone „Bezirk 3“, which no zone list has\n"


def test_a_bad_line_of_an_import_is_named_without_its_contents(run: Run, tmp_path: Path) -> None:
    make_town(tmp_path / "home")
    path = tmp_path / "permits.jsonl"
    lines = (DELIVERIES / "permits-sample.jsonl").read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1].replace("2027-12-31", "2027-02-30"), lines[2]]))

    told = run("import-permits", str(path), "-m", "musterstadt")

    assert told.returncode == 1
    assert "2" in told.stderr
    assert "valid_until" in told.stderr
    assert "Wójcik" not in told.stderr


def test_a_day_is_delivered_listed_and_explained(
    prefect_server: None, run: Run, tmp_path: Path
) -> None:
    town = make_town(tmp_path / "home", test_mode=True, settling_days=0)
    town.put("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")

    delivered = run("deliver", "--municipality", "musterstadt", "--on", "2026-11-23")
    assert delivered.returncode == 0, delivered.stdout + delivered.stderr
    assert "NeedsReview: 9 of 14 cases need review" in delivered.stdout

    listed = json.loads(run("cases", "--json").stdout)
    wanted = {"case", "municipality", "service", "delivery", "event", "status", "outcome", "code"}
    assert wanted <= listed[0].keys()
    (case,) = [line for line in listed if line["event"] == "E0002-0002"]
    assert (case["outcome"], case["code"], case["delivery"]) == ("granted", "zone_switched", 2)
    only = json.loads(run("cases", "--status", "needs_review", "--json").stdout)
    assert len(only) == 9
    assert "Wójcik" not in run("cases").stdout

    told = run("explain", case["case"])
    assert told.returncode == 0, told.stderr
    for text in (
        "Wójcik",
        "StVO § 46 Abs. 5",
        "Kröpeliner Straße",
        "replays to the same",
        "all times in Europe/Berlin",
        "registry: event E0002-0002",
        "status granted → acted (zone_switched)",
    ):
        assert text in told.stdout
    story = json.loads(run("explain", case["case"], "--json").stdout)
    assert story["delta"]["kind"] == "move"
    assert story["decisions"][-1]["grounds"][0]["law"]
    assert story["effects"][0]["inverse"]["kind"] == "restore"
    assert story["letters"][0]["status"] == "held_back"
    assert [entry["kind"] for entry in story["timeline"]][:2] == ["event", "opened"]
    assert story["related"] == []
    whole = run("explain", case["case"], "--chain")
    assert f"  {case['case']}  registry: event E0002-0002" in whole.stdout
    assert json.loads(run("explain", case["case"], "--chain", "--json").stdout)["chain"] == []

    assert "nothing new" in run("deliver", "-m", "musterstadt", "--on", "2026-11-23").stdout
    looked = run("rerun", "-m", "musterstadt", "--reason", "just looking")
    assert looked.stdout.startswith("Completed: no case matches")


def test_an_unknown_case_is_said_clearly(run: Run, tmp_path: Path) -> None:
    make_town(tmp_path / "home")

    told = run("explain", "c-nirgendwo")

    assert told.returncode == 1
    assert told.stderr.startswith("case.unknown c-nirgendwo\nNo case has this id;")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["cases", "-m", "mustertsadt"], "There are: musterstadt;"),
        (["cases", "--service", "dog_tax"], "There are: resident_parking."),
        (["cases", "--status", "reviewed"], "needs_review"),
        (["questions", "-m", "mustertsadt"], "There are: musterstadt;"),
        (["clerks", "-m", "mustertsadt"], "There are: musterstadt;"),
        (["check", "-m", "mustertsadt"], "There are: musterstadt;"),
        (["disclose", "-m", "mustertsadt", "--name", "Brandt"], "There are: musterstadt;"),
        (["deliver", "-m", "musterstadt", "-m", "mustertsadt"], "There are: musterstadt;"),
        (["rerun", "-m", "mustertsadt", "--reason", "mended"], "There are: musterstadt;"),
    ],
)
def test_whoever_mistypes_reads_what_there_is(
    run: Run, tmp_path: Path, words: list[str], said: str
) -> None:
    make_town(tmp_path / "home")

    told = run(*words)

    assert told.returncode != 0
    assert said in told.stderr
    assert told.stdout == ""


@pytest.mark.parametrize(
    "words",
    [
        ["cases"],
        ["explain", "c-4k7m2x9qtbnr"],
        ["check"],
        ["questions", "-m", "musterstadt"],
        ["clerks", "-m", "musterstadt"],
        ["disclose", "-m", "musterstadt", "--name", "Brandt"],
    ],
)
def test_who_only_looks_makes_no_second_empty_home(
    run: Run, tmp_path: Path, words: list[str]
) -> None:
    told = run(*words)

    assert told.returncode == 1
    assert str(tmp_path / "home") in told.stdout + told.stderr
    assert not (tmp_path / "home").exists()


def test_counts_are_said_in_words_that_fit() -> None:
    assert [counted(number, "case") for number in (0, 1, 2)] == ["no cases", "1 case", "2 cases"]
    assert counted(2, "entry", "entries") == "2 entries"


def test_a_letter_is_rendered_with_made_up_data(run: Run, tmp_path: Path) -> None:
    made = run("letter", "resident_parking", "--out", str(tmp_path / "out"))

    assert made.returncode == 0, made.stderr
    assert (tmp_path / "out" / "resident_parking.pdf").read_bytes().startswith(b"%PDF")
    assert "<html" in (tmp_path / "out" / "resident_parking.html").read_text()
    assert (tmp_path / "out" / "resident_parking.txt").read_text().strip()
    unknown = run("letter", "dog_tax")
    assert unknown.returncode == 1
    assert "There are: resident_parking." in unknown.stderr


def test_check_reports_every_municipality(run: Run, tmp_path: Path) -> None:
    make_town(tmp_path / "home")
    broken = make_town(tmp_path / "home", "kaputt")
    (broken.folder / "profile.toml").write_text("name = 1")

    told = run("check")

    assert told.returncode == 1
    assert "musterstadt: ready" in told.stdout
    assert "letterhead" in told.stdout
    assert run("check", "-m", "musterstadt").returncode == 0
    assert "  look at: services.resident_parking.zones: Lange Str.: no zone holds 22" in told.stdout


def test_check_looks_at_the_key_and_makes_none(run: Run, tmp_path: Path) -> None:
    make_town(tmp_path / "home")
    key = tmp_path / "home" / "secret.key"
    key.unlink(missing_ok=True)
    assert run("check").returncode == 0
    assert not key.exists()  # it would belong to whoever looks, and the service could not read it

    key.touch(mode=0o600)
    told = run("check")

    assert told.returncode == 1
    assert f"Key: 1 problem\n  {key} is empty" in told.stdout
    key.unlink()
    key.symlink_to("/nowhere")
    assert "Key: 1 problem" in run("check").stdout


def test_two_municipalities_with_one_ags_are_not_ready(run: Run, tmp_path: Path) -> None:
    make_town(tmp_path / "home")
    make_town(tmp_path / "home", "musterdorf")

    told = run("check")

    assert told.returncode == 1
    assert "musterstadt: 1 problem\n  ags: musterdorf has the same" in told.stdout
    assert "musterdorf: 1 problem\n  ags: musterstadt has the same" in told.stdout


def test_an_instruction_on_objections_that_gives_a_year_is_not_ready(
    run: Run, tmp_path: Path
) -> None:
    profile = make_town(tmp_path / "home").folder / "profile.toml"
    profile.write_text(profile.read_text().replace("innerhalb eines Monats ", ""))

    told = run("check")

    assert told.returncode == 1
    assert "texts.legal_remedy: does not say by when: „innerhalb eines Monats“" in told.stdout


def test_a_wrong_setting_is_said_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ANTRAGSLOS_BATCH_SIZE=none\n")

    told = process(tmp_path, "from flows.cli import main; main()", "cases")

    assert told.returncode == 1
    assert "ANTRAGSLOS_BATCH_SIZE" in told.stderr
    assert "Traceback" not in told.stderr


def test_looking_waits_for_no_prefect(tmp_path: Path) -> None:
    make_town(tmp_path / "home")
    looks = [
        ["cases"],
        ["check"],
        ["questions", "-m", "musterstadt"],
        ["clerks", "-m", "musterstadt"],
        ["letter", "resident_parking", "--out", str(tmp_path)],
    ]
    program = (
        "import sys\n"
        "from flows.cli import app\n"
        f"for words in {looks!r}: app(words, standalone_mode=False)\n"
        "assert 'prefect' not in sys.modules"
    )
    looked = process(tmp_path, program)

    assert looked.returncode == 0, looked.stderr


def process(folder: Path, program: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """A Python of its own, where that is what matters."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("ANTRAGSLOS_")
    }
    environment |= {"ANTRAGSLOS_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
