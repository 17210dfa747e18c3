"""What a resident reads after an answer, a clerk's decision, or a reversal by the registry."""

import html
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import pypdfium2
import pytest
import segno

from tasks.domain.check import ANSWER
from tasks.domain.decision import Ground, Result
from tasks.domain.statements import Taking
from tasks.errors import LetterIncomplete
from tasks.letters.render import RenderedLetter
from tasks.services.resident_parking import ZONES
from tests.builders import FORM_WORDS, stated
from tests.letters.letters import a_ground, a_letter, renderer
from tests.letters.pdf_reading import MM, page_count, text_of

FORMS = ("text", "html", "pdf")
RECEIVED = {"received_on": "2026-11-23"}
DEREGISTERED = RECEIVED | {
    "ended": "BPA-0002/2 (Zone A2, Kennzeichen MU-LW 91)",
    "last_day": "2026-12-01",
    "scope": "case",
    "nothing_to_do": "yes",
    "old_permit_text": "",
}
TAKEN_BACK = {
    "permit_number": "BPA-0002",
    "plate": "MU-LW 91",
    "zone_old": "A2",
    "zone_new": "A3",
    "valid_until": "2027-12-31",
    "ends_soon_from": "2027-11-19",
    **FORM_WORDS,
    "dropped_permit": "BPA-0002/2",
    "dropped_until": "",
    "reason": "registry",
    "what": "zone",
    "taking": "",
}
ENDED = {
    "permit_number": "BPA-0002",
    "plate": "MU-LW 91",
    "zone_old": "A3",
    "valid_until": "2026-11-30",
    "why": "no_zone",
    "taking": "",
    "ended": "BPA-0002 (Zone A3, Kennzeichen MU-LW 91)",
    "new_permit": "",
    "last_day": "2026-11-30",
    "moved": "yes",
    **FORM_WORDS,
}
BY_CLERK = (a_ground("clerk_decided", "VwVfG § 35"),)
ANSWERED = Ground("reply_settled", "VwVfG § 24", "A condition.", Result.UNCLEAR, {ANSWER: "stands"})
UNDONE = tuple(
    a_ground(name, law)
    for name, law in {
        "not_undone": "VwVfG § 43 Abs. 2",
        "record_intact": "VwVfG § 24 Abs. 1",
        "undo_by_machine": "VwVfG § 36 Abs. 2 Nr. 2; VwVfG § 43 Abs. 2",
        "permit_zone_agrees": ZONES,
    }.items()
)
DECIDES, REMEDY = "Unsere Entscheidung", "Rechtsbehelfsbelehrung Gegen diesen"
LETS_MACHINES = "StVO § 46 Abs. 5"
AUTOMATED, BY_PERSON = "vollständig automatisiert", "Eine Sachbearbeiterin oder ein Sachbearbeiter"


def letter(
    code: str, data: Mapping[str, str], grounds: tuple[Ground, ...] = (), page: bool = False
) -> RenderedLetter:
    template = "_reply" if code in ("deregistered", "opted_out", "stands") else ""
    (part,) = a_letter().sections
    # Only what this code is promised: the sample's data would hide what is missing.
    part = replace(part, code=code, data=data, grounds=grounds, template=template)
    content = a_letter(sections=(part,))
    return renderer().render(content) if page else renderer().render_without_pdf(content)


def words(letter: RenderedLetter, form: str) -> str:
    if form == "pdf":
        said = text_of(letter.pdf)
    elif form == "html":
        body = letter.html.partition("<body")[2].partition(">")[2]
        said = html.unescape(re.sub(r"</(?:p|h\d|li|t[hd]|div)>|<br>", " ", body))
        said = re.sub(r"<[^>]+>", "", said)
    else:
        said = re.sub(r"^[-=]{3,}$|^- ", "", letter.text, flags=re.MULTILINE)
    return " ".join(said.replace("\u00a0", " ").split())


def text(code: str, data: Mapping[str, str], grounds: tuple[Ground, ...] = ()) -> str:
    return words(letter(code, data, grounds), "text")


