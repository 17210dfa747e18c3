"""Addresses of channels are checked with the profile, not with the first letter."""

from urllib.parse import quote

import pytest
from channel_builders import Talk, a_parcel, rude_server
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.channels import check_url, hand_over, is_exact
from tasks.channels.mail import plugin
from tasks.channels.outlet import Job
from tasks.errors import ChannelRefused, ChannelUnavailable


@pytest.mark.parametrize(
    "url",
    [
        "mailto://localhost:8025",
        "mailto://127.0.0.1",
        "mailtos://parken:geheim@smtp.musterstadt.example:587",
        "mailtos://parken%40musterstadt.example:p%40ss@smtp.musterstadt.example?mode=ssl",
        "mailtos://musterstadt.example?smtp=smtp.provider.example&verify=no",
        "printspool:///var/spool/antragslos",
        "printspool:///var/spool/with%20blank",
    ],
)
def test_an_address_that_can_work_passes(url):
    check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mailto",
        "mailto://",
        "mailto://:25",
        "mailto://a_host",
        "mailto://smtp.musterstadt.example:port",
        "mailto://smtp.musterstadt.example:99999",
        "mailto://smtp.musterstadt.example?mode=later",
        "json://musterstadt.example",
        "file:///tmp/spool",
        "printspool://",
        "printspool://relative/folder",
        "printspool:///var/spool?copies=2",
        "printspool://[::1",
        "mailto://[::1",
    ],
)
def test_an_address_that_cannot_work_is_refused(url):
    with pytest.raises(ChannelRefused, match=r"^channel\.bad_url$"):
        check_url(url)


@pytest.mark.parametrize("character", [*"@:/?#%ü€ \"<>[]\\^`{|}&=+;,!$'()*"])
@pytest.mark.parametrize("place", ["{}geheim", "ge{}heim", "25{}heim", "geheim{}"])
def test_a_password_that_is_not_percent_encoded_is_refused_with_how_to_write_it(character, place):
    password = place.format(character)
    with pytest.raises(ChannelRefused) as refused:
        check_url(f"mailtos://parken:{password}@smtp.musterstadt.example:587")

    assert "@ as %40" in refused.value.detail
    assert "heim" not in refused.value.detail


@given(user=st.text(min_size=1), password=st.text(min_size=1))
@example(user="parken@musterstadt.example", password="pä:ss@w/ör?d#100%")
def test_whatever_is_percent_encoded_arrives_as_it_was_meant(user, password):
    url = f"mailtos://{quote(user, safe='')}:{quote(password, safe='')}@smtp.musterstadt.example"
    try:
        read = plugin(url, Job((), 0, 0))
    except ChannelRefused:
        return  # said at the check: Apprise trims blanks, for instance
    assert (read.user, read.password) == (user, password)


@pytest.mark.parametrize(
    "more",
    [
        "/thief@example.net",
        "?to=thief@example.net",
        "?cc=thief@example.net",
        "?bcc=",
        "?+Bcc=thief@example.net",
        "?retry=3",
        "?optional=yes",
        "?wkd=yes",
        "?pgp=encrypt",
        "?format=text",
        "#thief@example.net",
    ],
)
def test_an_address_adds_no_recipients_headers_or_repetitions(more):
    with pytest.raises(ChannelRefused) as refused:
        check_url(f"mailtos://parken:geheim@smtp.musterstadt.example{more}")

    assert refused.value.code == "channel.bad_url"
    assert refused.value.detail
    assert "geheim" not in refused.value.detail


def test_a_bad_address_is_refused_for_letters_too():
    with pytest.raises(ChannelRefused, match=r"^channel\.bad_url$"):
        hand_over(a_parcel(), "mailto://smtp.musterstadt.example?retry=3")


def test_a_failed_letter_is_not_tried_twice_in_one_call():
    calls = []

    def count(talk: Talk) -> None:
        calls.append(talk)
        talk.say("421 later")

    with rude_server(count) as port, pytest.raises(ChannelUnavailable):
        hand_over(a_parcel(), f"mailto://127.0.0.1:{port}")

    assert len(calls) == 1


def test_only_the_spool_may_be_asked_again_after_a_crash():
    assert is_exact("printspool:///var/spool")
    assert is_exact("PrintSpool:///var/spool")
    assert not is_exact("mailto://localhost")
    assert not is_exact("mailtos://localhost?printspool://")
