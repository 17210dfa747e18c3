"""Send: hands stored letters to their channels.

    ready ─► claimed (committed) ─► the channel ─► handed_over

A letter found claimed belongs to a process that died, since this process holds the municipality's
lock. A channel that is exact by name (the print spool) is asked what it has; for any other the
letter is *uncertain* and waits for a person: it may be in the resident's inbox already.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from zoneinfo import ZoneInfo

from tasks.channels import already_there, hand_over, hand_over_many
from tasks.channels.parcel import HandedOver, Parcel
from tasks.domain.case import Status, Step
from tasks.domain.decision import Choice, Then, needs_review
from tasks.errors import (
    AntragslosError,
    ChannelUnavailable,
    ChannelUncertain,
    TemporaryError,
)
from tasks.municipality import Municipality, open_municipality
from tasks.settings import settings
from tasks.stage import Counts, cleaned, stage
from tasks.state import cases, decisions, outbox
from tasks.state.database import Session, reading, utcnow, writing
from tasks.state.tables import CaseRow, LetterRow
from tasks.still_true import what_forbids

EMAIL, POST = "email", "post"
_PASSING = "passing:"
# What a clerk may do about a letter that was stopped; carried out in tasks/state/answers.py.
STOPPED = (
    Choice("letter:keep", "The letter never leaves; the resident was told in another way."),
    Choice("letter:send", "The letter leaves after all, if nothing forbids it by then.", Then.DO),
)


@stage("send {channel} · {municipality}", retries=2, delays=(5, 30))
def send_letters(
    municipality: str, channel: str, ids: Sequence[str], today: date, run: str
) -> Counts:
    """Counts: handed_over, held_back (test mode), stopped, uncertain, failed, quiet, later.

    Raises ChannelUnavailable where a letter could not leave for a passing reason; all others of
    the batch were handed over first, and those that were are not touched again.
    """
    return send_batch(open_municipality(municipality, settings()), channel, ids, today, run)


def to_send(town: Municipality, channel: str, prompted: bool = False) -> list[str]:
    with reading(town.engine) as session:
        return outbox.ids_ready(session, town.slug, channel, prompted)


def recover_claims(town: Municipality, run: str) -> Counts:
    """Letters that a dead process had in hand. Call only while holding the municipality's lock."""
    with writing(town.engine) as session:
        lost = outbox.claimed(session, town.slug, EMAIL)
        _note_uncertain(session, lost, run)
        there = _find_in_spool(town, session, run)
    return +Counts(uncertain=len(lost), handed_over=there)


def _find_in_spool(town: Municipality, session: Session, run: str) -> int:
    """What a manifest lists may be printed already: it has left, whatever became of the resident
    since. Only what it does not list is looked at again, and may still be stopped."""
    letters = outbox.load(session, outbox.claimed(session, town.slug, POST), "claimed")
    if not letters:
        return 0
    try:
        there = already_there({letter.id: letter.dated for letter in letters}, town.spool_url)
    except AntragslosError as error:
        cleaned(error)
        return 0  # nobody knows: they stay claimed, and the next run asks again
    for letter in letters:
        if letter.id in there:
            outbox.settle(session, letter.id, "handed_over", reference=f"{letter.id}.pdf")
        else:
            outbox.settle(session, letter.id, "ready")
    told = outbox.cases_of(session, there)
    lettered = [case for found in told.values() for case in found if case.status == Status.LETTERED]
    _move_on(session, lettered, run)
    return len(there)


def send_batch(
    town: Municipality, channel: str, ids: Sequence[str], today: date, run: str
) -> Counts:
    counts: Counts = Counts()
    if channel == EMAIL and _is_quiet(town):
        return Counts(quiet=len(ids))
    with writing(town.engine) as session:
        letters = outbox.load(session, ids)
        cases.hold(session, {letter.person_id for letter in letters})  # before their questions
        told = outbox.cases_of(session, [letter.id for letter in letters])
        letters = _stop_what_must_not_leave(town, session, letters, told, today, run, counts)
        if town.test_mode:
            for letter in letters:
                outbox.settle(session, letter.id, "held_back", "test_mode")
            return counts + Counts(held_back=len(letters))
        parcels = [_parcel(town, letter) for letter in letters]
    outcome = _post(town, parcels, run) if channel == POST else _mail(town, parcels, run)
    counts += outcome
    if passing := [code for code in counts if code.startswith(_PASSING)]:
        raise ChannelUnavailable(passing[0].removeprefix(_PASSING), f"letters:{counts[passing[0]]}")
    return counts


