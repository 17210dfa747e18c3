"""Letters with made-up data: for whoever edits a template, and for the check of a profile."""

from datetime import date

from tasks.domain.decision import Ground, Result
from tasks.domain.service import Service
from tasks.letters.content import LetterContent, Letterhead, Section

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


def sample_content(service: Service) -> LetterContent:
    return samples(service)[0]


def samples(service: Service) -> tuple[LetterContent, ...]:
    """One letter of every kind that the service writes."""
    return tuple(
        _letter(
            Section(
                service.name,
                service.title,
                sample.data,
                tuple(Ground(name, law, name, Result.MET) for name, law in sample.laws.items()),
                sample.code,
                _DEREGISTER_URL,
                "7K4M-29XP",
            )
        )
        for sample in service.samples
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