# Each letter with what it must say, and what would not be so.
LETTERS: dict[str, tuple[str, Mapping[str, str], tuple[Ground, ...], list[str], list[str]]] = {
    "deregistered": (
        "deregistered",
        DEREGISTERED,
        (a_ground("reply_genuine"), a_ground("something_to_end")),
        [
            "Bewohnerparken: Ihre Abmeldung ist erledigt",
            "Ihre Mitteilung vom 23. November 2026 ist angekommen.",
            "BPA-0002/2 (Zone A2, Kennzeichen MU-LW 91)",
            "1. Dezember 2026",
            "weil Sie darauf verzichtet haben (§ 43 Abs. 2 VwVfG)",
            "An Ihren Meldedaten ändert sich nichts.",
            "Möchten Sie nicht, dass wir künftig von uns aus für Sie tätig werden?",
        ],
        [DECIDES, REMEDY, "Bescheid", AUTOMATED, "Brauchen Sie den Ausweis nicht mehr?"],
    ),
    "deregistered for the future, too": (
        "deregistered",
        DEREGISTERED | {"scope": "service"},
        (),
        ["künftig nicht mehr von uns aus für Sie tätig (Art. 21 DSGVO)", "kurze Nachricht"],
        [DECIDES, REMEDY, "Bescheid", AUTOMATED, "Möchten Sie nicht, dass wir"],
    ),
    "opted out of the service": (
        "opted_out",
        RECEIVED | {"scope": "service"},
        (),
        [
            "Bewohnerparken: Wir werden nicht mehr von uns aus für Sie tätig",
            "Ihre Mitteilung vom 23. November 2026 ist angekommen.",
            "Sie haben widersprochen (Art. 21 DSGVO).",
            "An dem, was für Sie schon gilt, ändert sich nichts.",
            "melden Sie sich bitte selbst bei uns und stellen Sie die nötigen Anträge",
            "jederzeit anders überlegen",
        ],
        [DECIDES, REMEDY, "Bescheid", AUTOMATED, "abgemeldet", "Möchten Sie nicht, dass wir"],
    ),
    "opted out of information": (
        "opted_out",
        RECEIVED | {"scope": "information"},
        (),
        [
            "Bewohnerparken: Wir werden nicht mehr von uns aus für Sie tätig, und wir informieren",
            "melden Sie sich bitte selbst",
            "alle Leistungen, über die wir nur informieren",
            "jederzeit anders überlegen",
        ],
        [DECIDES, REMEDY, "Bescheid", AUTOMATED, "abgemeldet", "Möchten Sie nicht, dass wir"],
    ),
    "stands": (
        "stands",
        RECEIVED,
        (a_ground("reply_genuine"), ANSWERED),
        [
            "Wir haben Ihre Mitteilung geprüft – es bleibt, wie es ist",
            "Sie haben uns am 23. November 2026 mitgeteilt",
            BY_PERSON,
            "in der Regel mit einem Widerspruch",
            "Die Frist ist dieselbe geblieben.",
            "ersetzt keinen Widerspruch",
        ],
        [DECIDES, REMEDY, "Dieser Bescheid", AUTOMATED, "Art. 22 DSGVO"],
    ),
    "taken back by the registry": (
        "taken_back",
        TAKEN_BACK,
        UNDONE,
        [
            "Ihr Bewohnerparkausweis gilt doch für Zone A3 – für den Ausweis müssen Sie nichts tun",
            "Die Meldebehörde hat die Änderung zurückgenommen, die sie uns gemeldet hatte.",
            "Bitte entschuldigen Sie die Umstände.",
            "Die Umstellung auf die Zone A2 ist hinfällig.",
            "Ihr Bewohnerparkausweis BPA-0002 für die Zone A3, und zwar bis zum 31. Dezember 2027",
            "Der Ausweis BPA-0002/2 für die Zone A2 gilt nicht mehr.",
            "Wohnen Sie doch nicht mehr in der Zone A3?",
            "dass Sie in seiner Zone wohnen (§ 36 Abs. 2 Nr. 2 VwVfG, § 43 Abs. 2 VwVfG)",
            "liegt Ihre Anschrift in der Zone A3 (§ 6 Abs. 1 Satz 1 Nr. 15 Buchst. b StVG",
            AUTOMATED,
            "Brauchen Sie den Ausweis nicht mehr?",
            REMEDY,
            "Art. 22 DSGVO",
        ],
        [
            BY_PERSON,
            "Wir nehmen",
            "Wir haben unsere Entscheidung überprüft",
            "§ 48 Abs. 1",
            "§ 46 Abs. 5",
        ],
    ),
    "taken back by a clerk": (
        "taken_back",
        TAKEN_BACK | {"reason": "clerk"},
        (a_ground("reply_genuine"), ANSWERED),
        [
            "Wir haben unsere Entscheidung überprüft.",
            "Bitte entschuldigen Sie die Umstände.",
            "hätten wir Ihren Ausweis nicht umstellen dürfen",
            "(§ 48 Abs. 1 VwVfG)",
            BY_PERSON,
            REMEDY,
        ],
        [AUTOMATED, "Die Meldebehörde hat", "Art. 22 DSGVO", "an die Bedingung geknüpft"],
    ),
    "an address put back": (
        "taken_back",
        TAKEN_BACK | {"what": "address", "zone_old": "A3", "dropped_permit": ""},
        UNDONE[:3],
        [
            "Bei Ihrem Bewohnerparkausweis steht wieder die frühere Anschrift",
            "Die Meldebehörde hat die Änderung zurückgenommen",
            "Zone, Kennzeichen und Gültigkeit haben wir dabei nicht geändert.",
            "A3 (wie bisher)",
            "31. Dezember 2027",
        ],
        [DECIDES, REMEDY, "Bescheid", "Umstellung", "nicht mehr gültig", "früheren Namen"],
    ),
    "a name put back": (
        "taken_back",
        TAKEN_BACK | {"what": "name", "dropped_permit": "", "reason": "clerk"},
        BY_CLERK,
        [
            "Bei Ihrem Bewohnerparkausweis steht wieder der frühere Name",
            "Wir haben die Angaben noch einmal geprüft.",
            "Zone, Kennzeichen und Gültigkeit haben wir dabei nicht geändert.",
        ],
        [DECIDES, REMEDY, "Bescheid", "Umstellung", "Die Meldebehörde hat", "Anschrift steht"],
    ),
    "ended by a clerk": (
        "permit_ended",
        ENDED,
        BY_CLERK,
        [
            "Ihr Bewohnerparkausweis gilt nur noch bis zum 30. November 2026",
            "Mit Ablauf des 30. November 2026 endet die Gültigkeit Ihres Bewohnerparkausweises "
            "BPA-0002 (Zone A3, Kennzeichen MU-LW 91).",
            "mit einer Bedingung erteilt, die damit eingetreten ist",
            "(§ 36 Abs. 2 Nr. 2, § 43 Abs. 2 VwVfG)",
            "Danach dürfen Sie damit nicht mehr auf Plätzen parken",
            "dort wohnt (VwV-StVO zu § 45, § 6 Abs. 1 Satz 1 Nr. 15 Buchst. b StVG, § 45 Abs. 1b",
            BY_PERSON,
            REMEDY,
        ],
        [AUTOMATED, "Brauchen Sie den Ausweis nicht mehr?", "§ 35a", "Art. 22 DSGVO"],
    ),
}


