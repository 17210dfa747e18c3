"""No personal data in the orchestrator: planted names are searched in all that Prefect keeps."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prefect.settings import get_current_settings
from sqlalchemy import make_url

from tasks.records.sql import SqlPermitRegister
from tests.town import DELIVERIES, make_town

# Names, birth dates, registry keys, plates, permit numbers, streets and addresses of the samples,
# and what is planted below.
PLANTED = [
    "Brandt", "Wójcik", "Yılmaz", "Hoffmann", "Petersen", "Zöllner", "Lindner", "Schuster",
    "Albrecht", "Seidel", "Neumann", "Sukarni", "Rahimi", "Łukasz", "Antje",
    "000000010017", "000000010025", "1984-03-12", "1991-07-30", "ZZ-MU", "BPA-00",
    "Wollenweber", "Altschmiede", "Kröpeliner", "Mönchen", "kanarienvogel",
]  # fmt: skip
ROOT = Path(__file__).resolve().parents[2]
# Without the pauses in which a mail server may come back.
DELIVER = """
from tasks.send import send_letters
send_letters.retry_delay_seconds = [0, 0]
from flows.cli import main
main()
"""
EMAIL = "kanarienvogel@residents.example"


def permits_with_email(path: Path) -> Path:
    """Everybody has consented to e-mail, and no mail server answers."""
    lines = [json.loads(line) for line in (DELIVERIES / "permits-sample.jsonl").open()]
    more = {"email": EMAIL, "email_consent": True}
    path.write_text("\n".join(json.dumps(line | more) for line in lines))
    return path


def everything_prefect_keeps() -> list[tuple[str, bytes]]:
    current = get_current_settings()
    url = str(current.server.database.connection_url.get_secret_value())
    database = Path(make_url(url).database or "")
    assert database.exists()
    files = [path for path in database.parent.glob(f"{database.name}*") if path.is_file()]
    for folder in {
        Path(os.environ["PREFECT_HOME"]),
        current.home,
        current.results.local_storage_path,
    }:
        files += [path for path in Path(folder).rglob("*") if path.is_file()]
    return [(str(path), path.read_bytes()) for path in set(files)]


def found_in(texts: list[tuple[str, bytes]]) -> list[tuple[str, str]]:
    encoded = [
        (name, form)
        for name in PLANTED
        for form in {name.encode(), json.dumps(name)[1:-1].encode()}
    ]
    return [(name, where) for where, text in texts for name, form in encoded if form in text]


def test_no_personal_data_reaches_prefect_in_good_days_and_in_bad(
    home: Path,
    deliver: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTRAGSLOS_SMTP_URL", "mailto://127.0.0.1:9")  # nobody listens there
    from tasks.act import act_cases
    from tasks.send import send_letters
    from tasks.settings import settings

    settings.cache_clear()
    monkeypatch.setattr(send_letters, "retry_delay_seconds", [0, 0])
    monkeypatch.setattr(act_cases, "retry_delay_seconds", [0, 0])
    town = make_town(home, settling_days=0, permits=permits_with_email(home / "permits.jsonl"))
    town.put("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
    assert deliver("2026-11-20").name == "PartiallyFailed"  # the mail server is out of reach

    town.put("bad/05-falscher-ags-datensatz.xml")  # one record is quarantined
    # A rule that breaks with a resident's data in its message.
    from tasks.services import resident_parking

    real = resident_parking.service.decide

    def broken(situation: Any, *rest: Any) -> Any:
        if situation.delta.event == "E0009-0001":
            raise ValueError(f"cannot decide for {situation.now}")
        return real(situation, *rest)

    object.__setattr__(resident_parking.service, "decide", broken)
    try:
        assert deliver("2026-11-21").name == "PartiallyFailed"
    finally:
        object.__setattr__(resident_parking.service, "decide", real)

    # A record system that breaks with a resident's data in its message.
    def broken_register(register: SqlPermitRegister, keys: object) -> object:
        raise ValueError(f"no permit for Antje Brandt, {keys}")

    monkeypatch.setattr(SqlPermitRegister, "by_keys", broken_register)
    town.put("0004-paket1.xml", "0004-paket2.xml")
    assert "internal.ValueError" in deliver("2026-11-22").message

    kept = everything_prefect_keeps()
    assert any(b"needs_review" in text for _, text in kept), "looked in the wrong place"
    assert found_in(kept) == []


def test_no_personal_data_is_in_the_output_of_a_run_that_fails(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    town = make_town(home, settling_days=0, permits=permits_with_email(tmp_path / "permits.jsonl"))
    town.put("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
    environment = {key: os.environ[key] for key in os.environ if not key.startswith("ANTRAGSLOS_")}
    environment |= {
        "ANTRAGSLOS_HOME": str(home),
        "ANTRAGSLOS_SMTP_URL": "mailto://127.0.0.1:9",  # nobody listens there
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PYTHONPATH": str(ROOT),
    }
    run = subprocess.run(
        [sys.executable, "-c", DELIVER, "deliver", "-m", town.slug, "--on", "2026-11-20"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        check=False,
        timeout=120,
    )

    assert run.returncode == 1
    assert b"channel.smtp_unreachable" in run.stderr
    assert b"PartiallyFailed" in run.stderr
    assert found_in([("stdout", run.stdout), ("stderr", run.stderr)]) == []


def test_the_search_would_find_a_name(deliver: Callable[..., Any]) -> None:
    from prefect import flow

    @flow
    def leaky(name: str) -> None:
        pass

    leaky("kanarienvogel")

    assert ("kanarienvogel") in {name for name, _ in found_in(everything_prefect_keeps())}
