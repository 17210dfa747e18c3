"""A privacy notice says what DSGVO Art. 14 wants, and the periods that `[retention]` really has."""

import pytest

from tasks.domain.privacy_notice import doubts_in, filled, missing_in
from tasks.letters import sample
from tasks.profile import Retention

PERIODS = Retention().model_dump()
WHOLE = (
    "Verantwortlich: Stadt Musterstadt. Unsere Datenschutzbeauftragte erreichen Sie unter "
    "ds@musterstadt.example. Wir verarbeiten Name, Anschrift und Kennzeichen, um Ihren Ausweis zu "
    "ändern (Art. 6 Abs. 1 Buchst. e DSGVO), vollständig automatisiert. Die Daten stammen aus dem "
    "Melderegister. Empfänger: Verkehrsüberwachung. Wir löschen sie nach {objection_days} Tagen. "
    "Sie haben das Recht auf Auskunft, Berichtigung, Löschung, Einschränkung und Widerspruch und "
    "können sich bei der Aufsichtsbehörde beschweren."
)
OTHER = (
    "Der Landkreis Musterkreis (Kreisstraße 3) ist verantwortlich im Sinne der DSGVO. Beauftragter "
    "für den Datenschutz: Herr Beispiel. Zweck: Bewohnerparken, Artikel 6 Abs. 1 e. Von der "
    "Meldebehörde haben wir Ihre Anschrift und Ihr Geburtsdatum. Wir geben die Daten an den "
    "Versandpartner weiter. Speicherdauer: 400 Tage. Ein Computerprogramm entscheidet. Sie "
    "können Auskunft, Berichtigung, Löschung und Einschränkung verlangen und widersprechen. "
    "Beschwerden: Sächsische Datenschutz- und Transparenzbeauftragte, Dresden."
)


def missing(
    text: str, authority: str = "Stadt Musterstadt", *, by_machine: bool = True
) -> list[str]:
    return list(missing_in(filled(text, PERIODS), authority, PERIODS, by_machine=by_machine))


@pytest.mark.parametrize(
    ("text", "authority"), [(WHOLE, "Stadt Musterstadt"), (OTHER, "Landkreis Musterkreis")]
)
def test_a_whole_notice_lacks_nothing_in_whatever_words(text: str, authority: str) -> None:
    assert missing(text, authority) == []
    assert list(doubts_in(filled(text, PERIODS), PERIODS)) == []


def test_our_own_sample_is_whole() -> None:
    assert missing(sample._PRIVACY_NOTICE) == []


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("Verantwortlich: Stadt Musterstadt. ", "", "who is responsible"),
        ("Stadt Musterstadt", "Stadt", "who is responsible"),
        ("Unsere Datenschutzbeauftragte", "Uns", "Datenschutzbeauftragte"),
        ("Art. 6 Abs. 1 Buchst. e DSGVO", "DSGVO", "on what basis"),
        ("Name, Anschrift und Kennzeichen", "Daten", "which data"),
        ("aus dem Melderegister", "von anderswo", "where it is from"),
        ("Empfänger: Verkehrsüberwachung. ", "", "who gets it"),
        ("nach {objection_days} Tagen", "bald", "how long"),
        ("nach {objection_days} Tagen", "nach 30 Tagen", "how long"),
        ("Auskunft, Berichtigung", "Auskunft", "Berichtigung (Art. 16)"),
        ("bei der Aufsichtsbehörde", "irgendwo", "Aufsichtsbehörde"),
        ("vollständig automatisiert", "schnell", "a machine decides"),
    ],
)
def test_each_thing_that_is_missing_is_named_with_its_law(old: str, new: str, what: str) -> None:
    assert old in WHOLE
    (named,) = missing(WHOLE.replace(old, new))

    assert what in named
    assert "Art. " in named


def test_the_authority_of_the_land_is_not_the_towns_own_officer() -> None:
    text = WHOLE.replace("Unsere Datenschutzbeauftragte", "Die Sächsische Datenschutzbeauftragte")
    assert ["how to reach" in one for one in missing(text)] == [True]


def test_who_has_every_case_decided_by_clerks_need_not_speak_of_machines() -> None:
    assert missing(WHOLE.replace("vollständig automatisiert", "bald"), by_machine=False) == []


def test_a_period_that_retention_does_not_have_is_a_doubt() -> None:
    text = filled(WHOLE, PERIODS) + " Protokolle löschen wir nach 3 Jahren, Anrufe nach 7 Tagen."
    assert [one[:14] for one in doubts_in(text, PERIODS)] == ["says „3 jahren", "says „7 tagen“"]


def test_a_period_is_filled_in_from_retention_and_another_word_is_refused() -> None:
    assert filled("nach {nothing_done_days} Tagen", PERIODS) == "nach 90 Tagen"
    with pytest.raises(KeyError, match="objection_day"):
        filled("{objection_day}", PERIODS)


@pytest.mark.parametrize("text", ["", "x", "Wir beachten die DSGVO."])
def test_a_word_is_no_notice(text: str) -> None:
    assert len(missing(text)) == 10


def test_a_purpose_may_be_said_in_one_word_or_two() -> None:
    assert list(doubts_in(sample._PRIVACY_NOTICE, PERIODS)) == []
    (said,) = doubts_in("Nach 400 Tagen.", PERIODS)
    assert "purpose" in said
