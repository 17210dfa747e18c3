"""From the letter in somebody's hands to the permit and the letter that confirms it, on real parts.

Deliveries are played, letters lie in the spool as PDF, the pages run on a port as `antragslos
replies` serves them, and people use Chromium without JavaScript. The dates of the deliveries are
moved to this very day, since the pages look at the clock.
"""

import sqlite3
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pikepdf
import pytest
from fastapi import FastAPI
from playwright.sync_api import Page, expect
from sqlmodel import select

from flows.demo.town import shift_dates
from tasks.domain.person import Person, PersonKey
from tasks.domain.record import Permit
from tasks.serve import reply_pages
from tasks.settings import settings
from tasks.stage import Counts
from tasks.state.clerks import add_clerk
from tasks.state.database import reading, writing
from tasks.state.documents import load_person
from tasks.state.tables import PersonRow
from tests.browser.conftest import Window
from tests.delivery_writer import Sent, write_delivery
from tests.letters.pdf_reading import text_of
from tests.letters.test_reply_letters import sampled
from tests.town import DELIVERIES, Town, make_town

BERLIN = ZoneInfo("Europe/Berlin")
WRITTEN = date(2026, 11, 23)  # the day of delivery 2, as its file says
FULL, CHANGES = "0001-gesamtlieferung.xml", "0002-deltalieferung.xml"
PASSWORD = "correct horse battery"
DAY_MONTH_YEAR = tuple[str, str, str]
# Łukasz Wójcik, whose permit was switched from A3 to A2, and Ilse Marie Hoffmann, whose new street
# lies in two zones.
WOJCIK, HOFFMANN = PersonKey("09000009", "000000010025"), PersonKey("09000009", "000000010041")
WOJCIK_BORN, HOFFMANN_BORN = ("30", "7", "1991"), ("2", "11", "1956")
BRANDT_BORN = ("12", "3", "1984")
SWITCHED, STREETS = "BPA-0002/2", ("Kröpeliner", "Wollenweber", "Mühlenstr")
CLERKS = "/sachbearbeitung"


@dataclass
class Life:
    """A town whose pages are open."""

    town: Town
    address: str
    app: FastAPI

    def deliver(self, *names: str) -> None:
        shift = (today() - WRITTEN).days
        for name in names:
            text = (DELIVERIES / name).read_text(encoding="utf-8")
            (self.town.folder / "inbox" / name).write_text(shift_dates(text, shift), "utf-8")

    def registry_says(self, number: int, code: str, person: Person) -> None:
        """A delivery with one record."""
        at = datetime.now(BERLIN)
        sent = Sent(f"E{number:04d}-0001", at, code, person)
        path = self.town.folder / "inbox" / f"{number:04d}.xml"
        write_delivery(path, number, [sent], created_at=at)

    def person(self, key: PersonKey) -> Person:
        with reading(self.town.opened.engine) as session:
            row = session.exec(select(PersonRow).where(PersonRow.number == key.number)).one()
        person = load_person(row.snapshot)
        assert person
        return person

    def permit(self, number: str) -> Permit:
        return self.town.opened.register.get([number])[number]

    def letters(self) -> set[Path]:
        return set((self.town.folder / "spool").glob("*.pdf"))

    def letter(self, *words: str) -> bytes:
        """The one letter in the spool that has all of these words."""
        found = [path.read_bytes() for path in self.letters()]
        (letter,) = [pdf for pdf in found if all(word in text_of(pdf) for word in words)]
        return letter

    def run(self) -> Counts:
        """What the next run of deliver-services does."""
        return self.town.run_day(today(), strict=True)

    def apply_replies(self) -> Counts:
        return self.town.run_replies(today(), strict=True)

    def replies_run(self) -> bytes:
        """The run of apply-replies that comes next, and the one letter that it sends."""
        before = self.letters()
        self.apply_replies()
        (new,) = self.letters() - before
        return new.read_bytes()

    def rows(self) -> dict[str, list[Any]]:
        """Every row of every table: of the state, and of the permit register."""
        found: dict[str, list[Any]] = {}
        for path in sorted(self.town.settings.home.rglob("*.db")):
            with closing(sqlite3.connect(path)) as database:
                query = "SELECT name FROM sqlite_master WHERE type = 'table'"
                for (table,) in database.execute(query).fetchall():
                    rows = database.execute(f'SELECT * FROM "{table}"').fetchall()
                    found[f"{path.name} {table}"] = sorted(map(repr, rows))
        return found


