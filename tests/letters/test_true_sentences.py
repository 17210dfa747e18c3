"""Each sentence of a letter stands where its fact holds, and only there."""

from datetime import date

import pytest

from tests.letters.letters import a_letter, renderer

ENDS_SOON = "Ihr Ausweis endet bald"
SOON = {"valid_until": "2027-12-31", "ends_soon_from": "2027-11-19"}
TAKEN_BACK = {"reason": "registry", "what": "zone", "dropped_permit": "", "words": ""}
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
