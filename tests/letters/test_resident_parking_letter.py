"""What the resident reads about the parking permit: all that a Bescheid must say, and no more."""

from dataclasses import replace
from datetime import date

import pytest

from tasks.domain import automation, follow_up, holder, permit_forms
from tasks.domain.decision import Result
from tasks.errors import LetterIncomplete
from tasks.services import resident_parking
from tests.letters.letters import a_ground, a_letter, renderer
from tests.letters.pdf_reading import text_of

RULES = (automation, holder, permit_forms, follow_up, resident_parking)
CONDITIONS = [name for rule in RULES for name in rule.CONDITIONS]
DAY = date(2026, 12, 1)
INFORMATION = ("address_updated", "name_updated")


def text(*args, **kwargs) -> str:
    """The e-mail's text, its no-break spaces read as blanks."""
    return renderer().render_without_pdf(a_letter(*args, **kwargs)).text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("dated", "subject"),
    [
        (date(2026, 11, 30), "Ihr Bewohnerparkausweis gilt ab 1. Dezember 2026 in Zone A2"),
        (date(2026, 12, 1), "Ihr Bewohnerparkausweis gilt jetzt in Zone A2"),
        (date(2026, 12, 2), "Ihr Bewohnerparkausweis gilt jetzt in Zone A2"),
    ],
)
def test_the_subject_says_it_all_before_on_and_after_the_day(dated: date, subject: str) -> None:
    letter = renderer().render_without_pdf(a_letter({"valid_from": "2026-12-01"}, date=dated))
    assert letter.subject == f"{subject} – für den Ausweis müssen Sie nichts tun"


def test_all_three_forms_say_what_a_bescheid_must_say() -> None:
    content = a_letter()
    letter = renderer().render(content)
    for form in (letter.text, letter.html, text_of(letter.pdf)):
        form = " ".join(form.replace("\u00a0", " ").split())
        for needed in (
            content.letterhead.authority,
            content.letterhead.department,
            *content.addressee,
            "24. November 2026",
            content.letter_id,
            letter.subject,
            "Guten Tag Łukasz Wójcik,",
            "Das Wichtigste in Kürze",
            "Wir erteilen Ihnen",
            "MU-LW 91",
            "BPA-0002",
            "BPA-0002/2",
            "A3",
            "31. Dezember 2027",
            "Für diese Umstellung erheben wir keine Gebühr.",
            "§ 45 Abs. 1b Satz 1 Nr. 2a StVO",
            "vollständig automatisiert getroffen (§ 35a VwVfG, § 46 Abs. 5 StVO)",
            "Brauchen Sie den Ausweis nicht mehr?",
            content.sections[0].reply_code,
            content.sections[0].reply_url.removeprefix("https://"),
            "Stimmt etwas nicht?",
            "Art. 22 DSGVO",
            "Art. 21 DSGVO",
            "Rechtsbehelfsbelehrung",
            "innerhalb eines Monats",
            "maschinell erstellt und ist ohne Unterschrift gültig (§ 37 Abs. 5 VwVfG)",
            "Art. 14 DSGVO",
        ):
            assert needed in form, needed


def test_the_summary_comes_before_the_decision_and_its_reasons() -> None:
    words = text()
    order = ["Das Wichtigste", "Unsere Entscheidung", "Warum wir", "Rechtsbehelf", "Datenschutz"]
    assert sorted(order, key=words.index) == order


@pytest.mark.parametrize("code", INFORMATION)
def test_mere_information_carries_no_legal_remedy_and_decides_nothing(code: str) -> None:
    words = text(section={"code": code})
    assert "Zone, Kennzeichen und Gültigkeit haben wir dabei nicht geändert." in words
    assert "Rechtsbehelf" not in words
    assert "Bescheid" not in words
    assert "Wir erteilen" not in words
    assert "§ 35a" not in words
    assert "Art. 22 DSGVO" in words
    assert "Antworten" in words


def test_a_corrected_permit_needs_neither_new_number_nor_fee() -> None:
    (part,) = a_letter().sections
    data = {k: v for k, v in part.data.items() if k not in ("new_permit_number", "fee")}
    part = replace(part, code="address_updated", data=data)
    words = renderer().render_without_pdf(a_letter(sections=(part,))).text
    assert "Neue Anschrift: Kröpeliner Str. 40" in words


def test_the_old_permit_ends_by_its_condition_or_is_left_to_a_clerk() -> None:
    ended, left = text({"old_permit": "ended", "old_until": ""}), text({"old_permit": "clerk"})
    assert "gilt ab dem 24. November 2026 nicht mehr" in ended
    assert "Sachbearbeitung" not in ended
    assert "gesondert. Bis dahin gilt er weiter, längstens bis zum 31. Dezember 2027 (§ 43" in left
    assert "nicht mehr. Er war" not in left


def test_the_reasons_are_the_grounds_that_decided_and_no_others() -> None:
    words = text(section={"grounds": (a_ground("adult", "VwVfG § 12; BGB § 2"),)})
    assert "- Sie sind alt genug für einen eigenen Ausweis (§ 12 VwVfG, § 2 BGB)." in words
    assert "genau einer Bewohnerparkzone" not in words


@pytest.mark.parametrize("name", CONDITIONS)
def test_every_ground_of_the_rule_has_its_place_in_the_letter(name: str) -> None:
    assert "Unsere Entscheidung" in text(section={"grounds": (a_ground(name),)})


def test_a_ground_without_a_sentence_stops_the_letter() -> None:
    with pytest.raises(LetterIncomplete) as caught:
        text(section={"grounds": (a_ground("adult"), a_ground("a_new_condition"))})
    assert caught.value.code == "letter.missing_variable"
    assert "a_new_condition" in caught.value.detail


@pytest.mark.parametrize("result", [Result.NOT_MET, Result.UNCLEAR])
def test_what_a_clerk_had_to_decide_is_not_called_automatic(result: Result) -> None:
    clerk = (a_ground("automation_norm"), a_ground("one_zone", result=result))
    words = text(section={"grounds": clerk})
    assert "vollständig automatisiert" not in words
    assert "genau einer Bewohnerparkzone" not in words
    assert "vollständig automatisiert" in text(section={"grounds": (a_ground("automation_norm"),)})


def test_who_has_no_known_name_is_still_greeted() -> None:
    assert "\nGuten Tag,\n" in text(salutation_name="")


@pytest.mark.parametrize("code", ["no_zone", ""])
def test_a_code_without_a_letter_is_an_error(code: str) -> None:
    with pytest.raises(LetterIncomplete):
        text(section={"code": code})
