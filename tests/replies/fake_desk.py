"""A desk in memory that keeps the promises of tasks/replies/desk.py and notes what it is asked."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from tasks.domain.reply import ReplyKind, Scope
from tasks.errors import ReplyRefused
from tasks.replies.desk import BirthDate, LetterView, Office, Part, Receipt
from tasks.replies.tokens import new_token, read_code

OFFICE = Office(
    authority="Stadt Musterstadt",
    department="Straßenverkehrsbehörde · Bewohnerparken",
    street="Rathausplatz 1",
    postcode_town="60000 Musterstadt",
    phone="0123 456-7890",
    email="bewohnerparken@musterstadt.example",
    website="www.musterstadt.example",
    contact="Stadt Musterstadt, Bewohnerparken, Telefon 0123 456-7890, "
    "E-Mail bewohnerparken@musterstadt.example",
    privacy_notice="Verantwortlich ist die Stadt Musterstadt, Rathausplatz 1, 60000 Musterstadt. "
    "Wir verarbeiten Ihren Namen, Ihr Geburtsdatum und die Angaben zu Ihrem "
    "Bewohnerparkausweis.\n\nSie haben das Recht auf Auskunft, Berichtigung, Löschung, "
    "Einschränkung und Widerspruch (Art. 15 bis 18 und 21 DSGVO).",
)
REMEDY = (
    "Gegen diesen Bescheid können Sie innerhalb eines Monats nach seiner Bekanntgabe Widerspruch "
    "erheben.\n\nDer Widerspruch ist bei der Stadt Musterstadt, Rathausplatz 1, 60000 "
    "Musterstadt, schriftlich, in elektronischer Form nach § 3a Abs. 2 VwVfG oder zur "
    "Niederschrift einzulegen. Eine einfache E-Mail reicht dafür nicht aus."
)
PARKING = Part(
    case="c-parken",
    title="Bewohnerparkausweis",
    html="""\
