"""A letter's file is called what the letter is: a Bescheid, or only a Schreiben."""

from datetime import date

import pytest

from tasks.channels.parcel import Parcel
from tasks.letters.content import LetterContent
from tasks.letters.sample import samples
from tasks.services import all_services
from tests.letters.letters import renderer


def kind_of(content: LetterContent) -> str:
    letter = renderer().render_without_pdf(content)
    texts = letter.subject, letter.text, letter.html
    return Parcel("l-1", "musterstadt", date(2026, 11, 23), 1, *texts, b"", "", "", "", "").kind


@pytest.mark.parametrize("service", all_services().values(), ids=lambda service: service.name)
def test_only_a_letter_that_can_be_objected_to_is_called_a_bescheid(service: object) -> None:
    kinds = {content.sections[0].code: kind_of(content) for content in samples(service)}

    assert kinds["zone_switched"] == "Bescheid"
    assert {kinds["address_updated"], kinds["name_updated"]} == {"Schreiben"}
    assert kinds["deregistered"] == kinds["opted_out"] == "Schreiben"
