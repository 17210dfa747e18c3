"""What nobody can do to a resident's letter: prefetch, forge, guess, replay, overload, overhear."""

import base64
import contextlib
import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from tasks.errors import ReplyRefused, StateUnavailable
from tasks.replies.guard import STYLE, Tries, Turns
from tests.replies.fake_desk import FakeDesk
from tests.replies.visitor import Clock, Visitor, app_for

ANSWERS = ("abmelden", "stimmt-nicht", "widerspruch", "kuenftig-nicht")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def visitor(desk: FakeDesk, clock: Clock) -> Visitor:
    return Visitor(app_for(desk, clock=clock))


def cookie_of(visitor: Visitor) -> str:
    return next(cookie.value for cookie in visitor.client.cookies.jar if cookie.value)


# --- a look changes nothing ----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_mail_scanner_that_follows_the_link_changes_nothing(
    desk: FakeDesk, visitor: Visitor, method: str
) -> None:
    secret = desk.add_letter().secret
    before = desk.state()
    for _ in range(50):
        assert visitor.open(f"/a/{secret}", method).status_code == 200
    assert desk.state() == before
    assert set(desk.calls) == {"by_link", "office"}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_no_page_behind_the_birth_date_changes_anything_by_being_looked_at(
    desk: FakeDesk, visitor: Visitor, method: str
) -> None:
    visitor.come_in(desk.add_letter().secret)
    visitor.answer("c-parken", "abmelden", "case")
    before = desk.state()
    paths = [f"/brief/c-parken/{answer}" for answer in ANSWERS]
    sent = [f"{path}/absenden?umfang=case&text=x" for path in paths]
    for path in ["/", "/brief", "/beleg/r-11", "/beleg/r-11/datei", "/ende", *paths, *sent]:
        visitor.open(path, method)
    for path in ("/code?code=1", "/abmelden-sitzung"):
        assert visitor.open(path, method).status_code == 405
    assert desk.state() == before
    assert visitor.open("/brief").status_code == 200  # nor is the session over


def test_head_is_answered_like_get_without_a_body(desk: FakeDesk, visitor: Visitor) -> None:
    looked = visitor.open("/", "GET")
    page = visitor.open("/", "HEAD")
    assert page.status_code == 200
    assert page.content == b""
    assert page.headers["content-length"] == looked.headers["content-length"]


# --- forged forms --------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "x", "ü", None])
def test_without_the_token_of_the_session_nothing_is_recorded(
    desk: FakeDesk, visitor: Visitor, token: str | None
) -> None:
    entry = desk.add_letter()
    visitor.come_in(entry.secret)
    fields = {"umfang": "case", "text": "x", "tag": "1", "jahr": "1965", "code": "x"}
    fields |= {} if token is None else {"csrf": token}
    before = desk.state()
    desk.calls.clear()
    paths = [f"/brief/c-parken/{answer}/absenden" for answer in ANSWERS]
    for path in [*paths, "/code", "/geburtsdatum", f"/a/{entry.secret}", "/abmelden-sitzung"]:
        assert visitor.post(path, **fields).status_code == 403, path
    assert desk.state() == before
    assert desk.calls == []


def test_the_token_of_another_session_does_not_count(desk: FakeDesk, visitor: Visitor) -> None:
    visitor.come_in(desk.add_letter().secret)
    thief = Visitor(visitor.client.app)
    thief.open("/")
    page = visitor.post("/brief/c-parken/abmelden/absenden", csrf=thief.csrf(), umfang="case")
    assert page.status_code == 403
    assert desk.recorded == []


def test_a_browser_that_says_the_form_came_from_another_site_is_refused(
    desk: FakeDesk, visitor: Visitor
) -> None:
    visitor.come_in(desk.add_letter().secret)
    fields = {"csrf": visitor.csrf(), "umfang": "case"}
    path = "/brief/c-parken/abmelden/absenden"
    for site in ("cross-site", "same-site"):
        headers = {"Sec-Fetch-Site": site}
        assert visitor.client.post(path, data=fields, headers=headers).status_code == 403
    assert desk.recorded == []
    headers = {"Sec-Fetch-Site": "same-origin"}
    assert visitor.client.post(path, data=fields, headers=headers).status_code == 200
    assert len(desk.recorded) == 1