<div class="box">
<h3>Das Wichtigste in Kürze</h3>
<p>Sie sind in eine andere Bewohnerparkzone gezogen. Wir haben Ihren Ausweis deshalb auf die
<strong>Zone 12</strong> umgestellt. Sie müssen dafür <strong>nichts tun</strong>.</p>
</div>
<h3>Unsere Entscheidung</h3>
<p>Wir erteilen Ihnen für das Fahrzeug mit dem Kennzeichen <strong>MU-LW 91</strong> einen
Bewohnerparkausweis für die <strong>Zone 12</strong>.</p>
<table>
<thead><tr><th scope="col">Ihr Ausweis</th><th scope="col">Bisher</th><th scope="col">Neu</th></tr>
</thead>
<tbody>
<tr><th scope="row">Zone</th><td>3</td><td><strong>12</strong></td></tr>
<tr><th scope="row">Nummer</th><td>BP-2024-000317</td><td>BP-2026-001204</td></tr>
<tr><th scope="row">Kennzeichen</th><td>MU-LW 91</td><td>MU-LW 91</td></tr>
</tbody>
</table>
<h3>Warum wir so entschieden haben</h3>
<ul>
<li>Sie haben genau einen gültigen Bewohnerparkausweis (§ 45 Abs. 1b StVO).</li>
<li>Diese Anschrift liegt in genau einer Bewohnerparkzone: 12.</li>
</ul>""",
    decides=True,
    informs=False,
    can_deregister=True,
)
CARD = Part(
    case="c-ausweis",
    title="Hinweis auf den Ablauf Ihres Personalausweises",
    html="<p>Ihr Personalausweis läuft bald ab. Bitte vereinbaren Sie einen Termin.</p>",
    decides=False,
    informs=True,
    can_deregister=False,
)


@dataclass
class Entry:
    """One letter with its token."""

    door: str
    view: LetterView
    born: BirthDate
    secret: str
    code: str
    status: str = "valid"  # valid | locked | revoked | expired
    failures: int = 0
    receipts: list[tuple[str, Receipt]] = field(default_factory=list)  # with the case


class FakeDesk:
    def __init__(self, now: datetime = datetime(2026, 11, 24, 14, 5, 9, tzinfo=UTC)) -> None:
        self.entries: list[Entry] = []
        self.recorded: list[tuple[str, str, ReplyKind, Scope, str]] = []
        self.calls: list[str] = []
        self.inside_now: dict[str, str] = {}  # secret -> door
        self.broken: Exception | None = None  # raised by the next calls
        self._now = now

    def add_letter(
        self,
        *parts: Part,
        born: BirthDate = BirthDate(1964, 2, 29),  # noqa: B008  (frozen)
        subject: str = "Ihr Bewohnerparkausweis gilt jetzt in Zone 12 – Sie müssen nichts tun",
    ) -> Entry:
        token = new_token()
        parts = parts or (PARKING,)
        view = LetterView(
            reference="BP-7F3K-29QX",
            subject=subject,
            dated=date(2026, 11, 23),
            office=OFFICE,
            parts=parts,
            legal_remedy=REMEDY if any(part.decides for part in parts) else "",
        )
        door = f"s-{len(self.entries) + 1}"
        entry = Entry(door, view, born, token.link_secret, token.short_code)
        self.entries.append(entry)
        return entry

    def by_link(self, secret: str) -> str:
        self._asked("by_link")
        return self._usable(entry for entry in self.entries if entry.secret == secret).door

    def by_code(self, typed: str) -> str:
        self._asked("by_code")
        code = read_code(typed)
        return self._usable(entry for entry in self.entries if entry.code == code).door

    def office(self, door: str) -> Office:
        self._asked("office")
        """Also behind a locked door: that is when people want to know whom to call."""
        for entry in self.entries:
            if entry.door == door:
                return entry.view.office
        raise ReplyRefused("reply.unknown")

    def unlock(self, door: str, birth_date: BirthDate) -> None:
        self._asked("unlock")
        entry = self._entry(door)
        if birth_date == entry.born:
            entry.failures = 0
            return
        entry.failures += 1
        if entry.failures >= 5:
            entry.status = "locked"
            raise ReplyRefused("reply.locked", door)
        raise ReplyRefused("reply.wrong_birth_date", door)

    def begin(self, door: str, now: datetime) -> str:
        self._asked("begin")
        secret = f"secret-{len(self.inside_now) + 1}"
        self.inside_now[secret] = door
        return secret

    def inside(self, secret: str, now: datetime) -> str:
        self._asked("inside")
        if secret not in self.inside_now:
            raise ReplyRefused("reply.session_over")
        return self.inside_now[secret]

    def leave(self, secret: str) -> None:
        self._asked("leave")
        self.inside_now.pop(secret, None)

    def letter(self, door: str) -> LetterView:
        self._asked("letter")
        entry = self._entry(door)
        parts = tuple(
            replace(
                part, replies=tuple(reply for case, reply in entry.receipts if case == part.case)
            )
            for part in entry.view.parts
        )
        return replace(entry.view, parts=parts)

    def record(
        self, door: str, case: str, kind: ReplyKind, scope: Scope, text: str = ""
    ) -> Receipt:
        self._asked("record")
        entry = self._entry(door)
        part = next(part for part in entry.view.parts if part.case == case)
        for known, receipt in entry.receipts:
            if (known, receipt.kind) == (case, kind):
                return receipt
        if kind is ReplyKind.DEREGISTER and not part.can_deregister:
            raise ReplyRefused("reply.not_offered", case)
        receipt = Receipt(
            number=f"r-{entry.door[2:]}{len(entry.receipts) + 1}",
            kind=kind,
            scope=scope,
            at=self._now.isoformat(timespec="seconds"),
            subject=entry.view.subject,
            letter=entry.view.reference,
            service=part.title,
        )
        entry.receipts.append((case, receipt))
        self.recorded.append((door, case, kind, scope, text))
        return receipt

    def receipt(self, door: str, number: str) -> Receipt:
        self._asked("receipt")
        for _, receipt in self._entry(door).receipts:
            if receipt.number == number:
                return receipt
        raise ReplyRefused("reply.unknown", door)

    def state(self) -> object:
        """All that could have changed."""
        return (
            list(self.recorded),
            [(entry.status, entry.failures, list(entry.receipts)) for entry in self.entries],
        )

    def _asked(self, name: str) -> None:
        self.calls.append(name)
        if self.broken:
            raise self.broken

    def _entry(self, door: str) -> Entry:
        return self._usable(entry for entry in self.entries if entry.door == door)

    def _usable(self, found) -> Entry:  # type: ignore[no-untyped-def]
        entry = next(found, None)
        if entry is None:
            raise ReplyRefused("reply.unknown")
        if entry.status != "valid":
            raise ReplyRefused(f"reply.{entry.status}", entry.door)
        return entry