@cache
def named(name: str) -> RenderedLetter:
    code, data, grounds, _, _ = LETTERS[name]
    return letter(code, data, grounds, page=True)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", LETTERS)
def test_every_form_says_the_essential_and_nothing_that_is_not_so(name: str, form: str) -> None:
    *_, needed, never = LETTERS[name]

    said = words(named(name), form)

    assert [part for part in needed if part not in said] == []
    assert [part for part in never if part in said] == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", LETTERS)
def test_every_letter_can_be_answered_by_link_and_by_code(name: str, form: str) -> None:
    (part,) = a_letter().sections

    said = words(named(name), form)

    assert "Antworten Hier sehen Sie den Vorgang und können uns antworten" in said
    assert "Halten Sie Ihr Geburtsdatum bereit." in said
    assert part.reply_code in said
    link = named(name).html if form == "html" else said
    assert part.reply_url.removeprefix("https://") in link
    assert "wie es oben unter „Antworten“ steht" in said


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", LETTERS)
def test_no_day_is_printed_the_way_a_machine_writes_it(name: str, form: str) -> None:
    assert re.findall(r"\d{4}-\d\d-\d\d", words(named(name), form)) == []


@pytest.mark.parametrize("name", LETTERS)
def test_no_letter_is_longer_than_a_sheet_of_paper(name: str) -> None:
    assert page_count(named(name).pdf) <= 2


