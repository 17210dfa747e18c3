"""Each sentence of a letter stands where its fact holds, and only there."""

import re
from datetime import date

import pytest

from tasks.domain.permit_forms import form_words
from tests.builders import a_paper_form
from tests.letters.letters import a_letter, renderer

ENDS_SOON = "Ihr Ausweis endet bald"
SOON = {"valid_until": "2027-12-31", "ends_soon_from": "2027-11-19"}
TAKEN_BACK = {
    "reason": "registry",
    "what": "zone",
    "dropped_permit": "",
    "dropped_until": "",
    "taking": "",
}
ENDED = {"why": "no_zone", "ended": "BPA-0002", "new_permit": "", "moved": "", "taking": ""}
CODES = ("zone_switched", "address_updated", "name_updated", "taken_back")


def text(code: str = "zone_switched", day: date = date(2026, 11, 24), **data: str) -> str:
    content = a_letter(TAKEN_BACK | data, {"code": code}, date=day)
    letter = renderer().render_without_pdf(content)
    return " ".join(letter.text.replace("\u00a0", " ").replace("*", "").split())


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(("day", "soon"), [(date(2027, 11, 18), False), (date(2027, 11, 19), True)])
def test_nobody_whose_permit_ends_soon_reads_that_there_is_nothing_to_do(
    code: str, day: date, soon: bool
) -> None:
    words = text(code, day, **SOON)

    assert (ENDS_SOON in words) is soon
    assert ("nichts tun" in words) is not soon
    assert ("gilt nur bis zum 31. Dezember 2027" in words) is soon


@pytest.mark.parametrize("code", CODES)
def test_whoever_has_the_next_permit_already_has_nothing_to_do(code: str) -> None:
    words = text(code, date(2027, 12, 30), valid_until="2027-12-31", ends_soon_from="")

    assert ENDS_SOON not in words
    assert "nichts tun" in words


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("what", ["zone", "name", "address", "end"])
def test_nothing_to_do_is_read_only_where_the_municipality_says_so(code: str, what: str) -> None:
    assert "nichts tun" not in text(code, nothing_to_do="", what=what)
    assert "für den Ausweis müssen Sie nichts tun" in text(code, what=what)


@pytest.mark.parametrize(
    ("came_by", "sentence"),
    [
        ("move", "Sie sind in eine andere Bewohnerparkzone gezogen."),
        ("status", "Die Wohnung, nach der sich Ihr Ausweis richtet, ist jetzt eine andere."),
        ("", "Ihre Anschrift liegt nach dem Melderegister in einer anderen Bewohnerparkzone"),
    ],
)
def test_only_who_has_moved_reads_so(came_by: str, sentence: str) -> None:
    words = text(came_by=came_by)

    assert sentence in words
    assert ("gezogen" in words) is (came_by == "move")


@pytest.mark.parametrize(
    ("until", "tolerated"), [("2026-11-23", False), ("2026-11-24", True), ("2026-11-25", True)]
)
def test_the_old_zone_is_said_to_be_tolerated_before_and_on_its_last_day(
    until: str, tolerated: bool
) -> None:
    words = text(old_until=until, old_permit="ended")

    assert ("dürfen Sie noch bis zum" in words) is tolerated
    assert ("gilt ab dem 24. November 2026 nicht mehr" in words) is not tolerated
    assert "dürfen Sie noch" not in text(old_until="", old_permit="clerk")


@pytest.mark.parametrize(
    ("code", "data", "told"),
    [
        ("zone_switched", {"came_by": "move"}, True),
        ("address_updated", {"came_by": "move"}, True),
        ("zone_switched", {"came_by": "status"}, False),
        ("address_updated", {"came_by": ""}, False),
        ("name_updated", {"came_by": "move"}, False),
        ("taken_back", {"came_by": "move"}, False),
        ("permit_ended", ENDED | {"why": "moved_away", "moved": "yes"}, True),
        ("permit_ended", ENDED | {"why": "no_zone", "moved": "yes"}, True),
        ("permit_ended", ENDED | {"why": "no_zone", "moved": ""}, False),
        ("permit_ended", ENDED | {"why": "end_old_permit", "moved": "yes"}, False),
    ],
)
def test_who_has_moved_reads_of_the_vehicle_papers_and_nobody_else(
    code: str, data: dict[str, str], told: bool
) -> None:
    assert ("§ 15 Abs. 1 Nr. 1 FZV" in text(code, **data)) is told


