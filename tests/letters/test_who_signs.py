"""Who signs for the authority, and what the letter says of its own form (VwVfG § 37, § 3a)."""

from dataclasses import replace

import pytest

from tasks.domain.decision import Result
from tasks.letters.sample import samples
from tasks.services.resident_parking import service
from tests.letters.letters import a_ground, a_letter, renderer
from tests.letters.pdf_reading import text_of

CLERK, OTHER, TOWN = "C. Muster", "D. Probe", "Im Auftrag, A. Beispiel"
MACHINE = "Dieser Bescheid wurde maschinell erstellt und ist ohne Unterschrift gültig"
NAMED = "ohne eigenhändige Unterschrift gültig: An ihrer Stelle steht der Name"
ELECTRONIC = "Dieser Bescheid ergeht elektronisch (§ 37 Abs. 2 Satz 1 und Abs. 3 Satz 1 VwVfG)"
BY_CLERK = {"grounds": (a_ground("one_zone", result=Result.UNCLEAR),)}
NOTICE = {"code": "address_updated"}


def text(section=None, **fields) -> str:
    letter = renderer().render_without_pdf(a_letter({}, section, **fields))
    assert _plain(letter.text).count("Freundliche Grüße") == 1
    return _plain(letter.text)


def _plain(form: str) -> str:
    return " ".join(form.replace("\u00a0", " ").split())


def test_only_a_bescheid_on_paper_that_a_machine_made_does_without_a_name() -> None:
    words = text()

    assert f"{MACHINE} (§ 37 Abs. 5 VwVfG)" in words
    assert "Im Auftrag" not in words
    assert "§ 3a Abs. 1" not in words


def test_what_a_clerk_decided_is_signed_with_the_name_of_the_account() -> None:
    words = text({"signers": (CLERK,)})

    assert f"Stadt Musterstadt Im Auftrag, {CLERK}" in words
    assert TOWN not in words
    assert f"{NAMED} (§ 37 Abs. 3 Satz 1 VwVfG)" in words
    assert "§ 37 Abs. 5" not in words
    assert "Sachbearbeiter hat den Fall geprüft und entschieden" in words


@pytest.mark.parametrize("section", [{"signers": ("",)}, BY_CLERK])
def test_where_the_account_has_no_name_the_authority_has_said_who_signs(section) -> None:
    words = text(section)

    assert f"Stadt Musterstadt {TOWN}" in words
    assert "maschinell" not in words


def test_an_answer_of_a_clerk_that_left_no_trace_in_the_grounds_counts_as_well() -> None:
    grounds = (a_ground("automation_norm"),)

    assert "vollständig automatisiert" in text({"grounds": grounds})
    assert "automatisiert" not in text({"grounds": grounds, "signers": (CLERK,)})


def test_two_parts_by_two_clerks_carry_two_names_and_the_same_name_once() -> None:
    (part,) = a_letter(section={"signers": (CLERK,)}).sections
    (other,) = a_letter(section={"signers": (OTHER,)}).sections
    (machine,) = a_letter().sections

    assert f"Im Auftrag, {CLERK} Im Auftrag, {OTHER}" in text(sections=(part, other))
    assert text(sections=(part, part)).count(CLERK) == 1
    mixed = text(sections=(machine, part))
    assert CLERK in mixed
    assert MACHINE not in mixed


@pytest.mark.parametrize("section", [None, {"signers": ("",)}])
def test_all_forms_of_an_e_mail_say_that_the_bescheid_is_electronic_and_whose_it_is(
    section,
) -> None:
    letter = renderer().render(a_letter({}, section, postal=False))
    for form in map(_plain, (letter.text, letter.html, text_of(letter.pdf))):
        assert ELECTRONIC in form
        assert "per E-Mail schreiben (§ 3a Abs. 1 VwVfG)" in form
        assert TOWN in form  # § 37 Abs. 5 is about written acts only
        assert "§ 37 Abs. 5" not in form


@pytest.mark.parametrize("postal", [True, False])
def test_what_is_no_bescheid_claims_neither_validity_nor_a_form_of_the_law(postal: bool) -> None:
    machine, clerk = (
        text(NOTICE, postal=postal),
        text(NOTICE | {"signers": (CLERK,)}, postal=postal),
    )

    assert "Dieses Schreiben wurde maschinell erstellt und trägt keine Unterschrift." in machine
    assert f"Im Auftrag, {CLERK}" in clerk
    for words in (machine, clerk):
        assert "gültig (§" not in words
        assert "§ 37 Abs." not in words
    assert "Zu diesem Schreiben" not in clerk


@pytest.mark.parametrize("why", ["moved_away", "secondary_dwelling", "second_home_given_up"])
def test_an_authority_that_serves_several_towns_names_the_one_that_is_meant(why: str) -> None:
    """SächsStrVRG § 2: the Landkreis may be competent for the roads of a town."""
    (sample,) = [one for one in samples(service) if one.sections[0].data.get("taking") == "revokes"]
    part = replace(sample.sections[0], data={**sample.sections[0].data, "why": why})
    head = replace(sample.letterhead, authority="Landkreis Musterkreis", place="Kreisstadt")
    letter = replace(sample, sections=(part,), letterhead=head, town="Neudorf")
    words = _plain(renderer().render_without_pdf(letter).text)

    assert "in Neudorf" in words
    assert "in unserer Kommune" not in words
    assert "in Kreisstadt" not in words
    assert "Landkreis Musterkreis" in words