def test_the_token_changes_with_the_birth_date(desk: FakeDesk, visitor: Visitor) -> None:
    secret = desk.add_letter().secret
    visitor.open(f"/a/{secret}")
    before = visitor.csrf()
    visitor.submit(tag="29", monat="2", jahr="1964")
    assert visitor.csrf() != before
    page = visitor.post("/brief/c-parken/abmelden/absenden", csrf=before, umfang="case")
    assert page.status_code == 403
    assert desk.recorded == []


# --- sessions ------------------------------------------------------------------------------------


def test_the_cookie_is_closed_to_scripts_and_other_sites_and_lasts_thirty_minutes(
    desk: FakeDesk,
) -> None:
    for https in (False, True):
        visitor = Visitor(app_for(desk, secure=https), https=https)
        (cookie,) = visitor.open("/").headers.get_list("set-cookie")
        assert cookie.startswith("antragslos=")
        flags = {flag.strip().lower() for flag in cookie.split(";")[1:]}
        assert {"httponly", "samesite=strict", "path=/", "max-age=1800"} <= flags
        assert ("secure" in flags) is https
        assert not [flag for flag in flags if flag.startswith("domain")]


def test_the_cookie_holds_nothing_but_opaque_ids_and_times(
    desk: FakeDesk, visitor: Visitor
) -> None:
    entry = desk.add_letter()
    visitor.come_in(entry.secret)
    held = json.loads(base64.b64decode(cookie_of(visitor).split(".")[0] + "=="))
    assert set(held) == {"inside", "csrf", "seen", "since"}
    assert desk.inside_now[held["inside"]] == entry.door


def test_a_cookie_changed_by_hand_is_none(desk: FakeDesk, visitor: Visitor) -> None:
    first, second = desk.add_letter(), desk.add_letter()
    visitor.come_in(first.secret)
    other = desk.begin(second.door, NOON)
    held, _, signature = cookie_of(visitor).partition(".")
    data = base64.b64decode(held + "==").replace(b"secret-1", other.encode())
    visitor.client.cookies.clear()
    visitor.client.cookies.set("antragslos", base64.b64encode(data).decode() + "." + signature)
    assert visitor.open("/brief").status_code == 401


def test_a_copied_cookie_opens_nothing_once_its_owner_has_left(
    desk: FakeDesk, visitor: Visitor
) -> None:
    visitor.come_in(desk.add_letter().secret)
    thief = Visitor(app_for(desk))
    thief.client.cookies.set("antragslos", cookie_of(visitor))
    assert thief.open("/brief").status_code == 200

    visitor.open("/brief")
    visitor.post("/abmelden-sitzung", csrf=visitor.csrf())

    assert thief.open("/brief").status_code == 401
    assert "PARKEN" not in thief.page.text


def test_one_letter_waits_with_few_threads_however_many_requests_come() -> None:
    turns, waiting = Turns(3), 0
    with contextlib.ExitStack() as at_once:
        for _ in range(45):
            with contextlib.suppress(ReplyRefused):
                at_once.enter_context(turns.of("s-1"))
                waiting += 1
        with turns.of("s-2"):
            pass
    assert waiting == 3
    with turns.of("s-1"):
        assert dict(turns._busy) == {"s-1": 1}  # nobody else is remembered


def test_a_session_of_another_key_is_none(desk: FakeDesk, visitor: Visitor) -> None:
    visitor.come_in(desk.add_letter().secret)
    cookie = cookie_of(visitor)
    other = Visitor(app_for(desk, key=b"another key, also for tests"))
    other.client.cookies.set("antragslos", cookie)
    assert other.open("/brief").status_code == 401


