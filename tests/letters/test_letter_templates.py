"""A municipality may replace any template; one that lacks something is named before it is used."""

import pickle
import re
import shutil
from collections.abc import Collection
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tasks.errors import LetterIncomplete
from tasks.letters.confined import ConfinedRenderer
from tasks.letters.render import LetterRenderer, sample_content
from tasks.letters.sample import samples
from tasks.letters.words import clean, german_citation, german_date, kept_together
from tasks.services.resident_parking import service
from tests.letters.letters import TEMPLATES, a_letter, renderer
from tests.letters.pdf_reading import text_of


def override(folder: Path, name: str, old: str, new: str) -> LetterRenderer:
    """A renderer for a municipality that changed some words of one template."""
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    assert old in text
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    return LetterRenderer([folder, TEMPLATES])


@pytest.mark.parametrize(
    ("name", "old", "form"),
    [
        ("resident_parking.md.j2", "Das Wichtigste in Kürze", "text"),
        ("_letter.md.j2", "Freundliche Grüße", "text"),
        ("_letter.txt.j2", "Unser Zeichen:", "text"),
        ("_letter.html.j2", "Vorgang ansehen und antworten", "html"),
        ("_letter.typ", "Im Internet: QR-Code", "pdf"),
    ],
)
def test_two_municipalities_replace_the_same_template_each_for_itself(
    tmp_path: Path, name: str, old: str, form: str
) -> None:
    first = override(tmp_path / "a", name, old, "Worte aus A")
    second = override(tmp_path / "b", name, old, "Worte aus B")

    def said(by: LetterRenderer) -> str:
        letter = by.render(a_letter())
        return text_of(letter.pdf) if form == "pdf" else getattr(letter, form)

    assert "Worte aus A" in said(first)
    assert "Worte aus B" in said(second)
    assert "Worte aus" not in said(renderer())


def test_a_page_of_ones_own_may_show_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "motto.txt").write_text("Gut Ding")
    # Not the letter that is being set: that one exists in memory alone.
    (tmp_path / "letter.json").write_text("{}")
    (tmp_path / "main.typ").write_text("#panic()")
    own = override(tmp_path, "_letter.typ", "  letter.salutation", '  read("motto.txt")')

    assert "Gut Ding" in text_of(own.render(a_letter()).pdf)


def test_a_municipality_without_templates_of_its_own_uses_the_shared_ones(tmp_path: Path) -> None:
    folder = LetterRenderer([tmp_path / "not there", TEMPLATES])
    assert folder.render(a_letter()) == renderer().render(a_letter())


def test_a_missing_variable_is_named_and_no_letter_is_made() -> None:
    content = a_letter()
    (part,) = content.sections
    data = {name: value for name, value in part.data.items() if name != "plate"}
    with pytest.raises(LetterIncomplete) as caught:
        renderer().render(replace(content, sections=(replace(part, data=data),)))
    assert (caught.value.code, caught.value.detail) == ("letter.missing_variable", "plate")
    assert str(caught.value) == "letter.missing_variable BP-7F3K-29QX"


def test_the_check_lists_every_missing_variable_at_once(tmp_path: Path) -> None:
    new = "{{ wheels }} {{ colour | german_date }} {{ fee }}"
    changed = override(tmp_path, "resident_parking.md.j2", "{{ fee }}", new)
    with pytest.raises(LetterIncomplete) as caught:
        changed.check(service)
    assert caught.value.code == "letter.missing_variable"
    assert caught.value.detail == "wheels, colour"


def test_the_check_finds_a_variable_that_only_another_kind_of_letter_needs(tmp_path: Path) -> None:
    changed = override(tmp_path, "resident_parking.md.j2", "{{ holder }}", "{{ hodler }}")
    with pytest.raises(LetterIncomplete) as caught:
        changed.check(service)
    assert caught.value.detail == "hodler"


def test_the_check_finds_what_only_the_confirmation_of_a_reply_needs(tmp_path: Path) -> None:
    changed = override(tmp_path, "_reply.md.j2", "{{ ended }}", "{{ ende }}")
    with pytest.raises(LetterIncomplete) as caught:
        changed.check(service)
    assert caught.value.detail == "ende"


def test_our_own_templates_pass_the_check() -> None:
    renderer().check(service)


def test_a_missing_template_is_named(tmp_path: Path) -> None:
    with pytest.raises(LetterIncomplete) as frame:
        LetterRenderer([tmp_path])
    assert (frame.value.code, frame.value.detail) == ("letter.missing_template", "_letter.typ")

    with pytest.raises(LetterIncomplete) as service:
        renderer().render(a_letter(section={"service": "dog_tax"}))
    assert service.value.code == "letter.missing_template"
    assert service.value.detail == "dog_tax.md.j2"

    shutil.copy(TEMPLATES / "_letter.typ", tmp_path)
    with pytest.raises(LetterIncomplete, match=r"^letter\.missing_template"):
        LetterRenderer([tmp_path]).render(a_letter())


