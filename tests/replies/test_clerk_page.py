"""The clerks' page over HTTP, on a real database: who sees what, and what is recorded."""

import base64
import json
import re
import time
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from tasks.desks.residents import SCOPES, StateResidentDesk
from tasks.domain.person import Lock
from tasks.domain.reply import ReplyKind, Scope
from tasks.errors import RecordsUnavailable, ReplyRefused
from tasks.letters.pages import Pages
from tasks.replies.app import create_app
from tasks.replies.clerk_page import ANSWERS
from tasks.replies.desk import BirthDate, QuestionView, Seat
from tasks.settings import TEMPLATES, settings
from tasks.state import clerks
from tasks.state.database import reading, writing
from tasks.state.documents import PERSON, dump
from tasks.state.tables import (
    AnswerRow,
    CaseRow,
    PageSession,
    PersonRow,
    QuestionRow,
    RecordLink,
    ReplyRow,
)
from tests.builders import stated
from tests.replies.clerk_town import (
    DAY,
    FIRST_WEEK,
    HOFFMANN,
    KEY,
    LOCKED,
    PASSWORD,
    SLUG,
    WOJCIK,
    case_of,
    desk_of,
    make_clerk_town,
    question_of,
    run,
    token_of,
)
from tests.town import Town, make_town

PAGE = "/sachbearbeitung"
SEAT = Seat(SLUG, "sb-1")
BORN = {"tag": "30", "monat": "7", "jahr": "1991"}  # Łukasz Wójcik


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANTRAGSLOS_HOME", str(tmp_path))
    settings.cache_clear()
    return tmp_path


