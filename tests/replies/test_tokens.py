"""A resident answers with what stands in the letter; nobody answers with what does not."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import ReplyRefused
from tasks.replies.tokens import digest, new_token, read, read_code, read_link, sign, token_for

KEY = bytes(range(32))
OTHER_KEY = bytes(32)
LAST_DAY = date(2026, 12, 31)
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
STORED = ("ul1hVdyipxXVzJKpaPWaKO1PDMJVvRcU", "JDT4-DZ5T-DP")
CODE = token_for("c-1", "deregister", KEY).short_code


def test_a_link_cannot_be_guessed_and_fits_into_an_address():
    secrets = {new_token().link_secret for _ in range(100)}

    assert len(secrets) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32}", secret) for secret in secrets)  # 192 bits


def test_a_code_on_paper_has_no_letters_that_look_like_others():
    codes = {new_token().short_code for _ in range(200)}

    assert len(codes) == 200
    for code in codes:
        assert re.fullmatch(rf"[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}-[{ALPHABET}]{{2}}", code)


def test_a_letter_rendered_again_carries_the_same_token():
    assert token_for("c-1", "deregister", KEY) == token_for("c-1", "deregister", KEY)


@pytest.mark.parametrize(
    "other",
    [
        token_for("c-2", "deregister", KEY),
        token_for("c-1", "object", KEY),
        token_for("c-1", "deregister", OTHER_KEY),
        token_for("", "deregisterc-1", KEY),
        token_for("rc-1", "deregiste", KEY),
    ],
)
def test_another_case_purpose_or_key_gives_another_token(other):
    token = token_for("c-1", "deregister", KEY)

    assert token.link_secret != other.link_secret
    assert token.short_code != other.short_code


def test_tokens_stay_the_same_over_releases_since_letters_are_on_paper():
    token = token_for("c-1", "deregister", KEY)

    assert (token.link_secret, token.short_code) == STORED


def test_a_token_is_not_shown_when_printed():
    token = new_token()

    assert token.link_secret not in repr(token)
    assert token.short_code not in repr(token)


@pytest.mark.parametrize(
    "typed",
    [
        CODE,
        CODE.lower(),
        CODE.replace("-", ""),
        CODE.replace("-", " "),
        f"  {CODE} \n",
        CODE.replace("-", "–"),
        CODE.replace("0", "O"),
        CODE.replace("0", "o"),
        CODE.replace("1", "I"),
        CODE.replace("1", "l"),
    ],
)
def test_a_code_typed_the_way_people_type_is_understood(typed):
    assert read_code(typed) == CODE


@given(st.integers(0, 10_000))
def test_every_code_we_print_can_be_read(number):
    code = token_for(str(number), "deregister", KEY).short_code

    assert read_code(code.replace("-", "").replace("1", "i").replace("0", "o").lower()) == code


@pytest.mark.parametrize("place", range(10))
def test_one_wrong_character_is_always_noticed(place):
    code = CODE.replace("-", "")
    for character in set(ALPHABET) - {code[place]}:
        with pytest.raises(ReplyRefused, match=r"^reply\.bad_code$"):
            read_code(code[:place] + character + code[place + 1 :])


@given(st.integers(0, 10_000), st.integers(0, 8))
def test_two_characters_swapped_are_always_noticed(number, place):
    code = token_for(str(number), "deregister", KEY).short_code.replace("-", "")
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]

    if swapped == code:
        return
    with pytest.raises(ReplyRefused):
        read_code(swapped)


@given(st.text(max_size=20))
def test_anything_else_that_is_typed_is_refused_and_not_repeated(typed):
    with pytest.raises(ReplyRefused) as refused:
        read_code(f"{typed}*")

    assert str(refused.value) == "reply.bad_code"
    assert refused.value.detail == ""


def test_what_is_stored_does_not_tell_the_secret_and_is_found_again():
    token = new_token()

    stored = digest(token.link_secret, KEY)
    assert re.fullmatch(r"[0-9a-f]{64}", stored)
    assert stored == digest(token.link_secret, KEY)
    assert stored != digest(token.link_secret, OTHER_KEY)
    assert stored != digest(new_token().link_secret, KEY)


@pytest.mark.parametrize("today", [date(2026, 1, 1), date(2026, 12, 30), LAST_DAY])
def test_a_note_is_good_up_to_and_on_its_last_day(today):
    signed = sign("t-1", "deregister", LAST_DAY, KEY)

    assert read(signed, KEY, today) == ("t-1", "deregister")


def test_the_day_after_a_note_has_expired():
    signed = sign("t-1", "deregister", LAST_DAY, KEY)

    with pytest.raises(ReplyRefused, match=r"^reply\.expired$"):
        read(signed, KEY, date(2027, 1, 1))


def test_a_note_serves_one_purpose_only():
    signed = sign("t-1", "deregister", LAST_DAY, KEY)

    assert read(signed, KEY, LAST_DAY, purpose="deregister") == ("t-1", "deregister")
    with pytest.raises(ReplyRefused, match=r"^reply\.wrong_purpose$"):
        read(signed, KEY, LAST_DAY, purpose="object")


def test_a_note_signed_with_another_key_is_refused():
    with pytest.raises(ReplyRefused, match=r"^reply\.bad_signature$"):
        read(sign("t-1", "deregister", LAST_DAY, OTHER_KEY), KEY, LAST_DAY)


def test_a_note_changed_in_any_one_character_is_refused():
    signed = sign("t-1", "deregister", LAST_DAY, KEY)

    for place, old in enumerate(signed):
        for new in "A9.-" + old.swapcase():
            if new != old:
                with pytest.raises(ReplyRefused, match=r"^reply\.bad_signature$"):
                    read(signed[:place] + new + signed[place + 1 :], KEY, LAST_DAY)


@given(st.text(st.characters(codec=None)))
def test_what_is_no_note_is_refused(text):
    with pytest.raises(ReplyRefused, match=r"^reply\.bad_signature$"):
        read(text, KEY, LAST_DAY)


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_any_id_and_purpose_come_back_as_they_were_signed(token_id, purpose):
    signed = sign(token_id, purpose, LAST_DAY, KEY)

    assert re.fullmatch(r"[A-Za-z0-9_.-]+", signed)
    assert read(signed, KEY, LAST_DAY) == (token_id, purpose)


def test_a_key_too_short_to_protect_anything_is_refused():
    for use in (
        lambda: digest("secret", b"short"),
        lambda: token_for("c-1", "deregister", b""),
        lambda: sign("t-1", "deregister", LAST_DAY, b"123456789012345"),
    ):
        with pytest.raises(ReplyRefused, match=r"^reply\.weak_key$"):
            use()


BLANKS = st.text(st.sampled_from(" \t\r\n\u00a0\u202f\u2009-‐‑–—−"), max_size=3)


@given(st.integers(0, 10_000), st.lists(BLANKS, min_size=11, max_size=11), st.integers(0, 1023))
def test_a_code_is_read_whatever_stands_between_its_characters(number, blanks, lower):
    code = token_for(str(number), "deregister", KEY).short_code
    typed = "".join(
        blank + (char.lower() if lower >> place & 1 else char)
        for place, (blank, char) in enumerate(zip(blanks, code.replace("-", ""), strict=False))
    )

    assert read_code(typed + blanks[-1]) == code


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_link_and_a_code_are_never_taken_for_each_other(number, other):
    token, code = (token_for(str(n), "deregister", KEY) for n in (number, other))

    assert read_link(token.link_secret) == token.link_secret
    with pytest.raises(ReplyRefused, match=r"^reply\.unknown$"):
        read_link(code.short_code)
    with pytest.raises(ReplyRefused, match=r"^reply\.bad_code$"):
        read_code(token.link_secret)
    digests = {digest(text, KEY) for text in (token.link_secret, token.short_code)}
    assert len(digests) == 2
    for stored in digests:
        with pytest.raises(ReplyRefused, match=r"^reply\.unknown$"):
            read_link(stored)


@given(st.text(st.characters(codec=None), max_size=40))
def test_what_cannot_be_a_link_is_refused_and_not_repeated(text):
    if re.fullmatch(r"[A-Za-z0-9_-]{32}", text):
        return
    with pytest.raises(ReplyRefused) as refused:
        read_link(text)

    assert str(refused.value) == "reply.unknown"


def test_a_code_as_long_as_a_book_is_not_read():
    with pytest.raises(ReplyRefused, match=r"^reply\.bad_code$"):
        read_code(CODE + " " * 1_000_000)
