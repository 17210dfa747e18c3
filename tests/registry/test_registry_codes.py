"""Every official reason code means something to us, and none of ours is invented."""

import pytest

from tasks.domain.delta import DeltaKind
from tasks.errors import RecordRejected
from tasks.registry.codes import CHANGE_CODES, OCCASION_CODES, kind_of

# XMeldIT Änderungsart v7 and XMeld Datenübermittlungsanlässe v7, complete.
AENDERUNGSART = (  # noqa: SIM905
    "101 102 103 104 201 202 301 302 303 304 305 307 308 309 310 311 312 313 314 315 316 317"
    " 321 322 323 324 325 380 381 382 383 385 386 387 388 389 390 701 703 704"
).split()
ANLAESSE = [str(code) for code in range(1, 42)]


@pytest.mark.parametrize("code", AENDERUNGSART + ANLAESSE)
def test_every_official_code_has_a_kind(code):
    assert isinstance(kind_of(code), DeltaKind)


def test_the_lists_hold_nothing_but_the_official_codes():
    assert list(CHANGE_CODES) == AENDERUNGSART
    assert list(OCCASION_CODES) == ANLAESSE


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        ("101 102 704 31", DeltaKind.STOCK),
        ("103 12", DeltaKind.FIRST_REGISTRATION),
        ("104 321 1 2 5 6", DeltaKind.ARRIVAL),
        ("201 25", DeltaKind.DEATH),
        ("202 7 8", DeltaKind.MOVE_AWAY),
        ("301 324 4 9", DeltaKind.SECONDARY_DWELLING),
        ("302 3", DeltaKind.MOVE),
        ("303 22", DeltaKind.CHILD_BORN),
        ("304 315 10", DeltaKind.NAME_CHANGE),
        ("307 24", DeltaKind.LOCK_CHANGE),
        ("308 309 310 311 325 20 21", DeltaKind.FAMILY_CHANGE),
        ("312 313 14", DeltaKind.GUARDIAN_CHANGE),
        ("314 17", DeltaKind.ADDRESS_UPDATE),
        ("322 323 19 38 39 40", DeltaKind.STATUS_CHANGE),
        ("18 29", DeltaKind.KEY_CHANGE),
        ("23", DeltaKind.DOCUMENT_CHANGE),
        ("33", DeltaKind.DEATH_REVERSED),
        ("32 34 41", DeltaKind.OTHER_REVERSED),
        ("390 11 36 37", DeltaKind.OTHER),
        ("305 701 703 316 317 387 13 15 16 30 35", DeltaKind.IRRELEVANT),
    ],
)
def test_codes_of_both_lists_that_say_the_same_have_the_same_kind(codes, kind):
    assert {kind_of(code) for code in codes.split()} == {kind}


def test_a_record_without_a_code_is_told_by_its_snapshots():
    assert kind_of("") == DeltaKind.OTHER


@pytest.mark.parametrize("code", ["399", "0", "42", "02", " 302", "384", "x"])
def test_a_code_of_neither_list_is_refused_and_not_repeated_in_the_error(code):
    with pytest.raises(RecordRejected) as refusal:
        kind_of(code)
    assert str(refusal.value) == "registry.unknown_code"