@cache
def ever_longer(code: str) -> list[list[str]]:
    """The pages of letters of which each is about a line longer than the one before."""
    (part,) = a_letter().sections
    data = {**part.data, **DEREGISTERED, "scope": "service"}
    pages = []
    for lines in range(1, 32):
        words = "Worte, die mit anderen zusammen bald eine ganze Zeile füllen. " * lines
        pdf = letter(code, data | {"new_address": words, "ended": words}, page=True).pdf
        texts = [text_of(pdf, number) for number in range(page_count(pdf))]
        pages.append([text.rpartition("Stadt Musterstadt · Rathausplatz 1")[0] for text in texts])
    return pages


@pytest.mark.parametrize(
    ("code", "first", "second"),
    [
        ("address_updated", "Brauchen Sie den Ausweis nicht mehr?", "Das geht ohne Begründung."),
        ("address_updated", "Das geht ohne Begründung.", "Halten Sie Ihr Geburtsdatum bereit."),
        ("address_updated", "Halten Sie Ihr Geburtsdatum bereit.", "7K4M-29XP-5X"),
        ("deregistered", "Freundliche Grüße", "Freundliche Grüße Stadt Musterstadt"),
    ],
)
def test_what_belongs_together_is_on_one_page_wherever_the_page_ends(
    code: str, first: str, second: str
) -> None:
    places = set()
    for pages in ever_longer(code):
        (page,) = [number for number, text in enumerate(pages) if first in text]
        assert second in pages[page]
        places.add(page)
    assert places == {0, 1}  # the page did end there


def test_a_plate_is_never_torn_apart() -> None:
    for words in range(50):
        data = TAKEN_BACK | {"zone_old": "A" + " i" * words}
        pdf = letter("taken_back", data, UNDONE, page=True).pdf
        page = pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_range()
        assert "MU-LW" in page, words


def test_on_paper_the_code_comes_with_the_short_address_where_it_is_typed() -> None:
    said = words(named("deregistered"), "pdf")
    assert "Code für service.musterstadt.example, am Telefon oder im Bürgerbüro" in said


def sampled(pdf: bytes, address: str) -> bool:
    """Whether the first page with a code shows exactly the code of this address."""
    code = segno.make_qr(address, error="m", mask=4)
    wanted = [[bool(module) for module in row] for row in code.matrix]
    count, scale = len(wanted), 4.0
    left, side = 160 * MM * scale, 26 * MM * scale
    step = side / count
    columns = [round(left + (index + 0.5) * step) for index in range(count)]
    for sheet in pypdfium2.PdfDocument(pdf):
        picture = sheet.render(scale=scale, grayscale=True).to_pil()
        pixels = picture.load()
        for top in range(round(picture.height - side)):
            rows = (round(top + (index + 0.5) * step) for index in range(count))
            if all(
                [pixels[x, y] < 128 for x in columns] == row
                for y, row in zip(rows, wanted, strict=True)
            ):
                return True
    return False


def test_the_code_on_paper_leads_to_the_page_on_which_one_answers() -> None:
    (part,) = a_letter().sections
    pdf = named("deregistered").pdf
    assert sampled(pdf, part.reply_url)
    assert not sampled(pdf, part.reply_url[:-1] + "L")


