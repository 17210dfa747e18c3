"""A letter's section on the resident's page: its own words, without an address, without markup."""

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tasks.domain.decision import Decision
from tasks.domain.delta import Delta, DeltaKind
from tasks.domain.service import Service
from tasks.letters.content import LetterContent, Section
from tasks.letters.page_html import HIDDEN, PagePart
from tasks.letters.render import LetterRenderer, sample_content
from tasks.letters.sample import samples
from tasks.letters.words import clean
from tasks.services import all_services
from tasks.services.resident_parking import service
from tests.builders import (
    TODAY,
    a_delta,
    a_gate,
    a_link,
    a_move,
    a_name,
    a_new_dwelling,
    a_person,
    a_situation,
    parking_rules,
)
from tests.letters.letters import TEMPLATES, renderer

ADDRESS = frozenset({"new_address"})


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.opened: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append((tag, tuple(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def part_of(content: LetterContent, hidden: frozenset[str] = ADDRESS, **data: str) -> PagePart:
    (section,) = content.sections
    section = replace(section, data={**section.data, **data})
    return renderer().page_part(section, content, hidden)


def own_templates(folder: Path, text: str, **data: str) -> PagePart:
    (folder / "resident_parking.md.j2").write_text("{% set decides = false %}\n" + text)
    content = sample_content(service)
    (section,) = content.sections
    section = replace(section, data={**section.data, **data})
    return LetterRenderer([folder, TEMPLATES]).page_part(section, content, ADDRESS)


@pytest.mark.parametrize("offered", all_services().values(), ids=lambda offered: offered.name)
def test_every_letter_of_every_service_has_a_form_for_the_page(offered: Service) -> None:
    for content in samples(offered):
        part = part_of(content, offered.hidden)
        letter = renderer().render_without_pdf(content)
        assert part.subject in letter.subject.replace("\u00a0", " ")
        for sentence in re.findall(r"<p>([^<]+)</p>", part.html):
            assert sentence in letter.html or HIDDEN in sentence


def test_the_page_names_headings_lists_and_tables_for_what_they_are(tmp_path: Path) -> None:
    part = own_templates(
        tmp_path,
        "# Betreff\n\n> ## Kurz\n>\n> Ein **Satz**.\n\n### Klein\n\n- a\n- b\n\n1. eins\n\n"
        "| Was | Neu |\n|---|---|\n| Zone | **A2** |\n\nNach § 46 Abs. 5.\n",
    )

    assert part == PagePart(
        '<div class="box">\n<h3>Kurz</h3>\n<p>Ein <strong>Satz</strong>.</p>\n</div>\n'
        "<h4>Klein</h4>\n<ul><li>a</li><li>b</li></ul>\n<ol><li>eins</li></ol>\n"
        '<table><thead><tr><th scope="col">Was</th><th scope="col">Neu</th></tr></thead>'
        '<tbody><tr><th scope="row">Zone</th><td><strong>A2</strong></td></tr></tbody></table>\n'
        "<p>Nach §\u00a046 Abs.\u00a05.</p>",
        decides=False,
        subject="Betreff",
    )


def test_the_first_heading_is_on_the_third_level_whatever_the_template_uses(
    tmp_path: Path,
) -> None:
    part = own_templates(tmp_path, "# Betreff\n\n### Eins\n\n#### Zwei\n")

    assert part.html == "<h3>Eins</h3>\n<h4>Zwei</h4>"


def test_no_template_can_print_the_addressee(tmp_path: Path) -> None:
    part = own_templates(
        tmp_path,
        "# Betreff\n\n{% for line in addressee %}{{ line }}{% endfor %} {{ name }}. "
        "{{ new_address }}, {{ letterhead.street }}, {{ date }}\n",
    )

    assert part.html == f"<p>. {HIDDEN}, Rathausplatz 1, 24.\u00a0November 2026</p>"


def test_what_is_empty_stays_empty(tmp_path: Path) -> None:
    template = "# Betreff\n\n{{ 'da' if new_address else 'leer' }}\n"

    assert own_templates(tmp_path, template, new_address="").html == "<p>leer</p>"
    assert own_templates(tmp_path, template, new_address="Weg 1").html == "<p>da</p>"


@settings(max_examples=100, deadline=None)
@given(st.text(min_size=1, max_size=60).filter(clean))
def test_no_text_at_all_changes_the_structure_of_the_page(text: str) -> None:
    content = sample_content(service)
    usual, odd = Tags(part_of(content).html), Tags(part_of(content, plate=text).html)

    assert odd.opened == usual.opened
    assert clean(text) in odd.text.replace("\u00a0", " ") or "\u00a0" in text
    assert not [
        attrs for tag, attrs in odd.opened if {name for name, _ in attrs} - {"scope", "class"}
    ]


# Words that stand in no template, so that finding one means that an address was shown.
STREETS = st.sampled_from(["Quittengasse", "Am Xanthenpfad", "Zwetschgenwörth", "Übergrünpfuhl 7"])
NUMBERS = st.integers(7_000, 9_999).map(str)
POSTCODES = st.integers(93_000, 99_998).map(str)  # 99999 is no postcode
SUFFIXES = st.sampled_from(["", "a", "q"])


def page_of(delta: Delta, **facts: object) -> tuple[PagePart, Decision]:
    situation = a_situation(delta, **facts)
    parameters = parking_rules(resolutory_condition=True)
    decision = service.decide(situation, parameters, a_gate(), TODAY)
    content = sample_content(service)
    data = service.letter_data(situation, decision, parameters)
    section = Section(
        service.name,
        service.title,
        {**data, "new_permit_number": "BPA-0001/2"},
        decision.grounds,
        decision.code,
        *[getattr(content.sections[0], name) for name in list(Section.__annotations__)[5:]],
    )
    bare = replace(content, sections=(section,), date=date(2026, 11, 24))
    return renderer().page_part(section, bare, service.hidden | ADDRESS), decision


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["zone_switched", "address_updated", "name_updated"]),
    st.tuples(STREETS, NUMBERS, POSTCODES, SUFFIXES),
    st.tuples(STREETS, NUMBERS, POSTCODES),
)
def test_no_address_old_or_new_is_ever_on_the_page(
    code: str, new: tuple[str, str, str, str], old: tuple[str, str, str]
) -> None:
    assume(new[:2] != old[:2])  # who stays in the house gets no letter
    to = a_new_dwelling(new[0], new[1])
    to = replace(to, address=replace(to.address, postcode=new[2], suffix=new[3]))
    leaving = a_new_dwelling(old[0], old[1], moved_in=date(2015, 3, 1))
    leaving = replace(leaving, address=replace(leaving.address, postcode=old[2]))
    if code == "name_updated":
        delta = a_delta(
            DeltaKind.NAME_CHANGE,
            before=a_person(leaving),
            after=a_person(leaving, name=a_name("Brandt-Weiß")),
        )
        part, decision = page_of(delta, before=("A3",), after=("A3",))
    else:
        zone = "A2" if code == "zone_switched" else "A3"
        part, decision = page_of(a_move(to=to, leaving=leaving), after=(zone,), links=[a_link()])

    assert decision.code == code
    for word in (*new[:3], *old, *new[0].split(), *old[0].split()):
        assert len(word) < 3 or word not in f"{part.html}{part.subject}", word
