"""The residents' page in a real Chromium: the whole way without JavaScript, and what WCAG asks."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tasks.domain.reply import ReplyKind, Scope
from tests.browser.conftest import Window
from tests.replies.fake_desk import CARD, PARKING, Entry, FakeDesk
from tests.replies.visitor import app_for

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE = {"width": 320, "height": 640}
WIDE = {"width": 1024, "height": 768}
ANSWERS = ("abmelden", "stimmt-nicht", "widerspruch", "kuenftig-nicht")


class Town:
    def __init__(self, address: str, desk: FakeDesk) -> None:
        self.address, self.desk = address, desk

    def come_in(self, page: Page, entry: Entry, plain: bool = False) -> None:
        page.goto(f"{self.address}/a/{entry.secret}{'?einfach=1' if plain else ''}")
        page.get_by_label("Tag").fill("29")
        page.get_by_label("Monat").fill("2")
        page.get_by_label("Jahr").fill("1964")
        page.get_by_role("button", name="Weiter").click()
        page.wait_for_url("**/brief*")


@pytest.fixture
def town(serve: Callable[[object], str]) -> Town:
    desk = FakeDesk()
    return Town(serve(app_for(desk)), desk)


def press(page: Page) -> None:
    """The first button of the page, and wait for what it leads to."""
    with page.expect_navigation():
        page.locator("main button").first.click()


def walk(town: Town, page: Page, plain: bool) -> Iterator[str]:
    """Every page that there is, one after the other."""
    entry = town.desk.add_letter(PARKING, CARD)
    suffix = "?einfach=1" if plain else ""
    page.goto(f"{town.address}/{suffix}")
    yield "code"
    press(page)
    yield "code with a slip"
    page.goto(f"{town.address}/a/{entry.secret}{suffix}")
    yield "birth date"
    press(page)
    yield "birth date with a slip"
    town.come_in(page, entry, plain)
    yield "letter"
    for answer in ANSWERS:
        page.goto(f"{town.address}/brief/c-parken/{answer}{suffix}")
        yield answer
        if answer != "widerspruch":
            press(page)
            yield f"{answer} with a slip"
        if page.locator("input[type=radio]").count():
            page.locator("input[type=radio]").first.check()
        if page.locator("textarea").count():
            page.locator("textarea").fill("Ich wohne noch da.\nUnterdemselbenDachwieimmer" * 3)
        press(page)
        yield f"{answer}, to confirm"
        press(page)
        page.wait_for_url("**/beleg/*")
        yield f"{answer}, receipt"
    page.goto(f"{town.address}/brief{suffix}")
    yield "letter, answered"
    page.goto(f"{town.address}/ende{suffix}")
    yield "end"
    press(page)
    yield "ended"
    page.goto(f"{town.address}/nix{suffix}")
    yield "no such page"


# --- the whole way, without JavaScript -----------------------------------------------------------


def test_a_resident_deregisters_from_the_link_to_the_receipt(
    town: Town, visit: Callable[..., Window]
) -> None:
    entry = town.desk.add_letter()
    page = visit().page
    town.come_in(page, entry)
    assert urlsplit(page.url).path == "/brief"
    page.get_by_role("link", name="Bewohnerparkausweis abmelden").click()
    page.get_by_label("Nur dieses Mal abmelden").check()
    page.get_by_role("button", name="Weiter").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Bitte prüfen Sie Ihre Antwort")
    assert town.desk.recorded == []
    page.get_by_role("button", name="Verbindlich absenden").click()
    expect(page.get_by_text("r-11")).to_be_visible()
    page.reload()
    assert town.desk.recorded == [(entry.door, "c-parken", ReplyKind.DEREGISTER, Scope.CASE, "")]

    page.get_by_role("link", name="Zurück zum Schreiben").click()
    expect(page.get_by_text("Abgemeldet am 24. November 2026, 14:05 Uhr")).to_be_visible()
    page.get_by_role("button", name="Seite verlassen").click()
    page.go_back()
    page.reload()
    expect(page.get_by_text("MU-LW 91")).to_have_count(0)


def test_a_resident_with_paper_types_the_code_and_says_that_something_is_wrong(
    town: Town, visit: Callable[..., Window]
) -> None:
    entry = town.desk.add_letter()
    page = visit().page
    page.goto(town.address)
    page.get_by_label("Code").fill(entry.code.lower())
    page.get_by_role("button", name="Weiter").click()
    for label, typed in (("Tag", "29"), ("Monat", "2"), ("Jahr", "1964")):
        page.get_by_label(label).fill(typed)
    page.get_by_role("button", name="Weiter").click()
    page.get_by_role("link", name="Das stimmt nicht").click()
    words = "Ich bin nicht umgezogen.\n\n„Zone 12“ ist falsch <b>&</b> ärgerlich."
    page.get_by_label("Was stimmt nicht?").fill(words)
    page.get_by_role("button", name="Weiter").click()
    page.get_by_role("button", name="Ändern").click()
    expect(page.get_by_label("Was stimmt nicht?")).to_have_value(words)
    page.get_by_role("button", name="Weiter").click()
    page.get_by_role("button", name="Verbindlich absenden").click()
    page.wait_for_url("**/beleg/r-11")
    assert town.desk.recorded == [(entry.door, "c-parken", ReplyKind.WRONG, Scope.CASE, words)]


def test_a_resident_announces_an_objection_and_prints_the_letter_to_sign(
    town: Town, visit: Callable[..., Window]
) -> None:
    page = visit().page
    town.come_in(page, town.desk.add_letter())
    page.get_by_role("link", name="Widerspruch ankündigen").click()
    expect(page.get_by_role("heading", name="noch kein Widerspruch")).to_be_visible()
    expect(page.get_by_text("innerhalb eines Monats nach seiner Bekanntgabe")).to_be_visible()
    page.get_by_role("button", name="Weiter").click()
    page.get_by_role("button", name="Verbindlich absenden").click()
    page.wait_for_url("**/beleg/r-11")
    page.emulate_media(media="print")
    expect(page.get_by_text("erhebe ich Widerspruch")).to_be_visible()
    expect(page.get_by_role("link", name="Zurück zum Schreiben")).to_be_hidden()
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf())) == 2  # receipt, and the letter alone
    page.emulate_media(media="screen")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Beleg als Datei speichern").click()
    assert saved.value.suggested_filename == "beleg-r-11.txt"


@pytest.mark.parametrize(
    ("choice", "scope"),
    [("Nur bei dieser Leistung", Scope.SERVICE), ("und bei allen, die nur", Scope.INFORMATION)],
)
def test_a_resident_wants_nothing_done_unasked_in_future(
    town: Town, visit: Callable[..., Window], choice: str, scope: Scope
) -> None:
    entry = town.desk.add_letter()
    page = visit().page
    town.come_in(page, entry)
    page.get_by_role("link", name="Künftig nicht mehr ohne Antrag").click()
    page.get_by_label(choice).check()
    page.get_by_role("button", name="Weiter").click()
    page.get_by_role("button", name="Verbindlich absenden").click()
    page.wait_for_url("**/beleg/r-11")
    assert town.desk.recorded == [(entry.door, "c-parken", ReplyKind.OPT_OUT, scope, "")]


def test_a_keyboard_is_enough(town: Town, visit: Callable[..., Window]) -> None:
    page = visit().page
    page.goto(f"{town.address}/a/{town.desk.add_letter().secret}")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Zum Inhalt")).to_be_focused()
    expect(page.get_by_role("link", name="Zum Inhalt")).to_be_in_viewport()
    page.keyboard.press("Enter")
    for typed in ("29", "2", "1964"):
        page.keyboard.press("Tab")
        page.keyboard.type(typed)
    page.keyboard.press("Enter")
    page.wait_for_url("**/brief")


def test_whatever_has_the_keyboards_focus_is_seen_to_have_it(
    town: Town, visit: Callable[..., Window]
) -> None:
    page = visit(java_script_enabled=True, viewport=WIDE, reduced_motion="reduce").page
    pages, stops = {"birth date", "letter", "kuenftig-nicht"}, 0
    for name in walk(town, page, plain=False):
        if name not in pages:
            continue
        page.mouse.click(0, 0)  # the keyboard begins at the top again
        page.keyboard.press("Tab")
        while page.evaluate("document.activeElement !== document.body"):
            page.evaluate("window.was = document.activeElement")
            seen = page.screenshot()
            page.evaluate("was.blur()")
            assert page.screenshot() != seen, f"{name}: {page.evaluate('was.outerHTML')}"
            page.evaluate("was.focus()")
            page.keyboard.press("Tab")
            stops += 1
    assert stops > 20


def test_a_slip_puts_the_focus_on_the_summary_which_leads_to_the_field(
    town: Town, visit: Callable[..., Window]
) -> None:
    page = visit().page
    page.goto(f"{town.address}/a/{town.desk.add_letter().secret}")
    page.get_by_label("Jahr").fill("64")
    page.get_by_role("button", name="Weiter").click()
    expect(page).to_have_title(re.compile("^Fehler: "))
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_role("alert").get_by_role("link").click()
    expect(page.get_by_label("Jahr")).to_be_focused()


# --- for everybody -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "plain",
    [False, pytest.param(True, marks=pytest.mark.thorough)],
    ids=["usual", "plain"],
)
def test_every_page_keeps_the_rules_of_wcag_in_light_and_in_dark(
    town: Town, visit: Callable[..., Window], plain: bool
) -> None:
    # The checker is a script of its own; the page's policy would refuse it.
    page = visit(java_script_enabled=True, bypass_csp=True, reduced_motion="reduce").page
    axe, looked = Axe(), 0
    for name in walk(town, page, plain):
        page.emulate_media(color_scheme="light")
        found = axe.run(page, options={"runOnly": {"type": "tag", "values": RULES}})
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
        page.emulate_media(color_scheme="dark")  # which changes colours and nothing else
        found = axe.run(page, options={"runOnly": {"type": "rule", "values": ["color-contrast"]}})
        assert found.violations_count == 0, f"{name}, dark: {found.generate_report()}"
        looked += 1
    assert looked == 24


@pytest.mark.parametrize(
    "plain",
    [pytest.param(False, marks=pytest.mark.thorough), True],
    ids=["usual", "plain"],
)
def test_no_page_needs_sideways_scrolling_at_320_pixels_or_complains_or_asks_another_host(
    town: Town, visit: Callable[..., Window], plain: bool
) -> None:
    window = visit(java_script_enabled=True, viewport=PHONE)
    for name in walk(town, window.page, plain):
        width = window.page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], name
        small = window.page.evaluate(
            """[...document.querySelectorAll("button, input:not([type=hidden]), .button, .tool")]
            .map(e => e.getBoundingClientRect())
            .filter(r => r.height && (r.height < 24 || r.width < 24)).length"""
        )
        assert small == 0, name
    hosts = {urlsplit(address).netloc for address in window.requests}
    assert hosts == {urlsplit(town.address).netloc}
    # The browser notes the status of a page that was meant to be refused.
    unmeant = [
        said for said in window.complaints if "the server responded with a status" not in said
    ]
    assert unmeant == []


def test_no_page_has_a_script_an_inline_style_or_anything_from_elsewhere(
    town: Town, visit: Callable[..., Window]
) -> None:
    page = visit().page
    for name in walk(town, page, plain=False):
        text = page.content()
        assert not re.search(r"<script|\sstyle=|<style|\son\w+=|<img|<iframe|://", text), name


def test_a_page_may_set_one_cookie_which_no_script_reads(
    town: Town, visit: Callable[..., Window]
) -> None:
    page = visit(java_script_enabled=True).page
    town.come_in(page, town.desk.add_letter())
    (cookie,) = page.context.cookies()
    assert cookie["name"] == "antragslos"
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert page.evaluate("document.cookie") == ""
