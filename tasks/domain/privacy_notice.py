"""What a privacy notice must say where data comes from somebody else (DSGVO Art. 14).

Each thing that is missing is named with its law and with words for it. Words are searched for, so
whoever says it in others may be asked for one more. Periods must be those of `[retention]`: the
notice names them by placeholder (`{objection_days}`), or they are compared.
"""

import re
from collections.abc import Iterator, Mapping

_RIGHTS = {
    "auskunft": "Auskunft (Art. 15)",
    "berichtigung": "Berichtigung (Art. 16)",
    "löschung": "Löschung (Art. 17)",
    "einschränkung": "Einschränkung (Art. 18)",
    "widerspruch|widersprechen": "Widerspruch (Art. 21)",
}
_SUPERVISION = (
    r"aufsichtsbehörde|datenschutzaufsicht|landesdatenschutz|landesbeauftragt"
    r"|(landesamt|landeszentrum) für datenschutz|datenschutz- und (transparenz|information)"
    r"|(sächsisch|hessisch|bayerisch|hamburgisch|thüring|berlin|brandenburg)\w* "
    r"(datenschutzbeauftragt|beauftragte)\w*( für (den )?datenschutz)?"
)
_OFFICER = r"datenschutzbeauftragt|\bbeauftragte\w* für (den )?datenschutz"
_DATA = (r"\bnamen?\b", r"anschrift|adresse", r"geburtsdatum|geburtstag", r"kennzeichen|ausweis")
_RECIPIENTS = (
    r"empfänger|weitergegeben|weitergeleitet|\b(geben|gibt|leiten|leitet)\b.{0,100}\bweiter\b"
    r"|\bübermitteln wir|wir übermitteln|auftragsverarbeit|dienstleist|druckerei"
)
_AUTOMATED = r"automati|ohne dass ein mensch|\bcomputer|\bprogramm"
_PERIOD = re.compile(r"\b([0-9]+) (tage?n?|wochen?|monate?n?|jahre?n?)\b")


def missing_in(
    text: str, authority: str, periods: Mapping[str, int], *, by_machine: bool
) -> Iterator[str]:
    """What the notice does not say. `periods`: of `[retention]`, in days."""
    said = " ".join(text.casefold().split())
    if "verantwortlich" not in said or not _names(said, authority):
        yield f"who is responsible: „Verantwortlich ist: {authority}“ (Art. 14 Abs. 1 Buchst. a)"
    if not re.search(_OFFICER, re.sub(_SUPERVISION, " ", said)):
        yield "how to reach the „Datenschutzbeauftragte“ (Art. 14 Abs. 1 Buchst. b)"
    if not re.search(r"\bart(\.|ikel) ?6\b", said):
        yield "on what basis: „Art. 6 Abs. 1 Buchst. e DSGVO, …“ (Art. 14 Abs. 1 Buchst. c)"
    if "kategorien" not in said and sum(bool(re.search(one, said)) for one in _DATA) < 2:
        yield "which data: „Name, Anschrift, Geburtsdatum, …“ (Art. 14 Abs. 1 Buchst. d)"
    if not re.search(_RECIPIENTS, said):
        yield "who gets it: „Empfänger sind …“, or that nobody does (Art. 14 Abs. 1 Buchst. e)"
    days = periods["objection_days"]
    if not re.search(rf"\b{days} tage", said):
        yield f"how long: „{{objection_days}} Tage“, now {days} (Art. 14 Abs. 2 Buchst. a)"
    if lacking := [name for words, name in _RIGHTS.items() if not re.search(words, said)]:
        yield f"the right to {', '.join(lacking)} (Art. 14 Abs. 2 Buchst. c)"
    if not re.search(_SUPERVISION, said):
        yield "to which „Aufsichtsbehörde“ one may complain (Art. 14 Abs. 2 Buchst. e)"
    if not re.search(r"melderegister|meldebehörde", said):
        yield "where it is from: „aus dem Melderegister“ (Art. 14 Abs. 2 Buchst. f)"
    if by_machine and not re.search(_AUTOMATED, said):
        yield "that a machine decides, and how: „automatisiert“ (Art. 14 Abs. 2 Buchst. g)"


def doubts_in(text: str, periods: Mapping[str, int]) -> Iterator[str]:
    said = " ".join(text.casefold().split())
    for number, unit in _PERIOD.findall(said):
        if unit[:2] != "ta" or int(number) not in periods.values():
            yield f"says „{number} {unit}“, and no period of [retention] is that many days"
    if not re.search(r"zweck|\bum\b.{1,200}zu", said):
        yield "says no purpose: „um …“ (Art. 14 Abs. 1 Buchst. c)"


def filled(text: str, periods: Mapping[str, int]) -> str:
    """With the days of `[retention]`. Raises KeyError for one that it does not have."""
    return re.sub(r"\{(\w*)\}", lambda found: str(periods[found[1]]), text)


def _names(said: str, authority: str) -> bool:
    said = re.sub(r"\S+@\S+", " ", said)  # an address names nobody
    words = authority.casefold().split()
    return all(re.search(rf"\b{re.escape(word[: max(4, len(word) - 2)])}", said) for word in words)
