"""What a resident does with a letter in hand, from the link or the code to the receipt."""

import re

import pytest

from tasks.domain.reply import ReplyKind, Scope
from tasks.replies.desk import BirthDate
from tests.replies.fake_desk import CARD, PARKING, REMEDY, FakeDesk
from tests.replies.visitor import Visitor, app_for

PERSONAL = ("MU-LW 91", "BP-2024-000317", "Zone 12", "BP-7F3K-29QX", "Bewohnerparkausweis gilt")
EVERY_ANSWER = [
    ("abmelden", "case", "", ReplyKind.DEREGISTER, Scope.CASE),
    ("abmelden", "service", "", ReplyKind.DEREGISTER, Scope.SERVICE),
    ("stimmt-nicht", "", "Ich bin nicht umgezogen.", ReplyKind.WRONG, Scope.CASE),
    ("widerspruch", "", "", ReplyKind.OBJECT, Scope.CASE),
    ("kuenftig-nicht", "service", "", ReplyKind.OPT_OUT, Scope.SERVICE),
    ("kuenftig-nicht", "information", "", ReplyKind.OPT_OUT, Scope.INFORMATION),
]


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
def visitor(desk: FakeDesk) -> Visitor:
    return Visitor(app_for(desk))


def test_the_link_asks_the_birth_date_and_then_shows_the_letter(
    desk: FakeDesk, visitor: Visitor
) -> None:
    secret = desk.add_letter().secret
    visitor.come_in(secret)
    assert visitor.page.status_code == 200
    assert visitor.page.url.path == "/brief"
    assert "MU-LW 91" in visitor.page.text
    assert "Warum wir so entschieden haben" in visitor.page.text


def test_the_code_from_paper_leads_to_the_same_letter(desk: FakeDesk, visitor: Visitor) -> None:
    code = desk.add_letter().code
    visitor.open("/")
    visitor.submit(code=f" {code.lower().replace('-', ' ')} ")
    assert visitor.page.url.path == "/geburtsdatum"
    visitor.submit(tag="29", monat="02", jahr="1964")
    assert visitor.page.url.path == "/brief"
    assert "MU-LW 91" in visitor.page.text


def test_nothing_personal_is_shown_before_the_birth_date(desk: FakeDesk, visitor: Visitor) -> None:
    entry = desk.add_letter()
    pages = [visitor.open(f"/a/{entry.secret}"), visitor.submit(jahr="1965")]
    visitor.open("/")
    pages += [visitor.submit(code=entry.code), visitor.submit(jahr="1965")]
    for page in pages:
        assert "Stadt Musterstadt" in page.text  # who writes is no secret
        assert not [word for word in PERSONAL if word in page.text]
    for path in ("/brief", "/brief/c-parken/abmelden", "/beleg/r-11"):
        page = visitor.open(path)
        assert page.status_code == 401
        assert not [word for word in PERSONAL if word in page.text]


def test_the_secret_leaves_the_address_with_the_birth_date(
    desk: FakeDesk, visitor: Visitor
) -> None:
    secret = desk.add_letter().secret
    visitor.come_in(secret)
    assert secret not in str(visitor.page.url)
    assert secret not in visitor.page.text


@pytest.mark.parametrize(("born", "typed"), [((1950, 0, 0), ("", "")), ((1950, 7, 0), ("", "7"))])
def test_somebody_of_whom_the_register_knows_no_day_leaves_it_empty(
    desk: FakeDesk, visitor: Visitor, born: tuple[int, int, int], typed: tuple[str, str]
) -> None:
    secret = desk.add_letter(born=BirthDate(*born)).secret
    visitor.come_in(secret, *typed, "1950")
    assert visitor.page.url.path == "/brief"


@pytest.mark.parametrize(
    ("day", "month", "year", "field"),
    [
        ("30", "2", "1964", "tag"),
        ("29", "2", "1963", "tag"),
        ("32", "1", "1964", "tag"),
        ("0", "1", "1964", "tag"),
        ("x", "1", "1964", "tag"),
        ("²", "1", "1964", "tag"),
        ("1", "13", "1964", "monat"),
        ("1", "", "1964", "monat"),
        ("1", "1", "64", "jahr"),
        ("1", "1", "", "jahr"),
        ("1", "1", "0000", "jahr"),
        ("1", "1", "-196", "jahr"),
    ],
)
def test_a_date_that_cannot_be_is_told_at_the_field_and_costs_no_try(
    desk: FakeDesk, visitor: Visitor, day: str, month: str, year: str, field: str
) -> None:
    entry = desk.add_letter()
    visitor.come_in(entry.secret, day, month, year)
    assert visitor.page.status_code == 422
    assert f'href="#{field}"' in visitor.page.text
    assert re.search(rf'id="{field}"[^>]*aria-describedby="{field}-fehler"', visitor.page.text)
    assert "unlock" not in desk.calls


