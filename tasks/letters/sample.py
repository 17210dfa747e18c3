"""Letters with made-up data: for whoever edits a template, and for the check of a profile."""

from collections.abc import Mapping
from datetime import date

from tasks.domain.decision import Ground, Result
from tasks.errors import LetterIncomplete
from tasks.letters.content import LetterContent, Letterhead, Section

_PERMIT = {
    "permit_number": "BPA-0002",
    "plate": "MU-LW 91",
    "holder": "Łukasz Wójcik",
    "zone_old": "A3",
    "zone_new": "A2",
    "valid_from": "2026-11-24",
    "valid_until": "2027-12-31",
    "new_address": "Kröpeliner Str. 40",
    "old_permit": "ended",
    "fee": "Für diese Umstellung erheben wir keine Gebühr.",
}
_SWITCH = _PERMIT | {"new_permit_number": "BPA-0013"}

# Per service: title, the grounds a decision of it stands on (name: section of law), and for every
# kind of letter its code and data. The first one is the sample.
_SERVICES: Mapping[
    str, tuple[str, Mapping[str, str], tuple[tuple[str, Mapping[str, str]], ...]]
] = {
    "resident_parking": (
        "Bewohnerparken",
        {
            "in_register": "VwVfG § 24 Abs. 1",
            "no_address_lock": "BMG § 51",
            "permit_valid": "VwVfG § 43 Abs. 2",
            "one_permit": "VwV-StVO zu § 45",
            "adult": "VwVfG § 12 Abs. 1 Nr. 1; BGB § 2",
            "main_dwelling": "BMG § 21 Abs. 2",
            "one_zone": "StVO § 45 Abs. 1b Satz 1 Nr. 2a",
            "plate_german": "StVO § 45 Abs. 1b Satz 1 Nr. 2a",
            "vehicle_check": "StVG § 35 Abs. 1 Nr. 22; StVG § 36 Abs. 2m",
            "automation_norm": "StVO § 46 Abs. 5",
            "legal_mode": "VwVfG § 22",
        },
        (
            ("zone_switched", _SWITCH),
            ("zone_switched", _SWITCH | {"valid_from": "2026-12-01", "old_permit": "clerk"}),
            ("address_updated", _PERMIT | {"zone_new": "A3"}),
            ("name_updated", _PERMIT | {"holder": "Łukasz Wójcik-Brandt"}),
        ),
    ),
}

_LETTERHEAD = Letterhead(
    authority="Stadt Musterstadt",
    department="Straßenverkehrsbehörde · Bewohnerparken",
    street="Rathausplatz 1",
    postcode_town="60000 Musterstadt",
    phone="0123 456-7890",
    email="bewohnerparken@musterstadt.example",
    website="www.musterstadt.example",
    return_line="Stadt Musterstadt · Rathausplatz 1 · 60000 Musterstadt",
    place="Musterstadt",
)

_DEREGISTER_URL = "https://service.musterstadt.example/abmelden/Zk3tQ9vXwB7rLm2p"

_LEGAL_REMEDY = """\
Gegen diesen Bescheid können Sie innerhalb eines Monats nach seiner Bekanntgabe Widerspruch \
erheben. Der Widerspruch ist bei der Stadt Musterstadt, Rathausplatz 1, 60000 Musterstadt, \
schriftlich, in elektronischer Form nach § 3a Abs. 2 VwVfG, schriftformersetzend nach § 3a Abs. 3 \
VwVfG und § 9a Abs. 5 OZG oder zur Niederschrift einzulegen. Eine einfache E-Mail reicht dafür \
nicht aus."""

_PRIVACY_NOTICE = """\
Verantwortlich ist die Stadt Musterstadt, Rathausplatz 1, 60000 Musterstadt. Wir verarbeiten Ihren \
Namen, Ihr Geburtsdatum, Ihre Anschriften und die Angaben zu Ihrem Bewohnerparkausweis, um den \
Ausweis nach Ihrem Umzug anzupassen (Art. 6 Abs. 1 Buchst. e DSGVO, § 45 Abs. 1b StVO). Die neue \
Anschrift haben wir aus dem Melderegister erhalten (§ 37 BMG, Art. 14 DSGVO).

Wir löschen die Angaben, sobald sie nicht mehr nötig sind. Sie haben das Recht auf Auskunft, \
Berichtigung, Löschung, Einschränkung und Widerspruch (Art. 15 bis 18 und 21 DSGVO). Sie können \
sich an unsere Datenschutzbeauftragte wenden (datenschutz@musterstadt.example) und sich bei der \
Datenschutzaufsicht des Landes beschweren."""


def sample_content(service: str) -> LetterContent:
    return samples(service)[0]


def samples(service: str) -> tuple[LetterContent, ...]:
    """One letter of every kind that the service writes."""
    if service not in _SERVICES:
        raise LetterIncomplete("letter.missing_sample", service)
    title, laws, kinds = _SERVICES[service]
    grounds = tuple(Ground(name, law, name, Result.MET) for name, law in laws.items())
    return tuple(
        _letter(Section(service, title, data, grounds, code, _DEREGISTER_URL, "7K4M-29XP"))
        for code, data in kinds
    )


def _letter(section: Section) -> LetterContent:
    return LetterContent(
        letter_id="BP-7F3K-29QX",
        letterhead=_LETTERHEAD,
        addressee=("Łukasz Wójcik", "Kröpeliner Str. 40", "60000 Musterstadt"),
        note_lines=(),
        date=date(2026, 11, 24),
        salutation_name="Łukasz Wójcik",
        sections=(section,),
        legal_remedy=_LEGAL_REMEDY,
        privacy_notice=_PRIVACY_NOTICE,
        contact=(
            "Stadt Musterstadt, Bewohnerparken, Telefon 0123 456-7890, "
            "E-Mail bewohnerparken@musterstadt.example"
        ),
        postal=True,
    )
