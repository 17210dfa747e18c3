"""What a page says when it refuses: one German sentence a code, and one in plain language.

Unknown and revoked read the same: whoever tries links must not learn that one was real.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Words:
    status: int
    title: str
    text: str
    plain: str


_UNKNOWN = Words(
    404,
    "Diesen Link oder Code gibt es nicht",
    "Wir finden zu diesem Link oder Code kein Schreiben. Bitte vergleichen Sie ihn mit Ihrem "
    "Schreiben, oder rufen Sie uns an.",
    "Wir finden den Brief nicht. Schauen Sie noch einmal in den Brief. Oder rufen Sie uns an.",
)
_WORDS = {
    "reply.unknown": _UNKNOWN,
    "reply.revoked": _UNKNOWN,
    "reply.bad_code": Words(
        422,
        "Der Code stimmt nicht",
        "Der Code ist nicht vollständig oder enthält einen Tippfehler. Er hat zehn Zeichen und "
        "steht in Ihrem Schreiben.",
        "Im Code ist ein Fehler. Der Code hat 10 Zeichen. Er steht in Ihrem Brief.",
    ),
    "reply.expired": Words(
        410,
        "Die Frist für diesen Link ist abgelaufen",
        "Über diesen Link oder Code können Sie nicht mehr antworten. Sie erreichen uns weiterhin "
        "auf den Wegen, die in Ihrem Schreiben stehen.",
        "Der Link ist zu alt. Sie können uns anrufen oder schreiben. Die Telefonnummer steht in "
        "Ihrem Brief.",
    ),
    "reply.locked": Words(
        403,
        "Der Zugang ist gesperrt",
        "Das Geburtsdatum war zu oft falsch. Zu Ihrem Schutz ist dieser Zugang nun gesperrt. Die "
        "Stelle, die in Ihrem Schreiben steht, kann Ihnen einen neuen Code geben: Bitte zeigen Sie "
        "dort Ihren Ausweis. Sie können auch anrufen oder schreiben.",
        "Das Geburtsdatum war zu oft falsch. Deshalb ist die Seite jetzt gesperrt. Das schützt "
        "Ihre Daten. Bitte rufen Sie uns an. Die Telefonnummer steht in Ihrem Brief. Oder kommen "
        "Sie mit Ihrem Ausweis zu uns. Dann bekommen Sie einen neuen Code.",
    ),
    "reply.not_locked": Words(
        409,
        "Dieses Schreiben ist nicht gesperrt",
        "Der Zugang zu diesem Schreiben ist offen, oder er wurde gerade wieder geöffnet.",
        "Dieses Schreiben ist nicht gesperrt.",
    ),
    "reply.wrong_birth_date": Words(
        403,
        "Das Geburtsdatum passt nicht",
        "Das Geburtsdatum passt nicht zu diesem Schreiben. Bitte prüfen Sie Ihre Eingabe: Nach "
        "fünf falschen Versuchen wird der Zugang gesperrt.",
        "Das Geburtsdatum passt nicht. Bitte versuchen Sie es noch einmal. Nach 5 Fehlern wird "
        "die Seite gesperrt.",
    ),
    "reply.not_offered": Words(
        409,
        "Diese Antwort ist hier nicht möglich",
        "Zu diesem Teil des Schreibens ist diese Antwort nicht oder nicht mehr möglich.",
        "Diese Antwort geht hier nicht.",
    ),
    "reply.no_text": Words(
        422,
        "Ihre Nachricht fehlt",
        "Bitte beschreiben Sie kurz, was nicht stimmt. Es wurde nichts gespeichert.",
        "Bitte schreiben Sie, was falsch ist. Wir haben nichts gespeichert.",
    ),
    "reply.stale_form": Words(
        403,
        "Die Seite war zu lange geöffnet",
        "Zu Ihrem Schutz nehmen wir diese Eingabe nicht mehr an. Es wurde nichts gespeichert. "
        "Bitte öffnen Sie die Seite neu und versuchen Sie es noch einmal. Ihr Browser muss das "
        "Cookie dieser Seite zulassen.",
        "Die Seite war zu lange offen. Wir haben nichts gespeichert. Bitte versuchen Sie es noch "
        "einmal.",
    ),
    "reply.session_over": Words(
        401,
        "Ihre Sitzung ist beendet",
        "Sie haben die Sitzung beendet, oder Sie waren 30 Minuten nicht aktiv. Bitte öffnen Sie "
        "den Link aus Ihrem Schreiben noch einmal, oder geben Sie den Code ein.",
        "Sie sind nicht mehr angemeldet. Öffnen Sie den Link aus dem Brief noch einmal. Oder geben "
        "Sie den Code ein.",
    ),
    "reply.too_many_tries": Words(
        429,
        "Zu viele Versuche",
        "Von Ihrem Anschluss kamen zu viele falsche Links oder Codes. Bitte warten Sie einige "
        "Minuten, oder rufen Sie uns an.",
        "Das waren zu viele Fehler. Bitte warten Sie 10 Minuten. Oder rufen Sie uns an.",
    ),
    "clerk.refused": Words(
        403,
        "Anmeldung nicht möglich",
        "Kommune, Zeichen oder Passwort stimmen nicht. Nach mehreren falschen Versuchen nehmen wir "
        "auch ein richtiges Passwort erst nach einer Wartezeit an, zuletzt nach 15 Minuten.",
        "Kommune, Zeichen oder Passwort stimmen nicht. Oder Sie müssen noch etwas warten.",
    ),
    "clerk.busy": Words(
        429,
        "Im Moment nicht möglich",
        "Es melden sich gerade sehr viele zugleich an. Bitte versuchen Sie es gleich noch einmal.",
        "Das geht gerade nicht. Bitte versuchen Sie es gleich noch einmal.",
    ),
    "clerk.session_over": Words(
        401,
        "Sie sind nicht mehr angemeldet",
        "Ihre Anmeldung ist beendet: Sie haben sich abgemeldet, waren 30 Minuten nicht aktiv, oder "
        "Ihr Zugang wurde geändert. Es wurde nichts festgehalten. Bitte melden Sie sich neu an.",
        "Sie sind nicht mehr angemeldet. Bitte melden Sie sich neu an.",
    ),
    "question.unknown": Words(
        404,
        "Diese Frage gibt es nicht",
        "Die Frage gibt es nicht, oder sie wurde zurückgezogen.",
        "Die Frage gibt es nicht, oder sie wurde zurückgezogen.",
    ),
    "question.answered": Words(
        409,
        "Die Frage ist schon beantwortet",
        "Jemand anderes war schneller. Ihre Antwort wurde nicht gespeichert.",
        "Jemand anderes war schneller. Ihre Antwort wurde nicht gespeichert.",
    ),
    "question.changed": Words(
        409,
        "Die Frage hat sich geändert",
        "Seit Sie die Seite geöffnet haben, hat sich hier etwas geändert: die Frage, die Angaben "
        "dazu oder der Vorschlag. Es wurde nichts festgehalten. Bitte sehen Sie noch einmal hin.",
        "Seit Sie die Seite geöffnet haben, hat sich etwas geändert. Es wurde nichts festgehalten.",
    ),
    "question.bad_choice": Words(
        422,
        "Diese Antwort steht nicht zur Wahl",
        "Bitte wählen Sie eine der angebotenen Antworten.",
        "Bitte wählen Sie eine der angebotenen Antworten.",
    ),
    "question.no_words": Words(
        422,
        "Bitte begründen Sie die Entscheidung",
        "Die Angaben dazu stehen wörtlich im Bescheid (§ 39 VwVfG).",
        "Die Angaben dazu stehen wörtlich im Bescheid (§ 39 VwVfG).",
    ),
    "question.bad_day": Words(
        422,
        "Dieser Tag passt nicht",
        "Die Behörde kann erst an einem Tag bis heute von den Tatsachen erfahren haben.",
        "Die Behörde kann erst an einem Tag bis heute von den Tatsachen erfahren haben.",
    ),
    "question.year_over": Words(
        409,
        "Die Jahresfrist ist abgelaufen",
        "Seit die Behörde die Tatsachen kennt, ist mehr als ein Jahr vergangen. Die Entscheidung "
        "ist nicht mehr zulässig (§ 48 Abs. 4 VwVfG). Es wurde nichts festgehalten.",
        "Die Jahresfrist ist abgelaufen (§ 48 Abs. 4 VwVfG). Es wurde nichts festgehalten.",
    ),
    "question.same_eyes": Words(
        409,
        "Das muss jemand anderes bestätigen",
        "Für diese Antwort gilt das Vier-Augen-Prinzip. Wer sie gegeben hat, kann sie nicht selbst "
        "bestätigen.",
        "Für diese Antwort gilt das Vier-Augen-Prinzip. Wer sie gegeben hat, kann sie nicht selbst "
        "bestätigen.",
    ),
}
NOT_FOUND = Words(
    404,
    "Diese Seite gibt es nicht",
    "Vielleicht fehlt ein Teil der Adresse, oder sie gilt nicht mehr.",
    "Vielleicht fehlt ein Teil der Adresse.",
)
TOO_LARGE = Words(
    413,
    "Das ist zu viel Text",
    "So viel können wir auf einmal nicht annehmen. Es wurde nichts gespeichert.",
    "Das ist zu viel Text. Wir haben nichts gespeichert.",
)
BAD_INPUT = Words(
    422,
    "Diese Eingabe können wir nicht lesen",
    "Es wurde nichts gespeichert. Bitte gehen Sie zurück und versuchen Sie es noch einmal.",
    "Wir haben nichts gespeichert. Bitte versuchen Sie es noch einmal.",
)
UNREACHABLE = Words(
    503,
    "Im Moment nicht möglich",
    "Wir erreichen unsere Datenbank gerade nicht. Es wurde nichts gespeichert. Bitte versuchen Sie "
    "es in einigen Minuten noch einmal.",
    "Das geht gerade nicht. Wir haben nichts gespeichert. Bitte versuchen Sie es später noch "
    "einmal.",
)
BROKEN = Words(
    500,
    "Bei uns ist ein Fehler aufgetreten",
    "Wir haben ihn vermerkt. Ob Ihre Antwort gespeichert ist, sehen Sie, wenn Sie Ihr Schreiben "
    "noch einmal öffnen.",
    "Bei uns ist ein Fehler passiert. Öffnen Sie den Brief noch einmal. Dann sehen Sie, ob Ihre "
    "Antwort da ist.",
)
_OF_STATUS = {404: NOT_FOUND, 405: NOT_FOUND, 413: TOO_LARGE}


def for_status(status: int) -> Words:
    return replace(_OF_STATUS.get(status, BAD_INPUT), status=status)


def words(code: str) -> Words:
    """Raises KeyError for a code that no page has words for: a fault of ours."""
    return _WORDS[code]