@pytest.mark.parametrize(("minutes", "status"), [(29, 200), (30, 200), (31, 401)])
def test_thirty_minutes_without_a_click_end_the_session(
    desk: FakeDesk, visitor: Visitor, clock: Clock, minutes: int, status: int
) -> None:
    visitor.come_in(desk.add_letter().secret)
    clock.wait(minutes=minutes)
    assert visitor.open("/brief").status_code == status


def test_every_click_prolongs_the_session_but_not_beyond_eight_hours(
    desk: FakeDesk, visitor: Visitor, clock: Clock
) -> None:
    visitor.come_in(desk.add_letter().secret)
    for _ in range(24):
        clock.wait(minutes=20)
        assert visitor.open("/brief").status_code == 200
    clock.wait(minutes=1)
    assert visitor.open("/brief").status_code == 401


def test_a_form_sent_after_the_session_ended_records_nothing(
    desk: FakeDesk, visitor: Visitor, clock: Clock
) -> None:
    visitor.come_in(desk.add_letter().secret)
    visitor.open("/brief/c-parken/abmelden")
    clock.wait(minutes=31)
    page = visitor.submit("/brief/c-parken/abmelden/absenden", umfang="case")
    assert page.status_code == 403
    assert "nichts gespeichert" in page.text
    assert desk.recorded == []


@pytest.mark.parametrize(
    ("status", "answer"), [("locked", 403), ("revoked", 404), ("expired", 410)]
)
def test_a_session_of_a_token_that_is_no_longer_valid_is_over_at_once(
    desk: FakeDesk, visitor: Visitor, status: str, answer: int
) -> None:
    entry = desk.add_letter()
    visitor.come_in(entry.secret)
    visitor.open("/brief/c-parken/abmelden")
    entry.status = status
    page = visitor.submit("/brief/c-parken/abmelden/absenden", umfang="case")
    assert page.status_code == answer
    assert desk.recorded == []
    entry.status = "valid"
    assert visitor.open("/brief").status_code == 401


def test_the_birth_date_opens_one_letter_and_no_other(desk: FakeDesk, visitor: Visitor) -> None:
    first, second = desk.add_letter(), desk.add_letter(subject="Etwas anderes")
    visitor.come_in(first.secret)
    visitor.open(f"/a/{second.secret}")
    assert "Etwas anderes" not in visitor.page.text
    assert "Etwas anderes" not in visitor.open("/brief").text


# --- guessing ------------------------------------------------------------------------------------


def test_unknown_and_revoked_links_and_codes_are_answered_alike(
    desk: FakeDesk, visitor: Visitor
) -> None:
    revoked, other = desk.add_letter(), FakeDesk().add_letter()
    revoked.status = "revoked"
    pages = []
    for entry in (revoked, other):
        link = visitor.open(f"/a/{entry.secret}")
        visitor.open("/")
        code = visitor.submit(code=entry.code)
        # What was typed is shown again, and each page has its token.
        text = re.sub(r'name="csrf" value="[^"]+"', "", link.text + code.text)
        text = text.replace(entry.secret, "").replace(entry.code, "")
        pages.append((link.status_code, code.status_code, text))
    assert pages[0] == pages[1]
    assert pages[0][:2] == (404, 404)


def test_whoever_guesses_is_stopped_and_learns_nothing_even_from_a_right_link(
    desk: FakeDesk, clock: Clock
) -> None:
    app = app_for(desk, clock=clock)
    thief, neighbour = Visitor(app, "192.0.2.66"), Visitor(app, "192.0.2.67")
    entry = desk.add_letter()
    for number in range(30):
        assert thief.open(f"/a/{number}").status_code == 404
    desk.calls.clear()
    page = thief.open(f"/a/{entry.secret}")
    assert page.status_code == 429
    assert page.headers["retry-after"] == "600"
    thief.open("/")
    assert thief.submit(code=entry.code).status_code == 429
    assert desk.calls == []
    assert neighbour.open(f"/a/{entry.secret}").status_code == 200
    clock.wait(minutes=10)
    assert thief.open(f"/a/{entry.secret}").status_code == 200


