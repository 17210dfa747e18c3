"""The clerks' page in a real Chromium, without JavaScript: from the log-in to the second clerk."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tasks.settings import settings
from tests.replies.clerk_town import (
    HOFFMANN,
    LOCKED,
    PASSWORD,
    SLUG,
    WOJCIK,
    app_of,
    case_of,
    make_clerk_town,
    question_of,
    run,
    token_of,
)
from tests.town import Town

CLERKS = "/sachbearbeitung"
SHOTS = os.environ.get("ANTRAGSLOS_SHOTS", "")  # a folder: keeps a picture of every page
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANTRAGSLOS_HOME", str(tmp_path))
    settings.cache_clear()
    return tmp_path


@pytest.fixture
def town(home: Path) -> Town:
    return make_clerk_town(home)


def log_in(page: Page, address: str, sign: str = "sb-1", password: str = PASSWORD) -> None:
    page.goto(address + CLERKS)
    page.get_by_label("Kommune").fill(SLUG)
    page.get_by_label("Zeichen").fill(sign)
    page.get_by_label("Passwort").fill(password)
    press(page, "Anmelden")


def press(page: Page, name: str) -> None:
    """The button, and wait for the page that it leads to."""
    with page.expect_navigation():
        page.get_by_role("button", name=name).click()


def keep(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def test_a_clerk_answers_the_ambiguous_street_and_the_permit_is_switched(
    town: Town, serve: Callable[[Any], str], visit: Callable[..., Any]
) -> None:
    address, window = serve(app_of(town)), visit()
    page = window.page
    page.goto(address + CLERKS)
    keep(page, "01-login")
    log_in(page, address, password="wrong wrong wrong")
    assert "Passwort stimmen nicht" in page.inner_text("main")
    keep(page, "02-login-wrong")
    log_in(page, address)
    keep(page, "03-questions")
    assert "Fragen warten" in page.inner_text("main")
    page.get_by_label("Art der Frage").select_option("zone_ambiguous")
    page.get_by_role("button", name="Auswählen").click()
    keep(page, "04-filtered")
    page.get_by_role("link", name="nicht sicher in einer einzigen").click()
    keep(page, "05-question")
    shown = page.inner_text("main")
    assert "Ilse Marie Hoffmann" in shown
    assert "In der Zonenliste steht: „Mühlenstr" in shown
    page.get_by_role("button", name="Antwort festhalten").click()
    assert "Bitte wählen Sie eine Antwort" in page.inner_text("main")
    keep(page, "06-nothing-chosen")
    page.get_by_label("Die Anschrift liegt in Zone W2").check()
    page.get_by_label("Vermerk").fill("Lageplan angesehen.")
    page.get_by_role("button", name="Antwort festhalten").click()
    assert page.url.endswith("/erledigt")
    keep(page, "07-recorded")
    assert "Ihre Antwort ist festgehalten" in page.inner_text("h1")

    run(town, only_prompted=True)

    assert town.opened.register.get(["BPA-0004/2"])["BPA-0004/2"].zone == "W2"
    page.get_by_role("link", name=case_of(town, HOFFMANN).id).click()
    keep(page, "08-story")
    assert "sb-1" in page.inner_text("pre")
    page.get_by_role("button", name="sb-1 abmelden").click()
    page.goto(f"{address}{CLERKS}/fragen/1")
    assert page.get_by_label("Passwort").is_visible()
    assert window.complaints == [
        said for said in window.complaints if "status of 403" in said or "status of 422" in said
    ]
    assert {url.split("/")[2] for url in window.requests} == {address.split("/")[2]}


def test_with_four_eyes_a_second_clerk_agrees(
    home: Path, serve: Callable[[Any], str], visit: Callable[..., Any]
) -> None:
    town = make_clerk_town(home, four_eyes=True)
    address = serve(app_of(town))
    question = question_of(town, HOFFMANN)
    path = f"{address}{CLERKS}/fragen/{question.id}"
    first, second = visit().page, visit().page
    log_in(first, address, "sb-1")
    first.goto(path)
    first.get_by_label("Die Anschrift liegt in Zone A3").check()
    first.get_by_label("Vermerk").fill("Nach dem Lageplan.")
    first.get_by_role("button", name="Antwort festhalten").click()
    assert "wartet auf eine zweite Person" in first.inner_text("main")
    keep(first, "10-proposed")
    first.goto(path)
    keep(first, "11-own-proposal")
    assert first.get_by_role("button", name="Zustimmen").count() == 0

    log_in(second, address, "sb-2")
    assert "wartet auf eine zweite Person" in second.inner_text("main")
    keep(second, "12-list-with-proposal")
    second.goto(path)
    keep(second, "13-second-pair")
    assert "Nach dem Lageplan." in second.inner_text("main")
    second.get_by_role("button", name="Zustimmen").click()
    keep(second, "14-agreed")
    assert "Sie haben zugestimmt" in second.inner_text("h1")

    answered = question_of(town, HOFFMANN)
    assert (answered.status, answered.answer) == ("answered", "zone:A3")


def test_a_clerk_takes_a_reply_on_the_phone(
    town: Town, serve: Callable[[Any], str], visit: Callable[..., Any]
) -> None:
    address, page = serve(app_of(town)), visit().page
    log_in(page, address)
    page.get_by_role("link", name="Antwort am Telefon").click()
    keep(page, "20-phone")
    page.get_by_label("Code aus dem Schreiben").fill(token_of(town, WOJCIK).short_code.lower())
    for label, text in (("Tag", "30"), ("Monat", "7"), ("Jahr", "1990")):
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_label("Abmeldung", exact=True).check()
    page.get_by_role("button", name="Antwort festhalten").click()
    keep(page, "21-phone-wrong-date")
    assert "Das Geburtsdatum passt nicht" in page.inner_text("main")
    page.get_by_label("Jahr", exact=True).fill("1991")
    page.get_by_role("button", name="Antwort festhalten").click()
    keep(page, "22-phone-recorded")
    assert "Die Antwort der Person ist festgehalten" in page.inner_text("h1")

    run(town, only_prompted=True)
    assert town.opened.register.get(["BPA-0002/2"])["BPA-0002/2"].status == "ended"


@pytest.mark.parametrize(
    ("scheme", "size"),
    [
        ("light", "phone"),
        ("dark", "desk"),
        pytest.param("light", "desk", marks=pytest.mark.thorough),
        pytest.param("dark", "phone", marks=pytest.mark.thorough),
    ],
)
def test_every_page_can_be_used_by_everyone(
    town: Town,
    serve: Callable[[Any], str],
    visit: Callable[..., Any],
    size: str,
    scheme: str,
) -> None:
    """WCAG 2.2 AA by axe, which itself needs JavaScript; the pages do not."""
    wide = {"width": 1280, "height": 900} if size == "desk" else {"width": 360, "height": 740}
    page = visit(java_script_enabled=True, viewport=wide, color_scheme=scheme, bypass_csp=True).page
    address = serve(app_of(town))
    axe, found = Axe(), {}

    def look(name: str) -> None:
        found[name] = [
            (item["id"], [node["target"] for node in item["nodes"]])
            for item in axe.run(page, options=WCAG).response["violations"]
        ]
        wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        found[f"{name} scrolls sideways"] = [wider] if wider > 0 else []
        keep(page, f"axe-{size}-{scheme}-{name}")

    page.goto(address + CLERKS)
    look("login")
    log_in(page, address, password="wrong wrong wrong")
    look("login-wrong")
    log_in(page, address)
    look("questions")
    for name, event in (("ambiguous", HOFFMANN), ("locked", LOCKED)):
        page.goto(f"{address}{CLERKS}/fragen/{question_of(town, event).id}")
        look(name)
    press(page, "Antwort festhalten")
    look("nothing-chosen")
    page.goto(f"{address}{CLERKS}/faelle?fall={case_of(town, WOJCIK).id}")
    look("story")
    page.goto(f"{address}{CLERKS}/faelle?fall=c-none")
    look("no-story")
    page.goto(f"{address}{CLERKS}/antwort")
    look("phone")
    press(page, "Antwort festhalten")
    look("phone-wrong")
    page.goto(f"{address}{CLERKS}/fragen/{question_of(town, HOFFMANN).id}")
    page.get_by_role("radio").first.check()
    press(page, "Antwort festhalten")
    look("recorded")
    page.goto(f"{address}{CLERKS}/fragen/999999")
    look("unknown")

    assert {name: problems for name, problems in found.items() if problems} == {}
