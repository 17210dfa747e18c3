"""The page is measured: DIN 5008 Form B, the hybrid mail's window, PDF/A and PDF/UA."""

from dataclasses import replace
from datetime import date
from io import BytesIO

import pikepdf
import pytest

from tasks.errors import LetterIncomplete
from tasks.letters.render import LetterRenderer
from tests.letters.letters import TEMPLATES, a_letter, renderer
from tests.letters.pdf_reading import (
    boxes,
    ink_edges,
    page_count,
    page_sizes,
    text_of,
    within,
    written,
)

SHORT = ("Łukasz Wójcik", "Kröpeliner Str. 40", "60000 Musterstadt")
# The longest that XMeld allows: a street of 55 characters, and a name of 80.
LONG_NAME = "Dr. Maximiliane-Friederike Gräfin von und zu Hohenfels-Großwallstädter-Lüdinghausen"
LONG = (
    LONG_NAME[:80],
    "bei Karl-Friedrich Wilhelm Müller-Lüdenscheidt von der Höhe",
    "Bürgermeister-Doktor-Theodor-Neubauer-Gedächtnisstraße 119a",
    "Hinterhaus, zweiter Aufgang, drittes Obergeschoss links",
    "Wohnung 14",
    "60000 Musterstadt an der großen Musterwarnow",
)
UNBROKEN = ("W" * 80, "M" * 55, "60000 Musterstadt")
WINDOW = (20.0, 45.0, 105.0, 90.0)  # left, top, right, bottom


@pytest.mark.parametrize("lines", [SHORT, LONG, UNBROKEN], ids=["short", "long", "unbroken"])
def test_the_addressee_stands_where_hybrid_mail_reads_it_and_nothing_else(lines) -> None:
    pdf = renderer().render(a_letter(addressee=lines)).pdf

    below_the_return_line = within(boxes(pdf), 0, 60, 120, 98)

    assert written(below_the_return_line) == "".join(lines).replace(" ", "")
    assert min(box.top for box in below_the_return_line) >= 62.7
    assert max(box.bottom for box in below_the_return_line) <= 85.5
    assert min(box.left for box in below_the_return_line) >= 22
    assert max(box.right for box in below_the_return_line) <= 105


def test_a_short_address_is_set_large_and_a_long_one_stays_legible() -> None:
    def height(lines: tuple[str, ...]) -> float:
        pdf = renderer().render(a_letter(addressee=lines)).pdf
        capitals = [box for box in within(boxes(pdf), 0, 60, 120, 98) if box.char == "M"]
        return capitals[-1].bottom - capitals[-1].top

    assert height(SHORT) == pytest.approx(2.5, abs=0.1)  # 10 pt
    assert height(LONG) >= 1.5  # 6 pt


@pytest.mark.parametrize("notes", [(), ("Vertraulich", "Nicht nachsenden", "Zeile 3", "Zeile 4")])
def test_return_line_and_notes_fill_the_upper_part_of_the_window(notes) -> None:
    content = a_letter(note_lines=notes)

    chars = within(boxes(renderer().render(content).pdf), 0, 40, 120, 62)

    expected = content.letterhead.return_line + "".join(notes)
    assert written(chars) == expected.replace(" ", "")
    assert min(box.top for box in chars) >= 45
    assert max(box.bottom for box in chars) <= 60
    assert max(box.right for box in chars) <= 105


def test_the_information_block_and_the_text_keep_to_their_places() -> None:
    chars = boxes(renderer().render(a_letter()).pdf)

    block = within(chars, 110, 45, 210, 98)
    assert written(block).startswith("UnserZeichenBP-7F3K-29QX")
    assert min(box.left for box in block) >= 125
    assert min(box.top for box in block) >= 50
    assert max(box.right for box in block) <= 200
    text = within(chars, 0, 98, 210, 270)
    assert written(text).startswith("IhrBewohnerparkausweis")
    assert min(box.top for box in text) >= 98.46
    assert min(box.left for box in text) >= 25
    assert max(box.right for box in text) <= 190


def test_fold_and_hole_marks_are_drawn_at_their_heights() -> None:
    import pypdfium2

    pdf = renderer().render(a_letter()).pdf
    scale = 4.0
    picture = pypdfium2.PdfDocument(pdf)[0].render(scale=scale, grayscale=True).to_pil()
    per_mm = scale * 72 / 25.4
    column = round(6.5 * per_mm)
    dark = [y / per_mm for y in range(picture.height) if picture.getpixel((column, y)) < 200]
    heights = [place for place in (105, 148.5, 210) if any(abs(y - place) < 0.4 for y in dark)]
    assert heights == [105, 148.5, 210]
    assert all(min(abs(y - place) for place in heights) < 0.4 for y in dark)


def test_every_page_is_a4_upright_with_five_millimetres_free_at_each_edge() -> None:
    pdf = renderer().render(a_letter(addressee=LONG)).pdf

    assert set(page_sizes(pdf)) == {(210.0, 297.0)}
    for page in range(page_count(pdf)):
        assert min(ink_edges(pdf, page)) >= 5


def test_following_pages_carry_reference_and_page_number() -> None:
    pdf = renderer().render(a_letter(privacy_notice="Ein Absatz.\n\n" * 90)).pdf

    pages = page_count(pdf)
    assert pages > 2
    for page in range(1, pages):
        assert "Unser Zeichen BP-7F3K-29QX" in text_of(pdf, page)
        assert f"Seite {page + 1} von {pages}" in text_of(pdf, page)
    assert f"Seite 1 von {pages}" in text_of(pdf, 0)