@pytest.mark.parametrize(
    ("last_day", "subject", "sentence"),
    [
        ("2026-11-23", "galt nur bis zum 23. November 2026", "endete die Gültigkeit"),
        ("2026-11-24", "gilt nur noch bis zum 24. November 2026", "endet die Gültigkeit"),
        ("2026-11-25", "gilt nur noch bis zum 25. November 2026", "endet die Gültigkeit"),
    ],
)
def test_a_permit_ends_or_has_ended_before_on_and_after_its_last_day(
    last_day: str, subject: str, sentence: str
) -> None:
    ended = letter("permit_ended", ENDED | {"valid_until": last_day}, BY_CLERK)
    assert ended.subject == f"Ihr Bewohnerparkausweis {subject}"
    assert sentence in words(ended, "text")


@pytest.mark.parametrize(
    ("why", "short", "reason"),
    [
        (
            "no_zone",
            "liegt in keiner Bewohnerparkzone",
            "Zone gemeldet ist und dort wohnt",
        ),
        ("moved_away", "nicht mehr in Musterstadt.", "Nach dem Melderegister wohnen Sie nicht"),
        (
            "secondary_dwelling",
            "nur noch eine Nebenwohnung.",
            "gibt es in Musterstadt keinen",
        ),
        ("end_old_permit", "nicht mehr in der Zone A3.", "nicht mehr in der Zone A3."),
        ("returned", "Sie sind zugezogen", "bevor Sie nach dem Melderegister hier eingezogen"),
        ("second_home_given_up", "Sie haben die Wohnung aufgegeben", "gilt Ihr Ausweis nicht."),
    ],
)
def test_why_a_clerk_has_ended_a_permit_is_said_short_and_with_its_law(
    why: str, short: str, reason: str
) -> None:
    summary, _, reasons = text("permit_ended", ENDED | {"why": why}, BY_CLERK).partition(DECIDES)
    assert short in summary
    assert reason in reasons


@pytest.mark.parametrize(
    ("until", "said"),
    [
        ("2026-11-25", "noch bis zum 25. November 2026 in der Zone A2 parken, danach nicht mehr."),
        ("2026-11-24", "noch bis zum 24. November 2026 in der Zone A2 parken, danach nicht mehr."),
        ("2026-11-23", "Der Ausweis BPA-0002/2 für die Zone A2 gilt nicht mehr."),
    ],
)
def test_the_letter_says_how_long_one_may_park_with_the_permit_of_a_taken_back_switch(
    until: str, said: str
) -> None:
    assert said in text("taken_back", TAKEN_BACK | {"dropped_until": until}, UNDONE)


def test_a_switch_that_left_no_new_permit_behind_names_none() -> None:
    said = text("taken_back", TAKEN_BACK | {"dropped_permit": ""}, UNDONE)
    assert "gilt nicht mehr" not in said


def test_what_the_registry_took_back_and_a_clerk_decided_says_both() -> None:
    asked = Ground("undo_by_machine", "", "A condition.", Result.NOT_MET, {ANSWER: "undo"})
    why = stated(Taking.WITHDRAWS)
    said = text("taken_back", TAKEN_BACK | why | {"taking": "withdraws"}, (*UNDONE[:2], asked))
    assert "Wir nehmen die Umstellung auf die Zone A2 zurück." in said
    for name in ("unlawful", "discretion", "hearing"):
        assert why[name] in said
    assert "seit dem 23. November 2026" in said
    assert "Die Frist von einem Jahr ist damit gewahrt (§ 48 Abs. 4 Satz 1 VwVfG)." in said
    assert "Die Meldebehörde hat die gemeldete Änderung zurückgenommen." in said
    assert said.count("(§ 48 Abs. 1 VwVfG)") == 1
    assert BY_PERSON in said
    assert AUTOMATED not in said


