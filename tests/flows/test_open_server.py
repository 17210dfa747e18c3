"""A Prefect server without a log-in, as tests have one and as Prefect starts by default."""

import logging
import shutil
from collections.abc import Callable
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.settings import get_current_settings
from prefect.workers.process import ProcessWorker

from flows._login import ANY_PAGE, NO_LOGIN, OPEN_POOL, POOL, POOL_TEMPLATE, problems_of
from flows.demo.runs import make_pool
from tests.shell import shell
from tests.town import DELIVERIES, Town


def api() -> str:
    url = get_current_settings().api.url
    assert url
    return url


@pytest.fixture
def prefects_own_pool() -> Any:
    """As a worker makes it that finds none."""
    template = ProcessWorker.get_default_base_job_template()
    with get_client(sync_client=True) as client:
        client.create_work_pool(
            WorkPoolCreate(name=POOL, type="process", base_job_template=template)
        )
        yield client
        client.delete_work_pool(POOL)


def test_every_run_says_that_prefect_lets_anybody_in(
    town: Town, deliver: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "prefect.flow_runs"):
        deliver("2026-11-20")

    assert f"Prefect's API {NO_LOGIN}" in caplog.messages


@pytest.mark.parametrize(("kept", "mode"), [("", 0o600), ("k" * 31, 0o600), ("k" * 64, 0o604)])
def test_a_run_with_a_bad_key_does_nothing(
    town: Town, deliver: Callable[..., Any], kept: str, mode: int
) -> None:
    path = town.settings.home / "secret.key"
    path.write_text(kept)
    path.chmod(mode)
    delivery = town.folder / "inbox" / "0001.xml"
    shutil.copy(DELIVERIES / "0001-gesamtlieferung.xml", delivery)

    assert deliver("2026-11-20").is_failed()
    assert delivery.exists()


def test_check_fails_where_prefect_lets_anybody_in(
    town: Town, prefects_own_pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", api())
    told = shell(town.settings.home, "check")

    problems = "".join(f"  its API {one}\n" for one in (NO_LOGIN, ANY_PAGE, OPEN_POOL))
    assert told.stdout.startswith(f"Prefect: 3 problems\n{problems}{town.slug}: ready\n")
    assert told.returncode == 1


def test_a_pool_that_takes_a_command_is_put_right_at_the_next_start(prefects_own_pool: Any) -> None:
    make_pool(prefects_own_pool)

    assert prefects_own_pool.read_work_pool(POOL).base_job_template == POOL_TEMPLATE
    assert OPEN_POOL not in problems_of(api(), "")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:9/api", "Connection refused"),
        ("http://amt:geheim@prefect.intern/api", "no such address"),
    ],
)
def test_check_says_that_it_could_not_ask_and_never_repeats_the_address(
    town: Town, monkeypatch: pytest.MonkeyPatch, url: str, said: str
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", url)
    told = shell(town.settings.home, "check")

    assert told.returncode == 0
    assert said in told.stdout.splitlines()[0]
    assert "geheim" not in told.stdout + told.stderr