def _post(town: Municipality, parcels: Sequence[Parcel], run: str) -> Counts:
    """Exact by name: the whole batch can be claimed, written and synced to disk at once."""
    ours = _claim(town, [parcel.letter_id for parcel in parcels])
    parcels = [parcel for parcel in parcels if parcel.letter_id in ours]
    results = hand_over_many(parcels, town.spool_url)
    with writing(town.engine) as session:
        told = outbox.cases_of(session, [parcel.letter_id for parcel in parcels])
        pairs = list(zip(parcels, results, strict=True))
        there = [parcel.letter_id for parcel, result in pairs if isinstance(result, HandedOver)]
        for parcel, result in pairs:
            if isinstance(result, HandedOver):
                outbox.settle(session, parcel.letter_id, "handed_over", reference=result.reference)
        _move_on(session, [case for letter_id in there for case in told[letter_id]], run)
        counts = Counts(handed_over=len(there))
        for parcel, result in pairs:
            if isinstance(result, AntragslosError):
                counts += _note(session, parcel.letter_id, told[parcel.letter_id], result, run)
        return counts


def _mail(town: Municipality, parcels: Sequence[Parcel], run: str) -> Counts:
    """Claimed and noted one by one: a crash leaves at most one letter a worker uncertain."""

    def one(parcel: Parcel) -> Counts:
        if not _claim(town, [parcel.letter_id]):
            return Counts()  # our lock was lost with its connection, and another process has it
        result: HandedOver | AntragslosError
        try:
            result = hand_over(parcel, town.mail_url)
        except AntragslosError as error:
            result = error
        except Exception as error:
            # Whatever broke, broke while the letter may have been on its way.
            cleaned(error)
            result = ChannelUncertain("channel.uncertain", parcel.letter_id)
        with writing(town.engine) as session:
            told = outbox.cases_of(session, [parcel.letter_id])[parcel.letter_id]
            if isinstance(result, AntragslosError):
                return _note(session, parcel.letter_id, told, result, run)
            outbox.settle(session, parcel.letter_id, "handed_over", reference=result.reference)
            _move_on(session, told, run)
            return Counts(handed_over=1)

    with ThreadPoolExecutor(town.settings.send_workers) as pool:
        return sum(pool.map(one, parcels), Counts())


def _claim(town: Municipality, ids: Sequence[str]) -> set[str]:
    with writing(town.engine) as session:
        return outbox.claim(session, ids)


def _move_on(session: Session, told: Sequence[CaseRow], run: str) -> None:
    sent = [cases.Move(case, Status.SENT, case.code, "pipeline", {}) for case in told]
    cases.move(session, sent, run)


def _note(
    session: Session,
    letter_id: str,
    told: Sequence[CaseRow],
    result: AntragslosError,
    run: str,
) -> Counts:
    """What becomes of a letter that could not be handed over."""
    if isinstance(result, ChannelUncertain):
        _note_uncertain(session, [letter_id], run)
        return Counts(uncertain=1)
    if isinstance(result, TemporaryError) and not _given_up(session, letter_id):
        outbox.settle(session, letter_id, "ready", result.code)
        return Counts({_PASSING + result.code: 1})
    outbox.settle(session, letter_id, "failed", result.code)
    cases.fail(session, told, Step.SEND, {case.id: result.code for case in told}, run)
    return Counts(failed=1)


def _given_up(session: Session, letter_id: str) -> bool:
    letter = session.get(LetterRow, letter_id)
    return letter is not None and letter.attempts >= outbox.MAX_ATTEMPTS


def _note_uncertain(session: Session, ids: Sequence[str], run: str) -> None:
    for letter_id, told in outbox.cases_of(session, ids).items():
        outbox.settle(session, letter_id, "uncertain", "channel.uncertain")
        codes = {case.id: "channel.uncertain" for case in told}
        cases.fail(session, told, Step.SEND, codes, run)


def _stop_what_must_not_leave(
    town: Municipality,
    session: Session,
    letters: Sequence[LetterRow],
    told: dict[str, list[CaseRow]],
    today: date,
    run: str,
    counts: Counts,
) -> list[LetterRow]:
    against = what_forbids(town, session, letters, told, today)
    for letter_id, objection in against.items():
        outbox.settle(session, letter_id, "stopped", objection.code)
        choices = STOPPED[:1] if objection.for_good else STOPPED
        question = needs_review(objection.code, [], objection.text, choices=choices)
        decisions.ask_about_letters(session, [(case, question) for case in told[letter_id]])
        # Its effects were carried out: the case is not decided anew, it waits for this letter.
        kept = {"acting": True}
        stopped = [
            cases.Move(case, Status.NEEDS_REVIEW, objection.code, "rule", kept)
            for case in told[letter_id]
        ]
        cases.move(session, stopped, run)
        counts["stopped"] += 1
    return [letter for letter in letters if letter.id not in against]


def _is_quiet(town: Municipality) -> bool:
    now: datetime = utcnow().astimezone(ZoneInfo(town.profile.timezone))
    return town.profile.quiet_hours.cover(now.time())


def _parcel(town: Municipality, letter: LetterRow) -> Parcel:
    sender = town.profile.sender
    return Parcel(
        letter_id=letter.id,
        municipality=town.slug,
        created=letter.dated,
        pages=letter.pages,
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        pdf=letter.pdf,
        recipient=letter.recipient,
        sender_name=sender.name,
        sender_address=sender.address,
        reply_to=sender.reply_to,
    )