@pytest.mark.parametrize("code", [*CODES, "permit_ended"])
@pytest.mark.parametrize("what", ["zone", "name", "address", "end"])
def test_with_a_fee_or_a_card_no_form_of_the_letter_says_that_there_is_nothing_to_do(
    code: str, what: str
) -> None:
    data = TAKEN_BACK | dict(form_words(a_paper_form())) | ENDED | {"what": what}
    content = a_letter(data, {"code": code})
    letter = renderer().render_without_pdf(content)

    for form in (letter.subject, letter.text, letter.html):
        assert "nichts tun" not in re.sub(r"<[^>]+>|[*]|\u00a0", "", form)


@pytest.mark.parametrize("in_zone", ["yes", ""])
def test_an_address_is_said_to_lie_in_the_zone_only_where_the_list_says_so(in_zone: str) -> None:
    assert ("in der Zone, für die er gilt" in text("address_updated", in_zone=in_zone)) is bool(
        in_zone
    )


@pytest.mark.parametrize("code", CODES)
def test_no_letter_promises_how_it_goes_on(code: str) -> None:
    """A question on the same permit may be open, or come tomorrow."""
    words = text(code, what="name")

    assert "unverändert weiter" not in words
    assert "gilt weiter" not in words


def test_the_new_name_stands_beside_the_old_one_where_it_was_put_right() -> None:
    assert "Name: bisher Ute Roth, neu Ute Brandt" in text(
        holder_old="Ute Roth", holder="Ute Brandt"
    )
    assert "Name: bisher" not in text(holder_old="Ute Brandt", holder="Ute Brandt")


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("registry", "Die Meldebehörde hat die Änderung zurückgenommen"),
        ("put_off", "Die Meldebehörde hat den Tag berichtigt"),
        ("clerk", "Wir haben unsere Entscheidung überprüft."),
    ],
)
def test_why_something_was_taken_back_is_said_as_it_was(reason: str, sentence: str) -> None:
    words = text("taken_back", reason=reason)

    said = [
        "Die Meldebehörde hat die Änderung zurückgenommen",
        "Die Meldebehörde hat den Tag berichtigt",
        "Wir haben unsere Entscheidung überprüft.",
    ]
    assert [one for one in said if one in words] == [sentence]


@pytest.mark.parametrize(
    ("day", "verb"),
    [(date(2027, 12, 30), "gilt"), (date(2027, 12, 31), "gilt"), (date(2028, 1, 1), "galt")],
)
def test_a_permit_given_back_gilt_or_galt_before_on_and_after_its_last_day(
    day: date, verb: str
) -> None:
    words = text("taken_back", day, what="end", **SOON)

    assert f"Ihr Bewohnerparkausweis {verb} doch bis zum 31. Dezember 2027" in words
    assert ("Brauchen Sie den Ausweis nicht mehr?" in words) is (verb == "gilt")


@pytest.mark.parametrize("new_permit", ["BPA-0002/2", ""])
def test_a_new_permit_is_named_only_where_there_is_one(new_permit: str) -> None:
    words = text(
        "permit_ended", new_permit=new_permit, why="end_old_permit", ended="BPA-0002", moved=""
    )

    assert ("haben Sie den Ausweis BPA-0002/2." in words) is bool(new_permit)
    assert ("bleibt davon unberührt" in words) is bool(new_permit)


@pytest.mark.parametrize("code", CODES)
def test_no_mark_of_the_template_is_printed(code: str) -> None:
    content = a_letter(TAKEN_BACK, {"code": code})

    assert "*" not in renderer().render_without_pdf(content).text
