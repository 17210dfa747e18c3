"""The history of what was done in records, written to the resident, and answered."""

from collections.abc import Iterator
from datetime import datetime

from tasks.domain.case import Status
from tasks.history.lines import (
    REPLIES,
    UNRECORDED,
    Entry,
    View,
    document,
    effect_words,
    flat,
    quoted,
    who_of,
)
from tasks.state.tables import CaseRow, EffectRow, History, LetterRow, ReplyRow, SectionRow

_SCOPES = {
    "case": "for this case only",
    "service": "for this service in future",
    "information": "for every service that only informs",
}
UNDONE = "undone"  # the code of a letter that was stopped because its case was undone
_LETTER_CODES = {"channel.uncertain": "nobody knows whether it has left"}


def effects(view: View, case: CaseRow) -> Iterator[Entry]:
    for row in view.mine(view.chain.effects, case):
        yield _done(row, case)


def _done(row: EffectRow, case: CaseRow) -> Entry:
    effect, inverse, result = (document(text) for text in (row.effect, row.inverse, row.result))
    details = [f"key {row.key}"]
    if data := flat(effect.get("data", {})):
        details.append(f"with {data}")
    if result:
        details.append(f"the record system answered: {flat(result)}")
    if inverse:
        details.append(f"is taken back by {effect_words(inverse)}")
    what = f"{row.kind} was carried out on record {row.record}"
    ref = f"effect:{row.key}"
    return Entry(row.done_at, case.id, "effect", ref, "pipeline", what, tuple(details))


def letters(view: View, case: CaseRow) -> Iterator[Entry]:
    written = [
        move
        for move in view.mine(view.chain.history, case)
        if move.new == Status.LETTERED and move.old == Status.ACTED
    ]
    for position, section in enumerate(view.mine(view.chain.sections, case)):
        letter = view.chain.letters[section.letter_id]
        move = written[position] if position < len(written) else None
        yield from _letter(view, case, letter, section, move)


def _letter(
    view: View, case: CaseRow, row: LetterRow, section: SectionRow, move: History | None
) -> Iterator[Entry]:
    at = move.at if move else row.claimed_at or row.handed_over_at or view.midnight(row.dated)
    channel = f"channel {row.channel}"
    to = row.recipient or ", ".join(row.addressee.splitlines())
    others = [
        other.case_id
        for other in view.chain.sections
        if other.letter_id == row.id and other.case_id != case.id
    ]
    details = [f"dated {row.dated}, {row.pages} page(s), by {row.channel}"]
    details += [f"to {to}"] if to else []
    details += [f"subject: {row.subject}"] if row.subject else []
    details += [f"tells of case {other}, too" for other in others]
    if section.token_expires:
        details.append(f"its link and code for a reply are valid until {section.token_expires}")
    details += [] if move else [UNRECORDED]
    run = move.run if move else ""
    ref, what = f"letter:{row.id}", f"letter {row.id} was written"
    yield Entry(at, case.id, "letter", ref, "pipeline", what, tuple(details), run)
    if row.claimed_at:
        tries = f", attempt {row.attempts}" if row.attempts > 1 else ""
        what = f"letter {row.id} was claimed for hand-over{tries}"
        ref = f"letter:{row.id}:claimed"
        yield Entry(row.claimed_at, case.id, "letter_claimed", ref, channel, what)
    if entry := _settled(view, case, row, at):
        yield entry


def _settled(view: View, case: CaseRow, row: LetterRow, written: datetime) -> Entry | None:
    """What became of a letter. Only the last word is stored; moves of the case tell earlier."""
    ref = f"letter:{row.id}:settled"
    if row.handed_over_at:
        what = f"letter {row.id} was handed over as {row.reference}"
        who = f"channel {row.channel}"
        return Entry(row.handed_over_at, case.id, "letter_settled", ref, who, what)
    if row.status in ("ready", "claimed") and not row.code:
        return None
    moved = [
        move
        for move in view.mine(view.chain.history, case)
        if (row.code and move.code == row.code and move.old == Status.LETTERED)
        or (row.code == UNDONE and move.new == Status.UNDONE)
    ]
    at = moved[-1].at if moved else row.claimed_at or written
    who = who_of(moved[-1].by) if moved else f"channel {row.channel}"
    if row.status == "held_back":
        who, what = "profile", f"letter {row.id} was held back: test mode"
    elif row.status == "ready":
        what = f"letter {row.id} could not leave yet ({row.code})"
    else:
        gloss = _LETTER_CODES.get(row.code)
        why = f"{row.code}: {gloss}" if gloss else row.code
        what = f"letter {row.id} is {row.status} ({why})"
    details = () if moved else (UNRECORDED,)
    return Entry(at, case.id, "letter_settled", ref, who, what, details)


def tokens(view: View, case: CaseRow, last: datetime) -> Iterator[Entry]:
    for section in view.mine(view.chain.sections, case):
        status = section.token_status
        if status == "valid" and not section.failures:
            continue
        tries = f" after {section.failures} wrong birth dates" if section.failures else ""
        what = f"the reply link and code of letter {section.letter_id}: {status}{tries}"
        ref, who = f"token:{section.id}", "replies page" if status != "revoked" else "pipeline"
        yield Entry(last, case.id, "token", ref, who, what, (UNRECORDED,))


def replies(view: View, case: CaseRow) -> Iterator[Entry]:
    for row in view.mine(view.chain.replies, case):
        yield _reply(view, row)


def _reply(view: View, row: ReplyRow) -> Entry:
    details = [f"received on {row.received_on}"]
    details += [
        f"leaves this person alone from {opt_out.since}: {opt_out.service or 'informing'}"
        for opt_out in view.chain.opt_outs
        if opt_out.reply_id == row.id
    ]
    details += ["not taken up yet"] if row.status == "recorded" else []
    details += quoted(row.text)
    phone = f"resident, taken down by clerk {row.recorded_by} ({row.via})"
    kind, scope = REPLIES.get(row.kind, row.kind), _SCOPES.get(row.scope, row.scope)
    return Entry(
        row.at,
        row.case_id,
        "reply",
        f"reply:{row.id}",
        phone if row.recorded_by else f"resident ({row.via})",
        f"replied ({row.id}): {kind}; {scope}",
        tuple(details),
    )


def opt_outs(view: View, case: CaseRow, last: datetime) -> Iterator[Entry]:
    """Those of other chains: what a case met, or was stopped by."""
    own = {row.id for row in view.chain.replies}
    for row in view.chain.opt_outs:
        at = view.midnight(row.since)
        if row.reply_id in own or at > last:
            continue
        of = row.service or "every service that only informs"
        ref, what = f"opt_out:{row.service}", f"wants to be left alone by {of}"
        by = (f"by reply {row.reply_id}",) if row.reply_id else ()
        yield Entry(at, case.id, "opt_out", ref, "resident", what, by)