def today() -> date:
    return datetime.now(BERLIN).date()


@pytest.fixture
def opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[[Any], str]
) -> Iterator[Callable[..., Life]]:
    monkeypatch.setenv("ANTRAGSLOS_HOME", str(tmp_path))
    settings.cache_clear()

    def make(extra: str = "") -> Life:
        app = reply_pages(settings())
        address = serve(app)
        monkeypatch.setenv("ANTRAGSLOS_PUBLIC_URL", address)
        settings.cache_clear()
        permits = tmp_path / "permits.jsonl"
        text = (DELIVERIES / "permits-sample.jsonl").read_text(encoding="utf-8")
        permits.write_text(shift_dates(text, (today() - WRITTEN).days), encoding="utf-8")
        town = make_town(tmp_path, settling_days=0, permits=permits, extra=extra)
        with writing(town.opened.engine) as session:
            for sign in ("sb-1", "sb-2"):
                add_clerk(session, town.slug, sign, PASSWORD)
        return Life(town, address, app)

    yield make
    settings.cache_clear()


@pytest.fixture
def life(opened: Callable[..., Life]) -> Life:
    """Wójcik has the letter about his permit in zone A2, and clerks have questions."""
    life = opened()
    life.deliver(FULL, CHANGES)
    life.run()
    assert (life.permit(SWITCHED).zone, life.permit(SWITCHED).status) == ("A2", "active")
    return life


# --- what people do ------------------------------------------------------------------------------


def link_in(pdf: bytes) -> str:
    """The address that a click in the PDF opens."""
    with pikepdf.open(BytesIO(pdf)) as document:
        found = [
            str(note.A.URI)
            for page in document.pages
            for note in page.get("/Annots", [])
            if "/A" in note and "/URI" in note.A
        ]
    (address,) = {address for address in found if address.startswith("http")}
    return address


def code_in(pdf: bytes) -> str:
    """The short code, as it is printed after the words that say what it is for."""
    text = text_of(pdf)
    (code,) = {word for word in text.split() if len(word) == 12 and word[4::5] == "--"}
    return code


def unlock(page: Page, born: DAY_MONTH_YEAR) -> None:
    for label, typed in zip(("Tag", "Monat", "Jahr"), born, strict=True):
        page.get_by_label(label, exact=True).fill(typed)
    page.get_by_role("button", name="Weiter").click()
    page.wait_for_url("**/brief")


def said(page: Page) -> str:
    """All words of the page, with single blanks and plain hyphens."""
    return " ".join(page.inner_text("body").replace("\u2011", "-").split())


def send_off(page: Page) -> str:
    """Through the step on which one checks, to the receipt; returns its number."""
    page.get_by_role("button", name="Weiter zur Prüfung").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Bitte prüfen Sie Ihre Antwort")
    page.get_by_role("button", name="Verbindlich absenden").click()
    page.wait_for_url("**/beleg/r-*")
    number = page.url.rpartition("/")[2]
    expect(page.get_by_text(number)).to_be_visible()
    return number


def deregister(page: Page) -> str:
    page.get_by_role("link", name="Bewohnerparken abmelden").click()
    page.get_by_label("Nur dieses Mal abmelden").check()
    return send_off(page)


def log_in(page: Page, life: Life, sign: str = "sb-1") -> None:
    page.goto(life.address + CLERKS)
    page.get_by_label("Kommune").fill(life.town.slug)
    page.get_by_label("Zeichen").fill(sign)
    page.get_by_label("Passwort").fill(PASSWORD)
    page.get_by_role("button", name="Anmelden").click()
    expect(page.get_by_role("link", name="Antwort am Telefon")).to_be_visible()