def test_the_29th_of_february_is_taken_in_a_leap_year(desk: FakeDesk, visitor: Visitor) -> None:
    assert visitor.come_in(desk.add_letter().secret, "29", "2", "1964").url.path == "/brief"


def test_after_five_wrong_birth_dates_the_link_is_locked_for_good(
    desk: FakeDesk, visitor: Visitor
) -> None:
    entry = desk.add_letter()
    for _ in range(4):
        assert visitor.come_in(entry.secret, year="1965", day="1").status_code == 403
        assert "passt nicht" in visitor.page.text
    assert "gesperrt" in visitor.come_in(entry.secret, year="1965", day="1").text
    assert "gesperrt" in visitor.open(f"/a/{entry.secret}").text
    assert visitor.page.status_code == 403
    assert desk.calls.count("unlock") == 5
    visitor.open("/")
    assert "gesperrt" in visitor.submit(code=entry.code).text


def test_whoever_is_locked_out_reads_whom_to_call(desk: FakeDesk, visitor: Visitor) -> None:
    secret = desk.add_letter().secret
    for _ in range(5):
        visitor.come_in(secret, year="1965", day="1")
    assert "Telefon 0123 456-7890" in visitor.page.text


def test_a_fifth_try_that_is_right_still_opens(desk: FakeDesk, visitor: Visitor) -> None:
    entry = desk.add_letter()
    for _ in range(4):
        visitor.come_in(entry.secret, year="1965", day="1")
    assert visitor.come_in(entry.secret).url.path == "/brief"


@pytest.mark.parametrize(("answer", "scope", "text", "kind", "stored"), EVERY_ANSWER)
def test_every_answer_is_chosen_then_confirmed_then_recorded_once(
    desk: FakeDesk,
    visitor: Visitor,
    answer: str,
    scope: str,
    text: str,
    kind: ReplyKind,
    stored: Scope,
) -> None:
    entry = desk.add_letter()
    visitor.come_in(entry.secret)
    path = f"/brief/c-parken/{answer}"
    visitor.open(path)
    visitor.submit(umfang=scope, text=text)
    assert "Bitte prüfen Sie Ihre Antwort" in visitor.page.text
    assert text in visitor.page.text
    assert desk.recorded == []

    visitor.submit(f"{path}/absenden", umfang=scope, text=text)
    assert desk.recorded == [(entry.door, "c-parken", kind, stored, text)]
    assert visitor.page.url.path == "/beleg/r-11"
    assert "r-11" in visitor.page.text
    assert "24. November 2026, 14:05 Uhr" in visitor.page.text


def test_replying_twice_gives_the_same_receipt(desk: FakeDesk, visitor: Visitor) -> None:
    visitor.come_in(desk.add_letter().secret)
    form = visitor.open("/brief/c-parken/abmelden")
    token = visitor.csrf()
    assert form.status_code == 200
    visitor.answer("c-parken", "abmelden", "case")
    for _ in range(2):  # „back“, and once more
        visitor.post("/brief/c-parken/abmelden/absenden", csrf=token, umfang="service")
        assert visitor.page.url.path == "/beleg/r-11"
    visitor.post("/brief/c-parken/abmelden", csrf=token, umfang="service")
    assert visitor.page.url.path == "/beleg/r-11"
    assert visitor.open("/brief/c-parken/abmelden").url.path == "/beleg/r-11"
    assert len(desk.recorded) == 1


def test_an_answer_given_is_shown_with_its_receipt_instead_of_its_form(
    desk: FakeDesk, visitor: Visitor
) -> None:
    visitor.come_in(desk.add_letter().secret)
    visitor.answer("c-parken", "abmelden", "case")
    visitor.open("/brief")
    assert '/beleg/r-11"' in visitor.page.text
    assert '/brief/c-parken/abmelden"' not in visitor.page.text
    assert '/brief/c-parken/stimmt-nicht"' in visitor.page.text