def test_mistyped_codes_count_as_guesses_and_the_code_stays_to_be_put_right(
    desk: FakeDesk, visitor: Visitor
) -> None:
    visitor.open("/")
    for _ in range(30):
        assert visitor.submit(code="ABCD-EFGH-JK").status_code == 422
        assert 'value="ABCD-EFGH-JK"' in visitor.page.text
    assert visitor.submit(code="ABCD-EFGH-JK").status_code == 429


def test_a_resident_who_opens_the_right_link_often_is_not_stopped(
    desk: FakeDesk, visitor: Visitor
) -> None:
    secret = desk.add_letter().secret
    for _ in range(100):
        assert visitor.open(f"/a/{secret}").status_code == 200


GUESS = ("reply.unknown",)


def refused(tries: Tries, client: str, now: datetime) -> bool:
    try:
        with tries.counted(client, now, ()):
            return False
    except ReplyRefused:
        return True


def guess(tries: Tries, client: str, now: datetime) -> None:
    with pytest.raises(ReplyRefused, match="unknown"), tries.counted(client, now, GUESS):
        raise ReplyRefused("reply.unknown")


def test_tries_are_counted_in_a_window_that_slides() -> None:
    tries = Tries(most=2, within=timedelta(minutes=10))
    guess(tries, "192.0.2.1", NOON)
    guess(tries, "192.0.2.1", NOON + timedelta(minutes=5))
    assert refused(tries, "192.0.2.1", NOON + timedelta(minutes=9, seconds=59))
    assert not refused(tries, "192.0.2.1", NOON + timedelta(minutes=10))
    guess(tries, "192.0.2.1", NOON + timedelta(minutes=10))
    assert refused(tries, "192.0.2.1", NOON + timedelta(minutes=10))


def test_neighbours_in_one_ipv6_network_count_as_one_and_others_do_not() -> None:
    tries = Tries(most=1)
    guess(tries, "2001:db8:1:2::1", NOON)
    assert refused(tries, "2001:db8:1:2:ffff::9", NOON)
    assert not refused(tries, "2001:db8:1:3::1", NOON)


def test_a_hundred_thousand_guesses_from_everywhere_fit_in_bounded_memory() -> None:
    tries = Tries(most=30, addresses=1000)
    for number in range(100_000):
        client = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        with contextlib.suppress(ReplyRefused), tries.counted(client, NOON, GUESS):
            raise ReplyRefused("reply.unknown")
    assert len(tries._wrong) == 1000


def test_many_tries_at_the_same_moment_are_no_more_than_one_after_the_other() -> None:
    """Counted before they are looked at: the fourth waits for nobody's answer."""
    tries, looked_at = Tries(most=3), 0
    with contextlib.ExitStack() as at_once:
        for _ in range(40):
            with contextlib.suppress(ReplyRefused):
                at_once.enter_context(tries.counted("192.0.2.1", NOON, GUESS))
                looked_at += 1
    assert looked_at == 3
    assert not refused(tries, "192.0.2.1", NOON)  # all of them were right


# --- headers, errors, sizes ----------------------------------------------------------------------


def check_headers(page: object) -> None:
    headers = page.headers  # type: ignore[attr-defined]
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    for part in ("base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"):
        assert part in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-robots-tag"].startswith("noindex")
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "geolocation=()" in headers["permissions-policy"]


def test_every_answer_carries_the_headers_that_protect_it(desk: FakeDesk, visitor: Visitor) -> None:
    secret = desk.add_letter().secret
    pages = [visitor.open(path) for path in ("/", f"/a/{secret}", "/a/x", "/nix", "/brief")]
    pages += [visitor.open("/brief", "DELETE"), visitor.post("/code"), visitor.open("/gesund")]
    pages += [visitor.post("/code", code="x" * 70_000), visitor.open("/brief", "HEAD")]
    pages += [visitor.come_in(secret), *visitor.page.history, visitor.open("/brief/c-parken/x")]
    desk.broken = RuntimeError("Łukasz Wójcik")
    pages += [visitor.open("/brief"), visitor.open(f"/a/{secret}")]
    desk.broken = StateUnavailable("state.unreachable")
    pages += [visitor.open("/brief")]
    statuses = {200, 204, 303, 401, 403, 404, 405, 413, 500, 503}
    assert {page.status_code for page in pages} == statuses
    for page in pages:
        check_headers(page)
        assert page.headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in page.headers