def question(page: Page, name: str) -> str:
    """Opens the open question whose sentence has these words."""
    page.get_by_role("link", name=name).first.click()
    page.wait_for_url("**/fragen/*")
    return page.inner_text("main")


# --- residents -----------------------------------------------------------------------------------


def test_from_the_letters_code_to_the_ended_permit_and_its_confirmation(
    life: Life, visit: Callable[..., Window]
) -> None:
    letter = life.letter("Wójcik", "Zone A2")
    address = link_in(letter)
    assert address.startswith(f"{life.address}/a/")
    assert sampled(letter, address)  # the drawn QR code leads to the same address

    window = visit()
    page = window.page
    page.goto(address)
    assert "Zone" not in said(page)  # nothing before the second factor
    unlock(page, WOJCIK_BORN)
    assert address.rpartition("/")[2] not in page.url
    assert "auf die Zone A2 umgestellt" in said(page)
    assert "ZZ-MU 102" in said(page)
    assert not [street for street in STREETS if street in said(page)]
    assert not [street for street in STREETS if street in page.content()]

    number = deregister(page)
    assert life.permit(SWITCHED).status == "active"  # the page only records

    confirmation = life.replies_run()
    permit = life.permit(SWITCHED)
    assert (permit.status, permit.valid_until) == ("ended", today())
    text = text_of(confirmation)
    assert "Ihre Abmeldung ist erledigt" in text
    assert SWITCHED in text

    page.goto(link_in(confirmation))
    unlock(page, WOJCIK_BORN)
    assert "Ihre Abmeldung ist erledigt" in said(page)
    assert page.get_by_role("link", name="abmelden").count() == 0
    page.goto(address)
    unlock(page, WOJCIK_BORN)
    assert number in said(page)
    assert page.get_by_role("link", name="abmelden").count() == 0
    assert window.complaints == []
    assert {url.split("/")[2] for url in window.requests} == {life.address.split("/")[2]}
    assert life.apply_replies() == Counts()


def test_an_address_that_the_letter_prints_is_not_on_the_page(
    life: Life, visit: Callable[..., Window]
) -> None:
    letter = life.letter("Brandt", "Anschrift eingetragen")
    assert "Neue Anschrift Altschmiedestraße 5" in text_of(letter)
    page = visit().page
    page.goto(link_in(letter))
    unlock(page, BRANDT_BORN)
    assert "Zone A3 (wie bisher)" in said(page).replace("\t", " ")
    assert "Altschmiede" not in page.content()
    assert "Wollenweber" not in page.content()


def test_from_paper_the_short_code_does_the_same(life: Life, visit: Callable[..., Window]) -> None:
    page = visit().page
    page.goto(life.address)
    page.get_by_label("Code").fill(code_in(life.letter("Wójcik", "Zone A2")).lower())
    page.get_by_role("button", name="Weiter").click()
    unlock(page, WOJCIK_BORN)
    deregister(page)
    assert "Ihre Abmeldung ist erledigt" in text_of(life.replies_run())
    assert life.permit(SWITCHED).status == "ended"


