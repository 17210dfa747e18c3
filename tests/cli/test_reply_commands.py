"""What clerks and operators meet at a shell: questions, answers, accounts, and the pages."""

import json
import signal
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli import app
from tasks.review import open_questions
from tasks.settings import settings
from tasks.state.database import reading
from tasks.state.tables import AnswerRow, Clerk
from tests.builders import stated
from tests.flows.reply_town import FIRST, case_of, pages, play
from tests.shell import Said, shell
from tests.town import SLUG, Town, copied, make_town

PASSWORD = "correct horse battery"
Run = Callable[..., Said]


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """After the first week, with the clerks sb-1 and sb-2; once for all tests."""
    home = tmp_path_factory.mktemp("commands") / "home"
    home.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANTRAGSLOS_HOME", str(home))
        settings.cache_clear()
        town = make_town(home, settling_days=0, resolutory_condition=False)
        play(town, *FIRST)
        for sign in ("sb-1", "sb-2"):
            at_shell(("add-clerk", sign, "-m", SLUG, "--password-from", "-"), PASSWORD)
    settings.cache_clear()
    return home


@pytest.fixture
def town(worked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    home = copied(worked, tmp_path / "home")
    monkeypatch.setenv("ANTRAGSLOS_HOME", str(home))
    settings.cache_clear()
    return Town(settings())


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return partial(shell, tmp_path / "home")


def at_shell(words: tuple[str, ...], typed: str = "") -> Result:
    """In this process, where only what is done matters."""
    done = CliRunner().invoke(app, list(words), input=typed, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


def asked(town: Town, code: str) -> str:
    return next(question.case for question in open_questions(town.opened) if question.code == code)


def answers(town: Town) -> list[AnswerRow]:
    from sqlmodel import select

    with reading(town.opened.engine) as session:
        return list(session.exec(select(AnswerRow)))


def test_every_command_says_what_it_is_for(run: Run) -> None:
    listed = run("--help").stdout
    for command in (
        "apply-replies", "replies", "questions", "answer", "add-clerk", "clerks", "remove-clerk",
    ):  # fmt: skip
        assert command in listed
        told = CliRunner().invoke(app, [command, "--help"])
        assert (told.exit_code, len(told.output) > 200) == (0, True)


def test_questions_are_listed_with_what_may_be_answered_and_no_personal_data(
    run: Run, town: Town
) -> None:
    told = run("questions", "-m", SLUG)

    assert told.returncode == 0, told.stderr
    waiting = open_questions(town.opened)
    assert f"{len(waiting)} questions" in told.stdout
    for question in waiting:
        assert question.case in told.stdout
    for word in ("zone:A3", "by_hand", "resident_parking"):
        assert word in told.stdout
    for word in ("Wójcik", "Hoffmann", "BPA-", "1956", "straße"):
        assert word not in told.stdout


def test_an_answer_is_taken_once_and_carried_out_by_apply_replies(
    prefect_server: None, run: Run, town: Town
) -> None:
    case = asked(town, "zone_ambiguous")
    told = run("answer", case, "zone:A3", "-m", SLUG, "--clerk", "sb-1", "--note", "Nachgesehen")

    assert (told.returncode, told.stdout) == (0, f"{case}: zone:A3.\n"), told.stderr
    (answer,) = answers(town)
    assert (answer.by, answer.via, answer.status, answer.note) == (
        "sb-1",
        "shell",
        "valid",
        "Nachgesehen",
    )
    twice = run("answer", case, "zone:W2", "-m", SLUG, "--clerk", "sb-2")
    assert twice.returncode == 1
    assert twice.stderr.startswith(f"question.answered {case}\nSomebody was faster")
    done = run("apply-replies", "-m", SLUG)
    assert (done.returncode, done.stdout) == (0, "NeedsReview: 1 of 1 case needs review\n")
    assert "BPA-0004/2" in town.opened.register.get(["BPA-0004/2"])


def test_with_four_eyes_an_answer_waits_and_the_shell_says_so(run: Run, town: Town) -> None:
    with (town.folder / "profile.toml").open("a") as profile:
        profile.write("[review]\nfour_eyes = true\n")
    case = asked(town, "zone_ambiguous")

    told = run("answer", case, "zone:A3", "-m", SLUG, "--clerk", "sb-1")

    assert told.stdout == f"{case}: zone:A3. A second clerk must agree.\n"
    assert [answer.status for answer in answers(town)] == ["proposed"]


@pytest.mark.parametrize(
    ("case", "choice", "clerk", "said"),
    [
        (
            "c-nirgendwo",
            "by_hand",
            "sb-1",
            "question.unknown c-nirgendwo\nNo question is open there",
        ),
        ("", "zone:Z9", "sb-1", "question.bad_choice CASE\nThe new address can lie in several"),
        ("", "zone:Z9", "sb-1", " It may be answered: zone:A3, zone:W2, by_hand."),
        ("", "by_hand", "sb-9", "review.unknown_clerk musterstadt\nNo clerk has this sign."),
        ("", "by_hand", "Frau Brandt", "review.unknown_clerk musterstadt\nNo clerk has this sign."),
    ],
)
def test_an_answer_that_cannot_be_taken_changes_nothing_and_ends_with_1(
    run: Run, town: Town, case: str, choice: str, clerk: str, said: str
) -> None:
    real = asked(town, "zone_ambiguous")

    told = run("answer", case or real, choice, "-m", SLUG, "--clerk", clerk)

    assert (told.returncode, told.stdout) == (1, "")
    assert said.replace("CASE", real) in told.stderr
    assert answers(town) == []


def test_a_revocation_without_reasons_is_refused_and_with_them_taken(run: Run, town: Town) -> None:
    case = case_of(town).id
    end = ("answer", case, "end", "-m", SLUG, "--clerk", "sb-1")

    told = run(*end, "--note", "Zwei Ausweise braucht niemand.")
    assert told.returncode == 1
    assert told.stderr.startswith(f"question.no_words {case}\n")
    assert "--state public_interest=" in told.stderr
    stating = [f"--state={name}={said}" for name, said in stated().items()]
    assert at_shell((*end, *stating)).exit_code == 0
    assert [json.loads(answer.stated) for answer in answers(town)] == [stated()]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("answer", "c-1", "by_hand", "-m", SLUG), "--clerk"),
        (("answer", "c-1", "-m", SLUG, "--clerk", "sb-1"), "choice"),
        (("questions",), "--municipality"),
        (("apply-replies", "--on", "gestern"), "gestern"),
        (("replies", "--port", "viele"), "--port"),
    ],
)
def test_a_missing_or_wrong_option_is_named(town: Town, words: tuple[str, ...], said: str) -> None:
    told = CliRunner().invoke(app, list(words))

    assert told.exit_code == 2
    assert said in told.output