def test_only_what_a_part_offers_can_be_answered(desk: FakeDesk, visitor: Visitor) -> None:
    visitor.come_in(desk.add_letter(CARD).secret)
    token = visitor.csrf()
    assert "/c-ausweis/kuenftig-nicht" in visitor.page.text
    for answer in ("abmelden", "widerspruch"):
        assert f"/c-ausweis/{answer}" not in visitor.page.text
        for path in (f"/brief/c-ausweis/{answer}", f"/brief/c-ausweis/{answer}/absenden"):
            assert visitor.post(path, csrf=token, umfang="case").status_code == 409
    assert desk.recorded == []


def test_a_part_of_another_letter_cannot_be_answered(desk: FakeDesk, visitor: Visitor) -> None:
    mine, other = desk.add_letter(CARD), desk.add_letter(PARKING)
    visitor.come_in(mine.secret)
    token = visitor.csrf()
    page = visitor.post("/brief/c-parken/abmelden/absenden", csrf=token, umfang="case")
    assert page.status_code == 404
    stranger = Visitor(visitor.client.app)
    stranger.come_in(other.secret)
    stranger.answer("c-parken", "abmelden", "case")
    assert visitor.open("/beleg/r-21").status_code == 404
    assert visitor.open("/beleg/r-21/datei").status_code == 404


def test_each_part_of_a_letter_is_answered_by_itself(desk: FakeDesk, visitor: Visitor) -> None:
    visitor.come_in(desk.add_letter(PARKING, CARD).secret)
    visitor.answer("c-ausweis", "kuenftig-nicht", "service")
    visitor.open("/brief")
    assert '/brief/c-ausweis/kuenftig-nicht"' not in visitor.page.text
    assert '/brief/c-parken/kuenftig-nicht"' in visitor.page.text


def test_this_is_wrong_needs_words_and_takes_four_thousand_characters(
    desk: FakeDesk, visitor: Visitor
) -> None:
    visitor.come_in(desk.add_letter().secret)
    visitor.open("/brief/c-parken/stimmt-nicht")
    assert visitor.submit(text="  \r\n ").status_code == 422
    assert 'href="#text"' in visitor.page.text
    assert visitor.submit(text="ü" * 4001).status_code == 422
    assert "4001 Zeichen" in visitor.page.text
    assert "ü" * 4001 in visitor.page.text  # nobody has to type it again
    # A line's end counts as one character, as it does in the browser.
    assert visitor.submit(text="ü" * 3997 + "\r\na\r\n").status_code == 200
    page = visitor.submit("/brief/c-parken/stimmt-nicht/absenden", text="x" * 4001)
    assert page.status_code == 422
    assert desk.recorded == []


def test_what_a_resident_writes_is_shown_as_text_and_kept_as_written(
    desk: FakeDesk, visitor: Visitor
) -> None:
    words = "<script>alert(1)</script>\n{{ 7 * 7 }} „Ö“ & \"'\n\n  zweite Zeile 🅿"
    visitor.come_in(desk.add_letter().secret)
    visitor.open("/brief/c-parken/stimmt-nicht")
    visitor.submit(text=words.replace("\n", "\r\n"))
    assert "<script>" not in visitor.page.text
    assert "{{ 7 * 7 }}" in visitor.page.text
    visitor.submit("/brief/c-parken/stimmt-nicht/absenden", text=words.replace("\n", "\r\n"))
    assert desk.recorded[0][4] == words


def test_characters_that_no_database_takes_are_left_out(desk: FakeDesk, visitor: Visitor) -> None:
    visitor.come_in(desk.add_letter().secret)
    visitor.answer("c-parken", "stimmt-nicht", text="a\x00b\x1b\tc\x7f\nd")
    assert desk.recorded[0][4] == "ab\tc\nd"


def test_a_choice_must_be_made_and_must_be_one_of_those_offered(
    desk: FakeDesk, visitor: Visitor
) -> None:
    visitor.come_in(desk.add_letter().secret)
    for answer, scopes in [("abmelden", ("", "information", "x")), ("kuenftig-nicht", ("case",))]:
        for scope in scopes:
            path = f"/brief/c-parken/{answer}"
            visitor.open(path)
            token = visitor.csrf()
            assert visitor.submit(umfang=scope).status_code == 422
            assert 'href="#umfang"' in visitor.page.text
            page = visitor.post(f"{path}/absenden", csrf=token, umfang=scope)
            assert page.status_code == 422
    assert desk.recorded == []


def test_changing_ones_mind_brings_the_form_back_as_it_was_filled(
    desk: FakeDesk, visitor: Visitor
) -> None:
    visitor.come_in(desk.add_letter().secret)
    visitor.open("/brief/c-parken/abmelden")
    visitor.submit(umfang="service", aendern="1")
    assert re.search(r'value="service" checked', visitor.page.text)
    assert desk.recorded == []


