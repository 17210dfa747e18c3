"""Personal data is text in every form: no name, street or plate can become markup or code."""

import re
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.letters.render import LetterContent, RenderedLetter
from tasks.letters.words import clean
from tests.letters.letters import a_letter, renderer
from tests.letters.pdf_reading import text_of

# Where a resident's own data enters, each with a letter that differs in nothing else.
FIELDS: dict[str, Callable[[str], LetterContent]] = {
    "salutation": lambda text: a_letter(salutation_name=text),
    "addressee": lambda text: a_letter(addressee=(text, "Weg 1", "60000 Musterstadt")),
    "plate": lambda text: a_letter({"plate": text}),
    "permit_number": lambda text: a_letter({"permit_number": text}),
    "zone_new": lambda text: a_letter({"zone_new": text}),
    "new_address": lambda text: a_letter({"new_address": text}),
    "holder": lambda text: a_letter({"holder": text}, {"code": "name_updated"}),
    "note": lambda text: a_letter(note_lines=(text,)),
}
ATTACKS = [
    "# Überschrift",
    "**fett** _kursiv_ `code` ~~weg~~",
    "| a | b |",
    "a\n\n# Neuer Absatz\n- Liste\n> Kasten\n1. eins",
    "    eingerückt",
    "<script>alert(1)</script>",
    "</title></p><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "&lt;b&gt; &amp; &#42; &copy;",
    "{{ 7 * 7 }} {% for x in y %} {# weg #}",
    "#import \"x\" #panic() #read(\"/etc/passwd\") $x^2$ \\u{41} [inhalt] @ref <label> *fett*",
    '")) #panic() //', '\\")) #read("/_letter.typ") /*', '\\u0022)) #panic()',
    "[Link](https://evil.example) ![Bild](x) <https://evil.example> https://evil.example",
    "\\* \\\\ \\| \\",
    "***", "===", "---", "```", "+", "1)", ">",
    "Zeile\r\nBcc: x@evil.example",
    "\ue02a\ue02aprivat\ue02a\ue02a",
    "\u202egnirts\u2066",
]  # fmt: skip


class Outline(HTMLParser):
    """Elements with their attributes' names, and the text, of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def outline(html: str) -> Outline:
    page = Outline()
    page.feed(html)
    page.close()
    return page


@cache
def harmless(field: str) -> tuple[Outline, int]:
    letter = renderer().render_without_pdf(FIELDS[field]("Harmlos"))
    return outline(letter.html), letter.text.count("\n")


def check_mail(field: str, text: str) -> None:
    content = FIELDS[field](text)
    letter: RenderedLetter = renderer().render_without_pdf(content)
    page, (usual, lines) = outline(letter.html), harmless(field)
    assert clean(text) in letter.text.replace("\u00a0", " ")
    assert clean(text) in page.text.replace("\u00a0", " ")
    assert page.elements == usual.elements
    assert letter.text.count("\n") == lines
    assert "\n" not in letter.subject


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("attack", ATTACKS)
def test_what_looks_like_markup_in_a_residents_data_is_printed_as_it_is(field, attack) -> None:
    check_mail(field, f"x {attack}")
    check_mail(field, f"{attack} x")


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(sorted(FIELDS)), st.text(min_size=1, max_size=60).filter(clean))
def test_no_text_at_all_changes_the_structure_of_a_mail(field: str, text: str) -> None:
    check_mail(field, text)


# What the font can draw, with a weakness for what Jinja, Markdown, HTML and Typst would read.
PRINTABLE = st.text(
    st.sampled_from("#$\\[]{}<>&*_`@~=-+|/\"'%!()^.:;, \n") | st.characters(codec="latin-1"),
    min_size=1,
    max_size=40,
).filter(clean)


def letters_of(text: str) -> str:
    """Letters and digits: line ends of the page may fall anywhere between them."""
    return re.sub(r"[\W_]", "", text.replace("\u200b", ""))


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(FIELDS)), PRINTABLE)
def test_no_text_at_all_is_run_or_read_as_markup_by_the_page(field: str, text: str) -> None:
    pdf = renderer().render(FIELDS[field](text)).pdf
    assert letters_of(clean(text)) in letters_of(text_of(pdf))


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_on_the_page_stays_ink(attack: str) -> None:
    text = f"A{attack}Z"
    pdf = renderer().render(a_letter({"plate": text}, salutation_name=text)).pdf
    words = text_of(pdf)
    assert letters_of(clean(text)) in letters_of(words)
    assert "49" not in re.findall(r"\d+", words.partition("Stimmt")[0])  # nobody multiplied 7 by 7


def test_text_blocks_of_the_authority_are_text_too() -> None:
    letter = renderer().render_without_pdf(
        a_letter(legal_remedy="Erster <b>Absatz</b>.\n\nZweiter *Absatz*.", contact="# Amt {{ x }}")
    )
    assert "Erster <b>Absatz</b>.\n\nZweiter *Absatz*." in letter.text
    assert "# Amt {{ x }}" in letter.text
    assert "<b>" not in letter.html