def test_the_page_is_pdf_a_and_pdf_ua_with_title_language_and_structure() -> None:
    letter = renderer().render(a_letter())

    with pikepdf.open(BytesIO(letter.pdf)) as pdf:
        with pdf.open_metadata() as meta:
            assert (meta["pdfaid:part"], meta["pdfaid:conformance"]) == ("2", "A")
            assert meta["pdfuaid:part"] == "1"
            assert meta["dc:title"] == letter.subject
        assert str(pdf.Root.Lang).startswith("de")
        assert pdf.Root.MarkInfo.Marked
        assert pdf.Root.ViewerPreferences.DisplayDocTitle
        assert "/StructTreeRoot" in pdf.Root


def test_the_qr_code_is_drawn_as_lines_and_has_a_text_for_who_cannot_see_it() -> None:
    content = a_letter()
    address = content.sections[0].reply_url

    with pikepdf.open(BytesIO(renderer().render(content).pdf)) as pdf:
        texts = [
            str(item.Alt)
            for item in pdf.objects
            if isinstance(item, pikepdf.Dictionary) and "/Alt" in item
        ]
        pixels = [item for item in pdf.objects if isinstance(item, pikepdf.Stream)]
        assert f"QR-Code zum Antworten: {address}" in texts
        assert all(item.get("/Subtype") != "/Image" for item in pixels)


def test_the_same_letter_gives_the_same_bytes_and_no_clock_is_asked() -> None:
    first = LetterRenderer([TEMPLATES]).render(a_letter())
    renderer().render(a_letter(salutation_name="Someone in between"))
    assert renderer().render(a_letter()) == first

    other_day = renderer().render(a_letter(date=date(2026, 11, 25)))
    with pikepdf.open(BytesIO(other_day.pdf)) as pdf:
        assert str(pdf.docinfo["/CreationDate"]).startswith("D:20261125")


# Latin letters of DIN 91379 (data type C): single characters, then sequences that have none.
RANGES = (
    (0x20, 0x7E), (0xA1, 0xAC), (0xAE, 0x17E), (0x187, 0x188), (0x18F, 0x18F), (0x197, 0x197),
    (0x1A0, 0x1A1), (0x1AF, 0x1B0), (0x1B7, 0x1B7), (0x1C4, 0x1C4), (0x1CD, 0x1DC), (0x1DE, 0x1DF),
    (0x1E2, 0x1F0), (0x1F4, 0x1F5), (0x1F8, 0x1FF), (0x212, 0x213), (0x218, 0x21B), (0x21E, 0x21F),
    (0x227, 0x233), (0x259, 0x259), (0x268, 0x268), (0x292, 0x292), (0x2B9, 0x2BA), (0x2BE, 0x2BF),
    (0x2C8, 0x2C8), (0x2CC, 0x2CC), (0x1E02, 0x1E99), (0x1E9E, 0x1E9E), (0x1EA0, 0x1EF9),
    (0x2019, 0x2019), (0x2021, 0x2021), (0x20AC, 0x20AC),
)  # fmt: skip
SEQUENCES = (
    "A̋ C̀ C̄ C̆ C̈ C̕ C̣ C̦ C̨̆ D̂ F̀ F̄ G̀ H̄ H̦ H̱ J́ J̌ K̀ K̂ K̄ K̇ K̕ K̛ K̦ K͟H K͟h L̂ L̥ L̥̄ L̦ M̀ M̂ M̆ M̐ N̂ N̄ N̆ N̦ "
    "P̀ P̄ P̕ P̣ R̆ R̥ R̥̄ S̀ S̄ S̛̄ S̱ T̀ T̄ T̈ T̕ T̛ U̇ Z̀ Z̄ Z̆ Z̈ Z̧ a̋ c̀ c̄ c̆ c̈ c̕ c̣ c̦ c̨̆ d̂ f̀ f̄ g̀ h̄ h̦ j́ k̀ k̂ k̄ k̇ "
    "k̕ k̛ k̦ k͟h l̂ l̥ l̥̄ l̦ m̀ m̂ m̆ m̐ n̂ n̄ n̆ n̦ p̀ p̄ p̕ p̣ r̆ r̥ r̥̄ s̀ s̄ s̛̄ s̱ t̀ t̄ t̕ t̛ u̇ z̀ z̄ z̆ z̈ z̧ Ç̆ ç̆ Û̄ û̄ ß̂"
)


def test_every_letter_that_a_registry_can_write_is_printed() -> None:
    single = " ".join(chr(code) for first, last in RANGES for code in range(first, last + 1))

    renderer().render(a_letter(contact=f"{single} {SEQUENCES}"))  # a missing one is an error


@pytest.mark.parametrize("name", ["Łukasz Wójcik", "Mehmet Yılmaz", "Nguyễn", "Đorđe", "Ǆ"])
def test_a_name_is_printed_and_read_back_with_its_own_letters(name: str) -> None:
    letter = renderer().render(a_letter(salutation_name=name))
    assert f"Guten Tag {name}," in text_of(letter.pdf)


def test_a_letter_that_the_font_cannot_draw_is_an_error_and_not_an_empty_box() -> None:
    with pytest.raises(LetterIncomplete) as caught:
        renderer().render(a_letter(salutation_name="漢字"))
    assert caught.value.code == "letter.missing_glyph"
    assert "漢" not in str(caught.value)


def test_two_sections_share_one_letter_each_with_its_own_way_out() -> None:
    content = a_letter()
    (first,) = content.sections
    second = replace(
        first, code="name_updated", reply_url="https://x.example/2", reply_code="ZWEI-2"
    )

    letter = renderer().render(replace(content, sections=(first, second)))

    for form in (letter.text, letter.html, text_of(letter.pdf)):
        assert "7K4M-29XP" in form
        assert "ZWEI-2" in form
        assert form.count("Stimmt etwas nicht?") == 1