def test_a_municipality_that_is_not_there_is_said_without_a_traceback(run: Run, town: Town) -> None:
    told = run("questions", "-m", "nirgendwo")

    assert (told.returncode, told.stdout) == (1, "")
    assert "nirgendwo" in told.stderr
    assert "Traceback" not in told.stderr


# Accounts --------------------------------------------------------------------------------------


def test_an_account_is_made_listed_and_shut_and_its_password_never_shown(
    run: Run, town: Town
) -> None:
    add = ("add-clerk", "sb-12", "-m", SLUG, "--password-from", "-")
    made = run(*add, typed=f"{PASSWORD}\n")
    assert (made.returncode, made.stdout) == (0, "sb-12 may log in at musterstadt.\n"), made.stderr
    assert at_shell(add, f"{PASSWORD}!\n").output == "sb-12 has a new password at musterstadt.\n"
    shut = at_shell(("remove-clerk", "sb-12", "-m", SLUG))
    assert shut.output == "sb-12 may no longer log in at musterstadt.\n"
    listed = run("clerks", "-m", SLUG).stdout
    assert [line.split()[1:4:2] for line in listed.splitlines() if "sb-" in line] == [
        ["sb-1", "active"],
        ["sb-12", "removed"],
        ["sb-2", "active"],
    ]
    assert "3 clerks" in listed
    with reading(town.opened.engine) as session:
        stored = session.get_one(Clerk, (SLUG, "sb-12")).password
    assert all(secret not in listed for secret in (PASSWORD, stored))
    told = run("answer", asked(town, "zone_ambiguous"), "by_hand", "-m", SLUG, "--clerk", "sb-12")
    assert told.returncode == 1
    assert told.stderr.startswith("review.unknown_clerk musterstadt\n")


@pytest.mark.parametrize(
    ("words", "typed", "said"),
    [
        (("add-clerk", "Frau-Brandt"), PASSWORD, "clerk.bad_sign"),
        (("add-clerk", "sb-3"), "zu kurz", "clerk.bad_password sb-3"),
        (("add-clerk", "sb-3"), "", "clerk.bad_password sb-3"),
        (("remove-clerk", "sb-9"), "", "clerk.unknown sb-9"),
    ],
)
def test_an_account_that_cannot_be_is_refused_without_repeating_what_was_typed(
    run: Run, town: Town, words: tuple[str, ...], typed: str, said: str
) -> None:
    more = ("--password-from", "-") if words[0] == "add-clerk" else ()

    told = run(*words, "-m", SLUG, *more, typed=typed)

    assert (told.returncode, told.stderr.splitlines()[0]) == (1, said)
    assert "Brandt" not in told.stderr
    assert not typed or typed not in told.stderr


# The pages -------------------------------------------------------------------------------------


def test_a_port_that_is_taken_is_said_and_ends_with_1(run: Run, town: Town) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = run("replies", "--port", port)

    assert told.returncode == 1
    assert told.stdout == ""
    assert (
        told.stderr
        == f"Port {port} of 127.0.0.1 is taken or not allowed: choose another with --port.\n"
    )


def test_an_address_that_is_not_ours_is_said_and_ends_with_1(town: Town) -> None:
    for host, port in (("192.0.2.1", "8399"), ("127.0.0.1", "99999"), ("::1%nirgendwo", "8399")):
        told = CliRunner().invoke(app, ["replies", "--host", host, "--port", port])
        assert told.exit_code == 1
        assert told.output.startswith(f"Port {port} of {host} is taken or not allowed")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_pages_end_quietly_when_they_are_stopped(town: Town, number: signal.Signals) -> None:
    with pages(town) as served:
        address = str(served.resident.base_url)
        assert served.open("/").status_code == 200
        code, out, err = served.stop(number)

    assert code in (0, 128 + number, -number)
    assert err == ""
    assert f"Clerks: {address}/sachbearbeitung" in out


def test_the_pages_refuse_to_start_with_a_wrong_setting(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ANTRAGSLOS_PUBLIC_URL=stadt.example\n")

    told = run("replies")

    assert told.returncode == 1
    assert "ANTRAGSLOS_PUBLIC_URL" in told.stderr
    assert "Traceback" not in told.stderr
