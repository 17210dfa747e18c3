"""Letters with made-up data: for whoever edits a template, and for the check of a profile."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from tasks.domain.decision import Ground, Result
from tasks.domain.service import Sample, Service
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

_REPLY_URL = "https://service.musterstadt.example/a/Zk3tQ9vXwB7rLm2pC5nH8dJ4sF6gT1yK"
_REPLY_CODE = "7K4M-29XP-5X"

# What answers a reply: the same for every service, in templates/_reply.md.j2.
_ENDED = {
    "ended": "BPA-0002/2 (Zone A2, Kennzeichen MU-LW 91)",
    "last_day": "2026-11-24",
    "received_on": "2026-11-24",
    "scope": "case",
    "nothing_to_do": "yes",
    "old_permit_text": "",
}
_OPTED_OUT = {"received_on": "2026-11-24", "scope": "service"}
REPLIED = (
    Sample("deregistered", _ENDED, {}),
    Sample(
        "deregistered",
        _ENDED
        | {"nothing_to_do": "", "old_permit_text": "Die Karte geben Sie bitte bei uns ab."}
        | {"scope": "service"},
        {},
    ),
    Sample("opted_out", _OPTED_OUT, {}),
    Sample("opted_out", _OPTED_OUT | {"scope": "information"}, {}),
    Sample("stands", {"received_on": "2026-11-24"}, {"clerk_decided": "VwVfG § 35"}),
)

_LEGAL_REMEDY = """\
Gegen diesen Bescheid können Sie innerhalb eines Monats nach seiner Bekanntgabe Widerspruch \
erheben. Der Widerspruch ist bei der Stadt Musterstadt, Rathausplatz 1, 60000 Musterstadt, \
schriftlich, in elektronischer Form nach § 3a Abs. 2 VwVfG, schriftformersetzend nach § 3a Abs. 3 \
VwVfG und § 9a Abs. 5 OZG oder zur Niederschrift einzulegen. Eine einfache E-Mail reicht dafür \
nicht aus."""

_PRIVACY_NOTICE = """\
Verantwortlich: Stadt Musterstadt, Rathausplatz 1, 60000 Musterstadt; Datenschutzbeauftragte: \
datenschutz@musterstadt.example. Um Ihren Bewohnerparkausweis an Ihre neuen Daten anzupassen \
(Art. 6 Abs. 1 Buchst. e DSGVO, § 45 Abs. 1b StVO), mit einem Programm, das unklare Fälle \
unseren Beschäftigten vorlegt, verarbeiten wir Name, Geburtsdatum und Anschriften aus dem \
Melderegister (§ 37 BMG, Art. 14 DSGVO) und die Angaben zum Ausweis. Empfänger: \
Verkehrsüberwachung und Druckerei.

Wir löschen die Angaben nach 400 Tagen; geschieht nichts, nach 90 Tagen. Sie haben das Recht auf \
Auskunft, Berichtigung, Löschung, Einschränkung und Widerspruch (Art. 15 bis 18 und 21 DSGVO) \
und auf Beschwerde bei der Aufsichtsbehörde, der oder dem Landesbeauftragten für den \
Datenschutz."""


def sample_content(service: Service) -> LetterContent:
    return samples(service)[0]


def samples(service: Service) -> tuple[LetterContent, ...]:
    """One letter of every kind that the service writes, and of what answers a reply."""
    own = [_letter(_section(service, sample)) for sample in service.samples]
    replied = [_letter(_section(service, sample, "_reply")) for sample in REPLIED]
    return (*own, *replied)


def in_words(content: LetterContent, words: Mapping[str, str]) -> LetterContent:
    """The same letter with a municipality's own words, where the letter has room for them."""
    (part,) = content.sections
    own = {name: text for name, text in words.items() if name in part.data}
    return replace(content, sections=(replace(part, data={**part.data, **own}),))


def sample_reply() -> LetterContent:
    """A letter that needs no service."""
    return _letter(_part("", "Bewohnerparken", REPLIED[0], "_reply"))


def _section(service: Service, sample: Sample, template: str = "") -> Section:
    return _part(service.name, service.title, sample, template)


def _part(service: str, title: str, sample: Sample, template: str) -> Section:
    return Section(
        service=service,
        title=title,
        data=sample.data,
        grounds=tuple(Ground(name, law, name, Result.MET) for name, law in sample.laws.items()),
        code=sample.code,
        reply_url=_REPLY_URL,
        reply_code=_REPLY_CODE,
        template=template,
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
        town="Musterstadt",
        signed_by="Im Auftrag, A. Beispiel",
        postal=True,
    )