@pytest.mark.parametrize(
    ("taking", "norm"),
    [
        (Taking.REVOKES, "Interesse gefährdet würde (§ 49 Abs. 2 Satz 1 Nr. 3"),
        (Taking.AS_RESERVED, "mit dem Vorbehalt erteilt, dass wir ihn widerrufen können"),
    ],
)
def test_a_revocation_says_that_it_is_one_and_all_that_its_norm_asks_for(
    taking: Taking, norm: str
) -> None:
    said = text("permit_ended", ENDED | stated(taking) | {"taking": taking}, BY_CLERK)
    assert "Wir widerrufen Ihren Bewohnerparkausweis BPA-0002" in said
    assert "Bedingung" not in said
    assert norm in said
    for words in stated(taking, known_since="seit dem 23. November 2026").values():
        assert words in said
    assert "eingehalten" not in said
    assert "gewahrt (§ 49 Abs. 2 Satz 2, § 48 Abs. 4 Satz 1 VwVfG)" in said
    assert ("Das öffentliche Interesse" in said) is (taking is Taking.REVOKES)


def test_what_lapsed_by_its_condition_is_not_called_revoked() -> None:
    said = text("permit_ended", ENDED, BY_CLERK)
    assert "widerrufen" not in said
    assert "Ermessen" not in said


@pytest.mark.parametrize("code", ["taken_back", "permit_ended"])
def test_a_ground_without_a_sentence_stops_these_letters_too(code: str) -> None:
    data = TAKEN_BACK if code == "taken_back" else ENDED
    with pytest.raises(LetterIncomplete) as caught:
        text(code, data, (a_ground("a_new_condition"),))
    assert "a_new_condition" in caught.value.detail


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("taken_back", TAKEN_BACK | {"what": "zones"}),
        ("permit_ended", ENDED | {"why": "a_new_reason"}),
    ],
)
def test_what_the_template_does_not_know_is_an_error_and_no_empty_sentence(
    code: str, data: Mapping[str, str]
) -> None:
    with pytest.raises(LetterIncomplete):
        text(code, data, BY_CLERK)


@pytest.mark.parametrize("code", ["zone_switched", ""])
def test_a_decision_is_never_written_with_the_template_of_replies(code: str) -> None:
    with pytest.raises(LetterIncomplete):
        renderer().render_without_pdf(a_letter(section={"code": code, "template": "_reply"}))


@pytest.mark.parametrize(
    ("name", "choice", "sentence"),
    [
        ("one_zone", "zone:A2", "Ihre Anschrift gehört zur Bewohnerparkzone A2."),
        ("one_permit", "permit:BPA-0002", "Umgestellt haben wir Ihren Ausweis BPA-0002."),
        ("plate_german", "go_on", "Für das Kennzeichen MU-LW 91 darf ein Ausweis erteilt werden."),
    ],
)
def test_a_switch_says_which_reason_a_clerk_has_settled(
    name: str, choice: str, sentence: str
) -> None:
    settled = Ground(name, "", "A condition.", Result.UNCLEAR, {ANSWER: choice})
    part = {"grounds": (a_ground("adult"), settled)}
    said = words(renderer().render_without_pdf(a_letter(section=part)), "text")
    assert sentence in said
    assert BY_PERSON in said
    assert "genau einer" not in said


def test_a_permit_that_a_clerk_found_to_be_the_persons_makes_no_automatic_decision() -> None:
    found = Ground("holder_certain", "", "A condition.", Result.MET, {ANSWER: "link:BPA-0002"})
    grounds = (found, a_ground("automation_norm"))
    said = words(renderer().render_without_pdf(a_letter(section={"grounds": grounds})), "text")
    assert AUTOMATED not in said
    assert BY_PERSON in said


def test_what_a_machine_gives_back_names_the_norm_that_lets_it() -> None:
    said = text("taken_back", TAKEN_BACK, (*UNDONE, a_ground("automation_norm", LETS_MACHINES)))
    assert f"{AUTOMATED} getroffen (§ 35a VwVfG, § 46 Abs. 5 StVO)" in said