def test_what_a_resident_says_is_wrong_a_clerk_takes_back(
    life: Life, visit: Callable[..., Window]
) -> None:
    words = "Ich bin gar nicht umgezogen.\nMein Bruder ist es – „Łukasz & Co“."
    resident, clerk = visit().page, visit().page
    resident.goto(link_in(life.letter("Wójcik", "Zone A2")))
    unlock(resident, WOJCIK_BORN)
    resident.get_by_role("link", name="Das stimmt nicht").click()
    resident.get_by_label("Was stimmt nicht?").fill(words)
    send_off(resident)
    assert life.apply_replies()["handed_over"] == 0  # a clerk comes first

    log_in(clerk, life)
    shown = question(clerk, "nicht stimmt")
    assert words in clerk.locator("blockquote").inner_text()
    for expected in ("Łukasz Wójcik", "Kröpeliner Straße 40", SWITCHED, "Was geprüft wurde"):
        assert expected in shown
    assert clerk.get_by_role("radio").count() >= 3
    clerk.get_by_label("wird zurückgenommen").check()
    clerk.get_by_label("Vermerk").fill("Ausweis des Bruders gesehen.")
    clerk.get_by_role("button", name="Antwort festhalten").click()
    expect(clerk.get_by_role("heading", level=1)).to_have_text("Ihre Antwort ist festgehalten")

    text = text_of(life.replies_run())
    assert "gilt doch für Zone A3" in text
    assert "Wir haben unsere Entscheidung überprüft." in text
    assert "Gegen diesen Bescheid können Sie" in text
    assert (life.permit("BPA-0002").zone, life.permit("BPA-0002").status) == ("A3", "active")
    assert life.permit(SWITCHED).status == "ended"  # and tolerated for some days


# --- clerks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["A3", "W2"])
def test_a_clerk_resolves_the_street_in_two_zones_either_way(
    life: Life, visit: Callable[..., Window], zone: str
) -> None:
    page = visit().page
    log_in(page, life)
    shown = question(page, "nicht sicher in einer einzigen")
    assert "Ilse Marie Hoffmann" in shown
    assert "Zone A3" in shown
    assert "Zone W2" in shown
    page.get_by_label(f"Die Anschrift liegt in Zone {zone}").check()
    page.get_by_role("button", name="Antwort festhalten").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ihre Antwort ist festgehalten")
    assert life.permit("BPA-0004").zone == "H1"

    letter = life.replies_run()

    switched = life.permit("BPA-0004/2")
    assert (switched.zone, switched.status) == (zone, "active")
    assert f"Zone {zone}" in text_of(letter)
    assert "Eine Sachbearbeiterin oder ein Sachbearbeiter hat den Fall geprüft" in text_of(letter)
    page.goto(link_in(letter))
    unlock(page, HOFFMANN_BORN)
    assert f"auf die Zone {zone} umgestellt" in said(page)
    assert "Mühlenstr" not in page.content()


def test_where_four_eyes_are_asked_for_a_second_clerk_confirms(
    opened: Callable[..., Life], visit: Callable[..., Window]
) -> None:
    life = opened("[review]\nfour_eyes = true\n")
    life.deliver(FULL, CHANGES)
    life.run()
    first, second = visit().page, visit().page
    log_in(first, life, "sb-1")
    question(first, "nicht sicher in einer einzigen")
    first.get_by_label("Die Anschrift liegt in Zone W2").check()
    first.get_by_role("button", name="Antwort festhalten").click()
    assert life.apply_replies()["acted"] == 0
    assert not life.town.opened.register.get(["BPA-0004/2"])

    log_in(second, life, "sb-2")
    question(second, "nicht sicher in einer einzigen")
    second.get_by_role("button", name="Zustimmen").click()
    expect(second.get_by_role("heading", level=1)).to_have_text("Sie haben zugestimmt")

    assert "Zone W2" in text_of(life.replies_run())
    assert life.permit("BPA-0004/2").zone == "W2"


def test_a_clerk_takes_a_reply_on_the_phone(life: Life, visit: Callable[..., Window]) -> None:
    page = visit().page
    log_in(page, life)
    page.get_by_role("link", name="Antwort am Telefon").click()
    page.get_by_label("Code aus dem Schreiben").fill(code_in(life.letter("Wójcik", "Zone A2")))
    for label, typed in zip(("Tag", "Monat", "Jahr"), WOJCIK_BORN, strict=True):
        page.get_by_label(label, exact=True).fill(typed)
    page.get_by_label("Abmeldung", exact=True).check()
    page.get_by_role("button", name="Antwort festhalten").click()
    expect(page.get_by_text("Die Antwort der Person ist festgehalten")).to_be_visible()
    assert life.permit(SWITCHED).status == "active"

    assert "Ihre Abmeldung ist erledigt" in text_of(life.replies_run())
    assert life.permit(SWITCHED).status == "ended"