@pytest.fixture
def town(home: Path) -> Town:
    return make_clerk_town(home)


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 11, 23, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_(self, **how: float) -> None:
        self.time += timedelta(**how)


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Browser:
    def __init__(self, town: Town, clock: Clock, sign: str = "") -> None:
        residents = StateResidentDesk(town.settings, lambda _: DAY)
        app = create_app(residents, desk_of(town), Pages(TEMPLATES), KEY, secure=True, now=clock)
        self.client = TestClient(app, base_url="https://antwort.example", follow_redirects=True)
        if sign:
            self.log_in(sign)

    def get(self, path: str = "") -> str:
        self.answer = self.client.get(PAGE + path)
        return self.answer.text

    def post(self, path: str, **typed: str) -> str:
        """With the form's secret, and with the mark of the question as it is shown now."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.get())
        assert found
        hidden = {"csrf": found[1]}
        if path.startswith("/fragen/"):
            hidden["seen"] = self.looks_at(path.removesuffix("/bestaetigen"))
        self.answer = self.client.post(PAGE + path, data=hidden | typed)
        return self.answer.text

    def looks_at(self, path: str) -> str:
        """The mark of what is shown there; "" where no question is open."""
        found = re.search(r'name="seen" value="([^"]+)"', self.get(path))
        return found[1] if found else ""

    def log_in(self, sign: str = "sb-1", password: str = PASSWORD, town: str = SLUG) -> str:
        return self.post("/anmelden", town=town, sign=sign, password=password)


@pytest.fixture
def clerk(town: Town, clock: Clock) -> Browser:
    return Browser(town, clock, "sb-1")


def asked(town: Town, event: str) -> str:
    return f"/fragen/{question_of(town, event).id}"


def view(town: Town, event: str) -> QuestionView:
    return desk_of(town).question(SEAT, question_of(town, event).id or 0)


def answers(town: Town) -> list[AnswerRow]:
    with reading(town.opened.engine) as session:
        return list(session.exec(select(AnswerRow)))


# --- who gets in ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["", "/fragen/1", "/erledigt", "/faelle", "/faelle?fall=c-1", "/antwort"]
)
def test_without_a_log_in_every_page_is_the_log_in(town: Town, clock: Clock, path: str) -> None:
    shown = Browser(town, clock).get(path)

    assert "Sachbearbeitung: Anmelden" in shown
    assert "Hoffmann" not in shown


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"password": "wrong wrong wrong"}, "Passwort stimmen nicht"),
        ({"sign": "sb-9"}, "Passwort stimmen nicht"),
        ({"town": "anderstadt"}, "Passwort stimmen nicht"),
        ({"town": "../etc"}, "Passwort stimmen nicht"),
        ({"sign": "sb-1\0"}, "Passwort stimmen nicht"),
        ({"sign": "x" * 5000}, "Passwort stimmen nicht"),
    ],
)
def test_whoever_types_something_wrong_stays_outside(
    town: Town, clock: Clock, typed: dict[str, str], said: str
) -> None:
    browser = Browser(town, clock)
    shown = browser.log_in(**typed)

    assert browser.answer.status_code == 403
    assert said in shown
    assert "Sachbearbeitung: Anmelden" in browser.get()


def test_after_ten_wrong_passwords_from_one_address_the_next_one_waits(
    town: Town, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clerks, "_COST", 2**4)
    monkeypatch.setattr(clerks, "_NOBODY", clerks.hashed(PASSWORD))
    browser = Browser(town, clock)
    said = set()
    for number in range(12):
        shown = browser.log_in(f"none-{number}", "wrong wrong wrong")
        said.add(re.sub(r'value="[^"]*"', "", shown))
        assert browser.answer.status_code == 403
    assert len(said) == 1  # which of them were not looked at?
    assert "Anmelden" in browser.log_in()  # the right one neither
    assert browser.answer.status_code == 403

    clock.pass_(seconds=5)
    assert "Offene Fragen" in browser.log_in()


def test_a_log_in_ends_after_thirty_minutes_of_rest(clerk: Browser, clock: Clock) -> None:
    clock.pass_(minutes=29)
    assert "Fragen warten" in clerk.get()
    clock.pass_(minutes=29)
    assert "Fragen warten" in clerk.get()
    clock.pass_(minutes=31)
    assert "Anmelden" in clerk.get()


def test_a_log_in_ends_after_eight_hours_however_busy(clerk: Browser, clock: Clock) -> None:
    for _ in range(23):
        clock.pass_(minutes=20)
        assert "Fragen warten" in clerk.get()
    clock.pass_(minutes=21)
    assert "Anmelden" in clerk.get()


def test_who_logs_out_is_out(clerk: Browser) -> None:
    clerk.post("/abmelden")

    assert "Sachbearbeitung: Anmelden" in clerk.get("/antwort")


def test_a_new_password_ends_every_session_of_the_old_one(town: Town, clerk: Browser) -> None:
    """Also where the account was removed in between: whoever has a copy of the cookie stays out."""
    with writing(town.opened.engine) as session:
        clerks.remove_clerk(session, SLUG, "sb-1")
        clerks.add_clerk(session, SLUG, "sb-1", f"{PASSWORD}, another one")

    assert "Hoffmann" not in clerk.get(asked(town, HOFFMANN))
    assert clerk.answer.status_code == 401
    assert "Sachbearbeitung: Anmelden" in clerk.get()


def test_a_clerk_who_was_removed_is_out_with_the_next_click(town: Town, clerk: Browser) -> None:
    assert "Fragen warten" in clerk.get()
    with writing(town.opened.engine) as session:
        clerks.remove_clerk(session, SLUG, "sb-1")

    assert "Hoffmann" not in clerk.get(asked(town, HOFFMANN))
    assert clerk.answer.status_code == 401
    assert "Sachbearbeitung: Anmelden" in clerk.get()


def test_a_copy_of_the_cookie_opens_nothing_once_its_clerk_has_left(
    town: Town, clerk: Browser, clock: Clock
) -> None:
    thief = Browser(town, clock)
    thief.client.cookies = copy(clerk.client.cookies)
    assert "Hoffmann" in thief.get(asked(town, HOFFMANN))

    clerk.post("/abmelden")

    assert "Hoffmann" not in thief.get(asked(town, HOFFMANN))
    assert thief.answer.status_code == 401


def test_a_cookie_names_nobody_and_no_copy_of_the_database_opens_a_session(
    town: Town, clerk: Browser
) -> None:
    cookie = clerk.client.cookies.get("antragslos_sachbearbeitung", path=PAGE)
    held = json.loads(base64.b64decode(str(cookie).partition(".")[0] + "=="))
    with reading(town.opened.engine) as session:
        (kept,) = session.exec(select(PageSession)).all()

    assert "sb-1" not in json.dumps(held)
    assert (kept.clerk, kept.municipality) == ("sb-1", SLUG)
    assert held["clerk"] not in kept.model_dump_json()


def test_the_cookies_of_residents_open_nothing_here(town: Town, clerk: Browser) -> None:
    cookie = clerk.client.cookies.get("antragslos_sachbearbeitung", path=PAGE)
    assert cookie
    clerk.client.cookies.clear()
    clerk.client.cookies.set("antragslos", cookie)

    assert "Sachbearbeitung: Anmelden" in clerk.get()


@pytest.mark.parametrize(
    "path", ["/anmelden", "/abmelden", "/fragen/1", "/fragen/1/bestaetigen", "/antwort"]
)
def test_a_form_of_another_session_changes_nothing(town: Town, clerk: Browser, path: str) -> None:
    clerk.get()
    typed = {"choice": "by_hand", "agree": "ja", "csrf": "forged"}
    for data in (typed, typed | {"csrf": ""}):
        answer = clerk.client.post(PAGE + path, data=data)
        assert answer.status_code == 403
    assert answers(town) == []
    assert "Fragen warten" in clerk.get()


def test_every_page_keeps_to_itself(town: Town, clerk: Browser) -> None:
    for path in ("", asked(town, HOFFMANN), "/antwort", "/faelle", "/fragen/999999"):
        shown = clerk.get(path)
        headers = clerk.answer.headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"
        assert "<script" not in shown
        assert " style=" not in shown
        assert "http" not in shown.replace("https://antwort.example", "")


# --- what a clerk sees ---------------------------------------------------------------------------


def test_the_list_names_no_person(town: Town, clerk: Browser) -> None:
    shown = clerk.get()

    assert "9 Fragen warten" in shown
    assert case_of(town, HOFFMANN).id in shown
    for name in ("Hoffmann", "Seidel", "Mühlenstr"):
        assert name not in shown


def test_the_list_can_be_narrowed(clerk: Browser) -> None:
    assert "1 von 9" in clerk.get("?frage=zone_ambiguous")
    assert "9 von 9" in clerk.get("?dienst=Bewohnerparken")
    assert "0 von 9" in clerk.get("?dienst=Anderes")


def test_a_question_is_shown_with_all_that_is_known(town: Town) -> None:
    shown = view(town, HOFFMANN)

    assert dict(shown.person)["Name"] == "Ilse Marie Hoffmann (geborene/r Krüger)"
    assert "Thünenstraße 3" in dict(shown.person)["Wohnung vorher"]
    assert "Mühlenstraße 12" in dict(shown.person)["Wohnung nachher"]
    assert "eingezogen am 10.11.2026" in dict(shown.person)["Wohnung nachher"]
    assert (
        "Zone H1; Kennzeichen ZZ-MU 104; Form: nicht angegeben"
        in dict(shown.records)["Ausweis BPA-0004"]
    )
    assert dict(shown.records)["Zuordnung von BPA-0004"].startswith("sicher")
    assert [ground.condition for ground in shown.grounds if ground.result == "unclear"] == [
        "Die neue Anschrift liegt in genau einer Bewohnerparkzone."
    ]


def test_each_zone_is_shown_with_the_lists_own_words(town: Town) -> None:
    choices = {choice.name: choice for choice in view(town, HOFFMANN).choices}

    assert choices["zone:A3"].reason == "In der Zonenliste steht: „Mühlenstr.“"
    assert choices["zone:W2"].reason == "In der Zonenliste steht: „Mühlenstr.: von 1 bis 26“"
    assert not any(choice.proposed for choice in choices.values())  # neither before the other


def test_what_ending_a_permit_means_is_said_before(town: Town) -> None:
    ending = next(c for c in view(town, "E0002-0006").choices if c.name == "end")

    assert ending.proposed
    assert ending.effects == ("Ausweis BPA-0006 endet mit Ablauf des 27.11.2026.",)
    assert "die Person erhält ein Schreiben" in ending.text


def test_a_locked_person_is_marked_before_all_else(town: Town, clerk: Browser) -> None:
    label, said = view(town, LOCKED).person[0]
    shown = clerk.get(asked(town, LOCKED))

    assert (label, "§ 51 BMG" in said) == ("Achtung", True)
    assert shown.index('class="note strong"') < shown.index("Nadja Seidel")


def test_a_lock_that_arrived_after_the_decision_is_marked_too(town: Town) -> None:
    case = case_of(town, HOFFMANN)
    with writing(town.opened.engine) as session:
        row = session.get_one(PersonRow, case.person_id)
        person = PERSON.validate_json(row.snapshot)
        row.snapshot = dump(PERSON, replace(person, locks=(Lock("3"),)))

    assert view(town, HOFFMANN).person[0][0] == "Achtung"


def test_two_people_for_one_permit_are_told_apart_by_how_they_differ(home: Path) -> None:
    permits = home / "permits.jsonl"
    permit = {
        "permit_no": "BPA-0004",
        "name": "Ilse Hoffmann",
        "birth_date": "1956-11-20",
        "street": "Thünenstr.",
        "house_number": "3",
        "plate": "ZZ-MU 104",
        "zone": "H1",
        "valid_from": "2025-12-01",
        "valid_until": "2027-11-30",
    }
    permits.write_text(json.dumps(permit) + "\n", encoding="utf-8")
    town = make_town(home, settling_days=0, permits=permits)
    town.put(*FIRST_WEEK)
    run(town)
    question = question_of(town, HOFFMANN)
    assert question.code == "holder_uncertain"
    with writing(town.opened.engine) as session:
        link = session.exec(select(RecordLink)).one()
        other = case_of(town, LOCKED).person_id
        session.add(RecordLink(**link.model_dump() | {"person_id": other}))

    records = view(town, HOFFMANN).records

    assert dict(records)["Zuordnung von BPA-0004"].startswith("nur ähnlich")
    assert [said for label, said in records if label == "Abweichung bei BPA-0004"] == [
        "Geburtsdatum: Register 02.11.1956, Ausweis 20.11.1956",
        "Anschrift: Register Mühlenstraße 12, Ausweis Thünenstr. 3 (frühere Anschrift der Person)",
    ]
    also = [label for label, _ in records].index("Auch möglich für BPA-0004")
    assert records[also][1] == "Nadja Seidel, geboren 05.12.1988"
    assert records[also + 1] == (
        "Deren Abweichung",
        "Name: Register Nadja Seidel, Ausweis Ilse Hoffmann",
    )
    # The other one is protected, too: where she lives is not needed to tell the two apart.
    assert "§ 51 BMG" in records[-1][1]
    assert "Am Strom" not in str(records)


def test_while_the_permit_register_is_away_the_last_look_is_shown(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> object:
        raise RecordsUnavailable("records.unreachable")

    monkeypatch.setattr(type(town.opened.register), "get", away)
    shown = view(town, HOFFMANN)

    assert shown.records[0][0] == "Achtung"
    assert "Zone H1" in dict(shown.records)["Ausweis BPA-0004"]


def test_a_look_is_noted_with_sign_and_case_and_no_name(town: Town, clerk: Browser) -> None:
    clerk.get(asked(town, HOFFMANN))
    clerk.get(f"/faelle?fall={case_of(town, WOJCIK).id}")

    log = (town.settings.home / "access.log").read_text()
    assert f"{SLUG} clerk sb-1 looked at {case_of(town, HOFFMANN).id}\n" in log
    assert f"{SLUG} clerk sb-1 read the story of {case_of(town, WOJCIK).id}\n" in log
    assert "Hoffmann" not in log


def test_the_story_of_a_case_is_told_to_the_clerk(town: Town, clerk: Browser) -> None:
    shown = clerk.get(f"/faelle?fall=%20{case_of(town, WOJCIK).id.upper()}")

    assert "Łukasz Wójcik" in shown
    assert "zone_switched" in shown


@pytest.mark.parametrize("case", ["c-none", "c-<script>", "../etc", "c-\0", "'"])
def test_a_case_that_there_is_not_is_not_told(clerk: Browser, case: str) -> None:
    shown = clerk.client.get(f"{PAGE}/faelle", params={"fall": case})

    assert shown.status_code == 404
    assert "gibt es in Ihrer Kommune nicht" in shown.text
    assert "<script>" not in shown.text


# --- only one's own municipality -----------------------------------------------------------------


@pytest.fixture
def stranger(home: Path, town: Town, clock: Clock) -> Browser:
    """A clerk of another municipality in the same database."""
    other = make_town(home, "anderstadt")
    with writing(other.opened.engine) as session:
        clerks.add_clerk(session, "anderstadt", "sb-1", PASSWORD)
    browser = Browser(town, clock)
    assert "Es wartet nichts auf Sie" in browser.log_in(town="anderstadt")
    return browser


def test_the_questions_of_another_municipality_do_not_exist(town: Town, stranger: Browser) -> None:
    path = asked(town, HOFFMANN)

    assert "Hoffmann" not in stranger.get(path)
    assert stranger.answer.status_code == 404
    stranger.post(path, choice="zone:A3")
    assert stranger.answer.status_code == 404
    stranger.post(f"{path}/bestaetigen", agree="ja")
    assert stranger.answer.status_code == 404
    stranger.get(f"/faelle?fall={case_of(town, HOFFMANN).id}")
    assert stranger.answer.status_code == 404
    assert answers(town) == []


def test_the_letters_of_another_municipality_are_answered_there(
    town: Town, stranger: Browser
) -> None:
    code = token_of(town, WOJCIK).short_code
    stranger.post("/antwort", code=code, answer="deregister:case", **BORN)

    assert stranger.answer.status_code == 404
    with reading(town.opened.engine) as session:
        assert session.exec(select(ReplyRow)).all() == []


# --- answers -------------------------------------------------------------------------------------


def test_an_answer_is_recorded_and_said_back(town: Town, clerk: Browser) -> None:
    shown = clerk.post(
        asked(town, HOFFMANN), choice="zone:W2", note="  Lageplan\u202e\r\nangesehen "
    )

    assert "Ihre Antwort ist festgehalten" in shown
    assert "Die Anschrift liegt in Zone W2" in shown
    (row,) = answers(town)
    assert (row.choice, row.by, row.via, row.note) == (
        "zone:W2",
        "sb-1",
        "page",
        "Lageplan\nangesehen",
    )
    clerk.get(asked(town, HOFFMANN))
    assert clerk.answer.status_code == 404
    assert "8 Fragen warten" in clerk.get()


def test_what_happens_next_is_what_the_clerk_chose(town: Town, clerk: Browser) -> None:
    clerk.post(asked(town, HOFFMANN), choice="by_hand")
    run(town, only_prompted=True)

    decided = case_of(town, HOFFMANN)
    assert (decided.status, decided.code) == ("declined", "settled_by_hand")


@pytest.mark.parametrize("choice", ["", "zone:H1", "zone:A3 "])
def test_nothing_is_recorded_without_one_of_the_choices(
    town: Town, clerk: Browser, choice: str
) -> None:
    shown = clerk.post(asked(town, HOFFMANN), choice=choice, note="<b>bleibt stehen</b>")

    assert clerk.answer.status_code == 422
    assert "Bitte wählen Sie eine Antwort." in shown
    assert "&lt;b&gt;bleibt stehen" in shown
    assert answers(town) == []


def _ask_about_revoking(town: Town) -> None:
    profile = town.folder / "profile.toml"
    text = profile.read_text(encoding="utf-8")
    profile.write_text(
        text.replace("resolutory_condition = true", "resolutory_condition = false"),
        encoding="utf-8",
    )
    with writing(town.opened.engine) as session:
        session.get_one(CaseRow, case_of(town, "E0002-0006").id).recheck = True
    run(town)


def test_an_answer_whose_reasons_the_letter_gives_needs_them(home: Path, clock: Clock) -> None:
    """Without a resolutory condition the end of a permit is a revocation (VwVfG §§ 39, 49)."""
    town = make_clerk_town(home)
    _ask_about_revoking(town)
    clerk, path = Browser(town, clock, "sb-1"), asked(town, "E0002-0006")

    shown = clerk.get(path)
    assert "ein Widerruf nach § 49 Abs. 2 Satz 1 Nr. 3 VwVfG" in shown
    assert "bis 23.11.2027" in shown
    assert 'name="known_since"' in shown
    assert 'value="23.11.2026"' in shown
    told = clerk.post(path, choice="end", **stated(hearing=" ", known_since="24.11.2026"))
    assert clerk.answer.status_code == 422
    assert 'id="hearing-fehler"' in told
    assert 'id="known_since-fehler"' in told
    assert 'id="facts-fehler"' not in told
    assert stated()["public_interest"] in told, "what was typed is not lost"
    assert answers(town) == []
    clerk.post(path, choice="end", **stated(known_since="23.11.2026"))
    assert [row.choice for row in answers(town)] == ["end"]


def test_whoever_leaves_the_permit_states_nothing(home: Path, clock: Clock) -> None:
    town = make_clerk_town(home)
    _ask_about_revoking(town)
    clerk = Browser(town, clock, "sb-1")

    clerk.post(asked(town, "E0002-0006"), choice="keep")
    assert [(row.choice, row.stated) for row in answers(town)] == [("keep", "{}")]


def test_the_second_clerk_reads_what_the_first_has_stated(home: Path, clock: Clock) -> None:
    town = make_clerk_town(home, four_eyes=True)
    _ask_about_revoking(town)
    first, second = Browser(town, clock, "sb-1"), Browser(town, clock, "sb-2")
    path = asked(town, "E0002-0006")
    first.post(path, choice="end", **stated())

    shown = second.get(path)
    assert stated()["discretion"] in shown
    assert "23.11.2026" in shown


@pytest.mark.parametrize(("length", "status"), [(1999, 200), (2000, 200), (2001, 422)])
def test_a_note_has_at_most_two_thousand_characters(
    town: Town, clerk: Browser, length: int, status: int
) -> None:
    clerk.post(asked(town, HOFFMANN), choice="zone:A3", note="x" * length)

    assert clerk.answer.status_code == status


def test_who_comes_second_is_told_so(town: Town, clerk: Browser, clock: Clock) -> None:
    late = Browser(town, clock, "sb-2")
    path = asked(town, HOFFMANN)
    desk = desk_of(town)
    clerk.post(path, choice="zone:A3")

    late.post(path, choice="zone:W2")

    assert late.answer.status_code == 404  # it is no longer open when the form arrives
    number = question_of(town, HOFFMANN).id or 0
    with pytest.raises(ReplyRefused, match=r"question\.answered"):
        desk.answer(Seat(SLUG, "sb-2"), number, "zone:W2", "", "", {})
    assert question_of(town, HOFFMANN).answer == "zone:A3"


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 30, "1.5"])
def test_a_question_has_a_number(clerk: Browser, number: str) -> None:
    clerk.get(f"/fragen/{number}")

    assert clerk.answer.status_code == 404


def test_four_eyes_mean_two_clerks(home: Path, clock: Clock) -> None:
    town = make_clerk_town(home, four_eyes=True)
    path = asked(town, HOFFMANN)
    first, second = Browser(town, clock, "sb-1"), Browser(town, clock, "sb-2")

    assert "Ihr Vorschlag ist festgehalten" in first.post(path, choice="zone:A3", note="Plan")
    assert "Zustimmen" not in first.get(path)
    first.post(f"{path}/bestaetigen", agree="ja")
    assert first.answer.status_code == 409
    assert "Zustimmen" in second.get(path)
    assert "sb-1" in second.get()
    second.post(f"{path}/bestaetigen", agree="vielleicht")
    assert second.answer.status_code == 422
    assert question_of(town, HOFFMANN).status == "open"

    assert "Sie haben abgelehnt" in second.post(f"{path}/bestaetigen", agree="nein")
    assert "Ihr Vorschlag" in second.post(path, choice="zone:W2")
    assert "Sie haben zugestimmt" in first.post(f"{path}/bestaetigen", agree="ja")
    assert question_of(town, HOFFMANN).answer == "zone:W2"


def test_a_second_clerk_never_confirms_another_answer_than_the_one_seen(
    home: Path, clock: Clock
) -> None:
    """The first clerk's harmless proposal is replaced while it lies open on the second's screen."""
    town = make_clerk_town(home, four_eyes=True)
    path = asked(town, HOFFMANN)
    first, second = Browser(town, clock, "sb-1"), Browser(town, clock, "sb-2")
    third = Browser(town, clock, "sb-3")
    first.post(path, choice="zone:A3")
    shown = second.looks_at(path)
    third.post(f"{path}/bestaetigen", agree="nein")
    first.post(path, choice="by_hand")

    for agree in ("ja", "nein"):
        for seen in (shown, "", "0" * 64):
            said = second.post(f"{path}/bestaetigen", agree=agree, seen=seen)
            assert second.answer.status_code == 409
            assert "Es wurde nichts festgehalten" in said
            assert "sb-1</strong> schlägt vor" in said  # what waits now is shown with it
    assert question_of(town, HOFFMANN).status == "open"
    assert [row.status for row in answers(town)] == ["refused", "proposed"]
    assert "Sie haben zugestimmt" in second.post(f"{path}/bestaetigen", agree="ja")


def test_nobody_answers_a_question_that_has_changed_since_it_was_shown(
    town: Town, clerk: Browser
) -> None:
    """The choice has the same name, and means something else by now."""
    path = asked(town, HOFFMANN)
    shown = clerk.looks_at(path)
    with writing(town.opened.engine) as session:
        row = session.get_one(PersonRow, case_of(town, HOFFMANN).person_id)
        person = PERSON.validate_json(row.snapshot)
        row.snapshot = dump(PERSON, replace(person, locks=(Lock("3"),)))

    for seen in (shown, ""):
        said = clerk.post(path, choice="by_hand", note="Zwei Wochen gewartet.", seen=seen)
        assert clerk.answer.status_code == 409
        assert "Es wurde nichts festgehalten" in said
        assert "Auskunftssperre nach § 51 BMG" in said
        assert "Zwei Wochen gewartet." in said  # the clerk's words are not lost
    assert answers(town) == []


# --- replies on the phone ------------------------------------------------------------------------


def test_a_reply_on_the_phone_is_recorded_with_the_clerks_sign(town: Town, clerk: Browser) -> None:
    code = token_of(town, WOJCIK).short_code
    shown = clerk.post("/antwort", code=code, answer="wrong:case", text="Nie umgezogen.", **BORN)

    assert "Die Antwort der Person ist festgehalten" in shown
    with reading(town.opened.engine) as session:
        (reply,) = session.exec(select(ReplyRow)).all()
    assert reply.id in shown
    cookie = clerk.client.cookies.get("antragslos_sachbearbeitung", path=PAGE) or ""
    kept = base64.b64decode(cookie.partition(".")[0] + "==").decode()
    assert reply.id in kept
    assert "Zone" not in kept  # the letter's subject names it; everyone can read a cookie
    assert (reply.via, reply.recorded_by, reply.text) == ("phone", "sb-1", "Nie umgezogen.")
    assert reply.case_id == case_of(town, WOJCIK).id

    run(town, only_prompted=True)
    with reading(town.opened.engine) as session:
        followed = select(CaseRow).where(CaseRow.cause == f"reply:{reply.id}")
        case = session.exec(followed).one()
        question = session.exec(select(QuestionRow).where(QuestionRow.case_id == case.id)).one()
    seen = clerk.get(f"/fragen/{question.id}")
    assert "Nie umgezogen." in seen
    assert "am Telefon aufgenommen von sb-1" in seen
    assert "Schon ausgeführt" in seen


@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        ({"code": ""}, 422, "Bitte geben Sie den Code"),
        ({"code": "ABCD"}, 422, "einen Tippfehler"),
        ({"code": "0000-0000-00"}, 404, "kein Schreiben"),
        ({"jahr": ""}, 422, "Geburtsdatum in Zahlen"),
        ({"tag": "drei"}, 422, "Geburtsdatum in Zahlen"),
        ({"jahr": "1" * 400}, 422, "Geburtsdatum in Zahlen"),
        ({"jahr": "1990"}, 403, "Das Geburtsdatum passt nicht"),
        ({"answer": ""}, 422, "Bitte wählen Sie, was"),
        ({"answer": "object:information"}, 422, "Bitte wählen Sie, was"),
        ({"answer": "wrong:case"}, 422, "Bitte schreiben Sie auf"),
        ({"text": "x" * 4001}, 422, "höchstens 4000"),
    ],
)
def test_a_reply_on_the_phone_needs_code_and_birth_date(
    town: Town, clerk: Browser, typed: dict[str, str], status: int, said: str
) -> None:
    good = {"code": token_of(town, WOJCIK).short_code, "answer": "deregister:case", **BORN}
    shown = clerk.post("/antwort", **(good | typed))

    assert (clerk.answer.status_code, said in shown) == (status, True)
    with reading(town.opened.engine) as session:
        assert session.exec(select(ReplyRow)).all() == []


def test_wrong_birth_dates_on_the_phone_lock_the_letter_as_well(town: Town) -> None:
    desk, code = desk_of(town), token_of(town, WOJCIK).short_code

    def take(year: int) -> str:
        try:
            born = BirthDate(year, 7, 30)
            desk.take_reply(SEAT, code, born, ReplyKind.DEREGISTER, Scope.CASE, "")
        except ReplyRefused as error:
            return error.code
        return ""

    assert [take(1990) for _ in range(4)] == ["reply.wrong_birth_date"] * 4
    assert take(1990) == "reply.locked"
    assert take(1991) == "reply.locked"
    looks = (town.settings.home / "access.log").read_text().splitlines()
    assert len(looks) == 5  # a locked letter is not even looked up
    assert all("sb-1 takes a reply to c-" in look for look in looks)


def test_the_phone_form_offers_what_the_residents_page_does() -> None:
    pairs = {(kind.value, scope.value) for kind, scopes in SCOPES.items() for scope in scopes}

    assert {tuple(name.split(":")) for name in ANSWERS} == pairs


def test_the_pages_are_quick(town: Town, clerk: Browser) -> None:
    start = time.perf_counter()
    for _ in range(10):
        clerk.get()
        clerk.get(asked(town, HOFFMANN))
    assert time.perf_counter() - start < 10 * 2 * 0.25


def test_a_clerk_reopens_a_letter_after_looking_at_a_document(town: Town, clerk: Browser) -> None:
    residents = StateResidentDesk(town.settings, lambda _: DAY)
    sent = token_of(town, WOJCIK)
    door = residents.by_link(sent.link_secret)
    for _ in range(5):
        with pytest.raises(ReplyRefused):
            residents.unlock(door, BirthDate(1950, 1, 1))
    shown = clerk.get(f"/gesperrt?schreiben={case_of(town, WOJCIK).id}")
    hidden = dict(re.findall(r'name="(letter|seen)" value="([^"]+)"', shown))
    assert "Łukasz Wójcik" in shown
    assert "30.07.1991" in shown

    assert "welches Dokument" in clerk.post("/gesperrt", **hidden)
    said = clerk.post("/gesperrt", document="passport", **hidden)

    code = re.findall(r'<strong class="code">([^<]+)</strong>', said)[0]
    assert residents.by_code(code)
    assert code not in str(clerk.client.cookies)
    clerk.post("/gesperrt", document="passport", **hidden)  # once more, with Reload
    assert clerk.answer.status_code == 409
    assert residents.by_code(code)