def test_over_https_browsers_are_told_to_stay_there(desk: FakeDesk) -> None:
    visitor = Visitor(app_for(desk, secure=True), https=True)
    for path in ("/", "/nix", "/gesund"):
        assert "max-age=31536000" in visitor.open(path).headers["strict-transport-security"]


def test_the_style_sheet_may_be_kept_because_another_one_has_another_address(
    visitor: Visitor,
) -> None:
    (path,) = re.findall(rf'href="({STYLE}[^"]*)"', visitor.open("/").text)
    visitor.client.cookies.clear()
    sheet = visitor.open(path)
    assert sheet.status_code == 200
    assert sheet.headers["content-type"].startswith("text/css")
    assert "immutable" in sheet.headers["cache-control"]
    assert "set-cookie" not in sheet.headers
    check_headers(sheet)


def test_an_error_of_ours_shows_a_page_without_details_and_is_told_to_the_operator(
    desk: FakeDesk, clock: Clock
) -> None:
    heard: list[Exception] = []
    visitor = Visitor(app_for(desk, clock=clock, on_error=heard.append))
    visitor.come_in(desk.add_letter().secret)
    desk.broken = RuntimeError("Łukasz Wójcik, geboren 29.02.1964")
    page = visitor.open("/brief")  # the client would raise what the server were given to print
    assert page.status_code == 500
    assert "Bei uns ist ein Fehler aufgetreten" in page.text
    assert "Wójcik" not in page.text
    assert heard == [desk.broken]


def test_a_database_out_of_reach_asks_for_patience_and_ends_no_session(
    desk: FakeDesk, visitor: Visitor
) -> None:
    visitor.come_in(desk.add_letter().secret)
    desk.broken = StateUnavailable("state.unreachable")
    page = visitor.open("/brief")
    assert page.status_code == 503
    assert page.headers["retry-after"] == "120"
    desk.broken = None
    assert visitor.open("/brief").status_code == 200


@pytest.mark.parametrize("in_pieces", [False, True])
def test_a_body_of_more_than_64_kilobytes_is_refused(
    desk: FakeDesk, visitor: Visitor, in_pieces: bool
) -> None:
    visitor.come_in(desk.add_letter().secret)
    path = "/brief/c-parken/stimmt-nicht/absenden"
    start = f"csrf={visitor.csrf()}&text=".encode()
    for size, status in ((64 * 1024, 422), (64 * 1024 + 1, 413)):
        body = start + b"x" * (size - len(start))
        content = iter([body[:1000], body[1000:]]) if in_pieces else body
        page = visitor.client.post(
            path,
            content=content,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert page.status_code == status
    assert desk.recorded == []


def test_four_thousand_of_the_widest_characters_are_not_too_much(
    desk: FakeDesk, visitor: Visitor
) -> None:
    visitor.come_in(desk.add_letter().secret)
    visitor.answer("c-parken", "stimmt-nicht", text="🅿" * 4000)
    assert desk.recorded[0][4] == "🅿" * 4000


def test_pages_that_do_not_exist_get_a_decent_answer(visitor: Visitor) -> None:
    for path in ("/nix", "/docs", "/redoc", "/openapi.json", "/brief/x/y/z", "/a/", "/.env"):
        page = visitor.open(path)
        assert page.status_code == 404, path
        assert "Diese Seite gibt es nicht" in page.text
        assert page.headers["content-type"] == "text/html; charset=utf-8"


def test_the_page_says_that_it_lives_without_starting_a_session(visitor: Visitor) -> None:
    page = visitor.open("/gesund")
    assert page.status_code == 204
    assert page.content == b""
    assert "set-cookie" not in page.headers