# --- the registry --------------------------------------------------------------------------------


def test_a_reversal_puts_the_permit_back_and_the_old_link_says_so(
    opened: Callable[..., Life], visit: Callable[..., Window]
) -> None:
    life = opened()
    life.deliver(FULL)
    life.run()
    before = life.person(WOJCIK)
    life.deliver(CHANGES)
    life.run()
    address = link_in(life.letter("Wójcik", "Zone A2"))
    known = life.letters()

    # As before the move, only that a register never forgets when it was told.
    life.registry_says(3, "390", before)
    life.run()

    assert (life.permit("BPA-0002").zone, life.permit("BPA-0002").status) == ("A3", "active")
    assert life.permit(SWITCHED).status == "ended"  # and tolerated for some days
    (new,) = life.letters() - known
    text = text_of(new.read_bytes())
    assert "gilt doch für Zone A3" in text
    assert "Die Meldebehörde hat die Änderung zurückgenommen" in text
    assert "Wollenweberstraße 44" in text  # where he has lived all the time

    page = visit().page
    page.goto(address)
    unlock(page, WOJCIK_BORN)
    assert "gilt nicht mehr" in page.locator(".note.strong").inner_text()
    assert page.get_by_role("link", name="abmelden").count() == 0
    page.goto(link_in(new.read_bytes()))
    unlock(page, WOJCIK_BORN)
    assert "gilt doch für Zone A3" in said(page)


# --- whoever looks before people do --------------------------------------------------------------


def test_a_scanner_that_opens_every_page_changes_no_row(
    life: Life, visit: Callable[..., Window]
) -> None:
    """Mail scanners, previews and browsers that fetch ahead: by GET and HEAD, and with the cookies
    of whoever is in."""
    letter = life.letter("Wójcik", "Zone A2")
    resident, clerk = visit().page, visit().page
    resident.goto(link_in(letter))
    unlock(resident, WOJCIK_BORN)
    resident.get_by_role("link", name="Das stimmt nicht").click()
    case = resident.url.split("/")[-2]
    resident.get_by_label("Was stimmt nicht?").fill("Alles.")
    unanswered = life.rows()
    values = {
        "{secret}": link_in(letter).rpartition("/")[2],
        "{case}": case,
        "{number}": send_off(resident),
    }
    log_in(clerk, life)
    question(clerk, "nicht sicher in einer einzigen")
    values["{question}"] = clerk.url.rpartition("/")[2]
    paths = list(addresses(life.app, values))
    assert len(paths) >= 20
    before = life.rows()
    assert before != unanswered  # what people do is noticed

    statuses = {
        (method, fetch(life.address + path, method, cookies))
        for path in paths
        for method in ("HEAD", "GET")
        for cookies in ("", cookie(resident), cookie(clerk))
    }

    assert life.rows() == before
    assert ("GET", 200) in statuses
    assert {status for _, status in statuses} <= {200, 204, 303, 401, 403, 404, 405, 409, 422}


def addresses(app: FastAPI, values: dict[str, str]) -> Iterator[str]:
    """Every path of the application, with what stands in this letter and in this question."""
    answers = ("abmelden", "stimmt-nicht", "widerspruch", "kuenftig-nicht")
    yield from ("/stil.css", "/favicon.ico")
    for path in app.openapi()["paths"]:
        for name, value in values.items():
            path = path.replace(name, value)
        for answer in answers if "{answer}" in path else ("",):
            address = path.replace("{answer}", answer)
            assert "{" not in address, address
            yield address
            yield f"{address}?einfach=1"


def cookie(page: Page) -> str:
    return "; ".join(f"{one['name']}={one['value']}" for one in page.context.cookies())


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def fetch(address: str, method: str, cookies: str) -> int:
    headers = {"Cookie": cookies} if cookies else {}
    asked = urllib.request.Request(address, method=method, headers=headers)
    opener = urllib.request.build_opener(_Stay, urllib.request.ProxyHandler({}))
    try:
        with opener.open(asked, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
