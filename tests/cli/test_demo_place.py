"""The demo reaches nothing but its own folder and its own ports."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.demo.place import HOST, Place, alone_in, environment, next_free_port
from tasks.errors import PermanentError


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind((HOST, 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_taken_port_gives_the_next_free_one(taken: int, tmp_path: Path) -> None:
    place = Place.choose(tmp_path, taken, taken, taken)
    assert taken < place.port < place.mail_port < place.reply_port
    assert place.asked_port == taken


def test_a_free_port_is_taken_as_it_is(taken: int, tmp_path: Path) -> None:
    free = next_free_port(taken)
    assert Place.choose(tmp_path, free, 8025, 8300).port == free
    assert Place.choose(tmp_path, free, 8025, 8300).asked_port == 0


def test_after_the_last_port_there_is_none() -> None:
    with pytest.raises(PermanentError, match=r"demo\.no_free_port"):
        next_free_port(65536)


def test_a_place_survives_its_way_to_a_new_process(tmp_path: Path) -> None:
    place = Place(tmp_path, 4300, 8030, 8301, 4200)
    assert Place.from_arguments(*place.arguments()) == place


def test_no_setting_of_the_user_reaches_the_demo(tmp_path: Path) -> None:
    outer = {
        "PATH": "/bin",
        "PREFECT_API_URL": "https://prefect.example/api",
        "PREFECT_API_KEY": "secret",
        "ANTRAGSLOS_DATABASE_URL": "postgresql://real",
        "ANTRAGSLOS_BATCH_SIZE": "1",
        "NO_PROXY": "intern.example",
    }
    place = Place(tmp_path, 4300, 8030, 8301)
    inner = environment(place, outer)
    assert inner["PATH"] == "/bin"
    assert "PREFECT_API_KEY" not in inner
    assert inner["ANTRAGSLOS_DATABASE_URL"] == ""  # empty wins over a .env file, absent does not
    assert inner["PREFECT_API_URL"] == "http://127.0.0.1:4300/api"
    assert inner["NO_PROXY"] == "intern.example,127.0.0.1"
    for name in ("ANTRAGSLOS_HOME", "PREFECT_HOME", "PREFECT_SERVER_DATABASE_CONNECTION_URL"):
        assert str(tmp_path) in inner[name]


def test_two_demos_never_share_a_folder(tmp_path: Path) -> None:
    with (
        alone_in(tmp_path),
        pytest.raises(PermanentError, match=r"demo\.running_already"),
        alone_in(tmp_path),
    ):
        pass
    with alone_in(tmp_path):
        pass


def test_the_demos_log_in_is_kept_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    place = Place(tmp_path / "home", 4300, 8030, 8301)
    login = place.login()
    assert place.login() == login
    assert place.login_file.stat().st_mode & 0o777 == 0o600
    assert environment(place, {})["PREFECT_SERVER_API_AUTH_STRING"] == login
    assert environment(place, {})["PREFECT_API_AUTH_STRING"] == login


@pytest.mark.parametrize("spoil", ["emptied", "readable", "link"])
def test_a_log_in_that_is_not_secret_is_made_anew(tmp_path: Path, spoil: str) -> None:
    place, foreign = Place(tmp_path, 4300, 8030, 8301), tmp_path / "foreign"
    login = place.login()
    if spoil == "emptied":
        place.login_file.write_text("")
    elif spoil == "readable":
        place.login_file.chmod(0o644)
    else:
        place.login_file.rename(foreign)
        place.login_file.symlink_to(foreign)

    assert place.login() != login
    assert len(place.login()) > 40
    assert place.login_file.lstat().st_mode & 0o777 == 0o600