@pytest.mark.parametrize(
    ("name", "old", "new", "code"),
    [
        ("resident_parking.md.j2", "{{ fee }}", "{{ fee ", "letter.template_invalid"),
        ("resident_parking.md.j2", "{{ fee }}", "{{ fee|german_date }}", "letter.template_invalid"),
        ("resident_parking.md.j2", "# Ihr Bew", "Ihr Bew", "letter.template_invalid"),
        ("resident_parking.md.j2", "{% set decides", "{% set other", "letter.missing_variable"),
        ("_letter.md.j2", "{% set salutation", "{% set other", "letter.missing_variable"),
        ("_letter.html.j2", "{{ salutation }}", "{{ salutatoin }}", "letter.missing_variable"),
        ("_letter.typ", "  letter.salutation", "  letter.nothing", "letter.page_failed"),
        ("_letter.typ", "  letter.salutation", "  read(\"/etc/hostname\")", "letter.page_failed"),
        ("_letter.typ", "  letter.salutation", "  read(\"/../x.txt\")", "letter.page_failed"),
        ("_letter.typ", "#let letter(", "#let other(", "letter.page_failed"),
    ],
)  # fmt: skip
def test_a_broken_template_is_a_clear_error_without_personal_data(
    tmp_path: Path, name: str, old: str, new: str, code: str
) -> None:
    with pytest.raises(LetterIncomplete) as caught:
        override(tmp_path, name, old, new).render(a_letter())
    assert caught.value.code == code
    assert str(caught.value) in (code, f"{code} BP-7F3K-29QX")
    assert caught.value.__cause__ is None


def test_a_template_cannot_reach_into_the_program(tmp_path: Path) -> None:
    spy = "{{ ''.__class__.__mro__[1].__subclasses__() }}"
    changed = override(tmp_path, "resident_parking.md.j2", "{{ fee }}", spy)
    with pytest.raises(LetterIncomplete):
        changed.render(a_letter())


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"addressee": ("1", "2", "3", "4", "5", "6", "7")}, "letter.address_too_long"),
        ({"note_lines": ("1", "2", "3", "4", "5")}, "letter.address_too_long"),
        ({"addressee": ("", " ")}, "letter.missing_variable"),
    ],
)
def test_an_address_that_fits_no_window_is_an_error(fields: dict, code: str) -> None:
    with pytest.raises(LetterIncomplete) as caught:
        renderer().render(a_letter(**fields))
    assert caught.value.code == code


@pytest.mark.parametrize("address", ["", "javascript:alert(1)", "service.example/x"])
def test_a_letter_without_a_way_to_answer_is_an_error(address: str) -> None:
    with pytest.raises(LetterIncomplete) as caught:
        renderer().render_without_pdf(a_letter(section={"reply_url": address}))
    assert caught.value.detail == "reply_url"


def test_a_letter_that_goes_by_e_mail_says_so_on_its_page() -> None:
    assert "Per E-Mail" in text_of(renderer().render(a_letter(postal=False)).pdf)
    assert "Per E-Mail" not in text_of(renderer().render(a_letter(postal=True)).pdf)


def test_a_mail_can_be_rendered_without_its_page() -> None:
    mail, letter = renderer().render_without_pdf(a_letter()), renderer().render(a_letter())
    assert mail.pdf == b""
    assert (mail.subject, mail.text, mail.html) == (letter.subject, letter.text, letter.html)


@pytest.mark.parametrize("own", [False, True])
def test_only_what_goes_by_e_mail_is_written_as_html(tmp_path: Path, own: bool) -> None:
    letters = ConfinedRenderer([tmp_path, TEMPLATES]) if own else renderer()
    mail, paper = (a_letter(postal=postal) for postal in (False, True))
    assert letters.render_to_send(mail) == renderer().render(mail)
    assert letters.render_to_send(paper) == replace(renderer().render(paper), html="")


LABELS = {"department": "", "phone": "Telefon", "email": "E-Mail", "website": "Internet"}