def test_an_objection_shows_the_legal_remedies_word_for_word_and_says_what_it_is_not(
    desk: FakeDesk, visitor: Visitor
) -> None:
    visitor.come_in(desk.add_letter().secret)
    visitor.open("/brief/c-parken/widerspruch")
    for paragraph in REMEDY.split("\n\n"):
        assert paragraph in visitor.page.text
    assert "noch kein Widerspruch" in visitor.page.text
    assert "wahrt die Frist nicht" in visitor.page.text


def test_the_receipt_of_an_objection_carries_a_letter_to_sign_without_any_address_of_theirs(
    desk: FakeDesk, visitor: Visitor
) -> None:
    visitor.come_in(desk.add_letter().secret)
    page = visitor.answer("c-parken", "widerspruch")
    assert "erhebe ich Widerspruch" in page.text
    assert "Ihr Bescheid vom 23. November 2026, Ihr Zeichen BP-7F3K-29QX" in page.text
    assert "Unterschrift" in page.text
    assert "Vorname, Name" in page.text
    visitor.answer("c-parken", "abmelden", "case")
    assert "Unterschrift" not in visitor.page.text


def test_the_receipt_can_be_saved_as_a_file(desk: FakeDesk, visitor: Visitor) -> None:
    visitor.come_in(desk.add_letter().secret)
    visitor.answer("c-parken", "widerspruch")
    file = visitor.open("/beleg/r-11/datei")
    assert file.headers["content-disposition"] == 'attachment; filename="beleg-r-11.txt"'
    assert file.headers["content-type"] == "text/plain; charset=utf-8"
    for words in ("BELEG r-11", "BP-7F3K-29QX", "24. November 2026, 14:05 Uhr", "kein Widerspruch"):
        assert words in file.text


def test_leaving_ends_the_session(desk: FakeDesk, visitor: Visitor) -> None:
    visitor.come_in(desk.add_letter().secret)
    visitor.submit("/abmelden-sitzung")
    assert visitor.page.url.path == "/ende"
    assert "beendet" in visitor.page.text
    assert visitor.open("/brief").status_code == 401


@pytest.mark.parametrize("answer", ["abmelden", "stimmt-nicht", "widerspruch", "kuenftig-nicht"])
def test_plain_language_is_kept_on_the_whole_way(
    desk: FakeDesk, visitor: Visitor, answer: str
) -> None:
    entry = desk.add_letter()
    plain = "?einfach=1"
    path = f"/brief/c-parken/{answer}"
    pages = [visitor.open(f"/{plain}"), visitor.submit(code="x"), visitor.open(f"/nix{plain}")]
    visitor.open(f"/{plain}")
    pages += [
        visitor.submit(code=entry.code),
        visitor.submit(jahr="1"),
        visitor.submit(jahr="1965"),
    ]
    pages += [visitor.open(f"/a/{entry.secret}{plain}")]
    pages += [visitor.submit(tag="29", monat="2", jahr="1964"), visitor.open(f"{path}{plain}")]
    fields = {"umfang": "service", "text": "Ich wohne noch da."}
    pages += [visitor.submit(**fields), visitor.submit(f"{path}/absenden{plain}", **fields)]
    pages += [visitor.open(f"/ende{plain}")]
    for page in pages:
        assert page.url.query == b"einfach=1"
        targets = re.findall(r'(?:href|action)="(/[^"]*)"', page.text)
        ways = [target for target in targets if not target.startswith("/stil.css")]
        out = re.findall(r'class="tool"[^>]*(?:href|formaction)="([^"]+)"', page.text)
        assert len(out) == 1, page.url  # the way back to the usual language
        assert [target for target in ways if not target.endswith(plain)] in ([], out), page.url


def test_plain_language_can_be_chosen_on_the_last_page_before_sending_without_typing_again(
    desk: FakeDesk, visitor: Visitor
) -> None:
    visitor.come_in(desk.add_letter().secret)
    visitor.open("/brief/c-parken/stimmt-nicht")
    visitor.submit(text="Ich wohne noch da.")
    (switch,) = re.findall(r'form="antwort" formaction="([^"]+)"', visitor.page.text)
    assert switch == "/brief/c-parken/stimmt-nicht?einfach=1"
    visitor.submit(switch, text="Ich wohne noch da.")
    assert "Stimmt das so?" in visitor.page.text
    assert "Ich wohne noch da." in visitor.page.text