@pytest.mark.parametrize("left_out", [(), *([name] for name in LABELS), LABELS])
def test_what_a_letterhead_leaves_out_leaves_no_label_and_no_separator(
    left_out: Collection[str],
) -> None:
    head = replace(a_letter().letterhead, **dict.fromkeys(left_out, ""))
    phone = head.phone and f"Telefon {head.phone}"
    ways = " · ".join(filter(None, (phone, head.email, head.website)))

    letter = renderer().render(a_letter(letterhead=head))

    top = [head.authority, head.department, f"{head.street}, {head.postcode_town}", ways]
    assert letter.text.partition("\n\n")[0].split("\n") == [line for line in top if line]
    header, footer = (
        re.findall(r"[^<>\n]*[^<>\s][^<>\n]*(?=<|\n)", part.partition(">")[2])
        for part in re.findall("(?s)<(?:header|footer).*?</(?:header|footer)", letter.html)
    )
    address = f"{head.authority} · {head.street} · {head.postcode_town}"
    assert header == list(filter(None, (head.authority, head.department)))
    assert footer == list(filter(None, (address, ways)))
    assert not re.search(r"<p[^>]*>\s*</p>|<br>\s*</footer>", letter.html)
    facts = [(label, getattr(head, name)) for name, label in LABELS.items() if label]
    block = [f"{label} {value}" for label, value in facts if value]
    assert " ".join(["24. November 2026", *block, "Anschrift", head.street]) in text_of(letter.pdf)
    assert (a_letter().letterhead.department in text_of(letter.pdf)) == bool(head.department)


def test_a_citation_a_date_and_a_plate_stay_on_one_line_in_a_mail() -> None:
    letter = renderer().render_without_pdf(a_letter())
    for form in (letter.text, letter.html):
        for kept in ("§_46 Abs._5 StVO", "31._Dezember 2027", "MU-LW_91"):
            assert kept.replace("_", "\u00a0") in form
            assert kept.replace("_", " ") not in form


@pytest.mark.parametrize(
    "text",
    [
        *("§_1", "§§_43", "Abs._1b", "Art._22", "Nr._2a", "Satz_1", "zum 1._Mai", "31._Mai"),
        *("B-C_1", "ÖHR-AB_1", "<td>MU-LW_91</td>", "(Art._6 Abs._1", "§_3a Abs._2 Satz_1 Nr._2"),
        *("Absatz 1", "123. Mal", "aSatz 1", "MU-ABC 1", "ABCD-E 1", "XNr. 1", "§ <b>", "Satz  1"),
        *("2027. Er", "x.y z", "MU-LW ", "§"),
    ],
)
def test_only_what_is_read_as_one_is_kept_on_one_line(text: str) -> None:
    assert kept_together(text.replace("_", " ")) == text.replace("_", "\u00a0")


def test_the_html_mail_is_german_and_loads_nothing() -> None:
    html = renderer().render_without_pdf(a_letter()).html
    assert html.startswith("<!doctype html>")
    assert '<html lang="de">' in html
    for loading in ("<img", "<script", "<link", "<style", "src=", "url("):
        assert loading not in html


def test_every_kind_of_letter_has_a_sample() -> None:
    named = {
        code
        for name in ("resident_parking.md.j2", "_reply.md.j2")
        for code in re.findall(r'if code == "(\w+)"', (TEMPLATES / name).read_text("utf-8"))
    }
    assert {content.sections[0].code for content in samples(service)} == named
    assert sample_content(service).sections[0].code == "zone_switched"


def test_a_rendered_letter_can_travel() -> None:
    letter = renderer().render_without_pdf(a_letter())
    assert pickle.loads(pickle.dumps(letter)) == letter


@pytest.mark.parametrize(
    ("law", "cited"),
    [
        ("StVO § 46 Abs. 5", "§ 46 Abs. 5 StVO"),
        ("DSGVO Art. 22", "Art. 22 DSGVO"),
        ("VwVfG § 12; BGB § 2", "§ 12 VwVfG, § 2 BGB"),
        ("VwV-StVO zu § 45", "VwV-StVO zu § 45"),
        ("Parkgebührenordnung", "Parkgebührenordnung"),
    ],
)
def test_sections_of_law_are_cited_the_german_way(law: str, cited: str) -> None:
    assert german_citation(law) == cited


@pytest.mark.parametrize(
    ("day", "words"),
    [("2026-12-01", "1. Dezember 2026"), (date(2027, 3, 31), "31. März 2027")],
)
def test_dates_are_written_out(day: str | date, words: str) -> None:
    assert german_date(day) == words


@pytest.mark.parametrize(
    ("text", "line"),
    [("a\r\nb", "a b"), (" a\t\u00a0b ", "a b"), ("a\x00\u2028b", "a b"), ("Ǆ C̨̆", "Ǆ C̨̆")],
)
def test_what_cannot_be_printed_becomes_a_blank(text: str, line: str) -> None:
    assert clean(text) == line
