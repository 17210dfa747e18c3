"""Send: hands stored letters to their channels.

    ready ─► claimed (committed) ─► the channel ─► handed_over

A letter found claimed belongs to a process that died, since this process holds the municipality's
lock. A channel that is exact by name (the print spool) is asked what it has; for any other the
letter is *uncertain* and waits for a person: it may be in the resident's inbox already.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from functools import partial
from zoneinfo import ZoneInfo

from tasks.breaker import Breaker
from tasks.channels import already_there, hand_over, hand_over_many
from tasks.channels.parcel import HandedOver, Parcel
from tasks.domain.case import Status, Step
from tasks.domain.decision import Choice, Then, needs_review
from tasks.errors import AntragslosError, ChannelUncertain, StateUnavailable
from tasks.grace import late
from tasks.municipality import Municipality, open_municipality
from tasks.settings import settings
from tasks.stage import Counts, batches, cleaned, spread, stage
from tasks.state import cases, decisions, outbox, unnoted
from tasks.state.database import Session, reading, utcnow, writing
from tasks.state.outbox import Outcome
from tasks.state.tables import CaseRow, LetterRow
from tasks.still_true import what_forbids

EMAIL, POST = "email", "post"
PATIENCE = (1, 5, 15)  # seconds between tries to note what became of an e-mail
# What a clerk may do about a letter that was stopped; carried out in tasks/state/answers.py.
STOPPED = (
    Choice("letter:keep", "The letter never leaves; the resident was told in another way."),
    Choice("letter:send", "The letter leaves after all, if nothing forbids it by then.", Then.DO),
)


@stage("send {channel} · {municipality}", retries=2, delays=(5, 30))
def send_letters(
    municipality: str, channel: str, ids: Sequence[str], today: date, run: str
) -> Counts:
    """Counts: handed_over, held_back (test mode), stopped, uncertain, failed, quiet; and where the
    channel was in the way, waiting_letters and `stopped:<code>`."""
    return send(open_municipality(municipality, settings()), channel, ids, today, run)


def to_send(town: Municipality, channel: str, prompted: bool = False) -> list[str]:
    with reading(town.engine) as session:
        return outbox.ids_ready(session, town.slug, channel, prompted)


def recover_claims(town: Municipality, run: str) -> Counts:
    """Letters that a dead process had in hand. Call only while holding the municipality's lock."""
    with writing(town.engine) as session:
        lost = outbox.claimed(session, town.slug, EMAIL)
        known = unnoted.read(town.folder)
        _settle_known(session, {one: known[one] for one in lost if one in known}, run)
        lost = [letter_id for letter_id in lost if letter_id not in known]
        _note_uncertain(session, lost, run)
        there = _find_in_spool(town, session, run)
    unnoted.forget(town.folder)
    return +Counts(uncertain=len(lost), handed_over=there)


def _settle_known(session: Session, known: Mapping[str, Outcome], run: str) -> None:
    outbox.settle(session, known)
    gone = [letter_id for letter_id, outcome in known.items() if outcome.status == "handed_over"]
    told = outbox.cases_of(session, gone)
    _move_on(session, [case for found in told.values() for case in found], run)


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
    outbox.settle(
        session,
        {
            letter.id: Outcome("handed_over", reference=f"{letter.id}.pdf")
            if letter.id in there
            else Outcome("ready")
            for letter in letters
        },
    )
    told = outbox.cases_of(session, there)
    lettered = [case for found in told.values() for case in found if case.status == Status.LETTERED]
    _move_on(session, lettered, run)
    return len(there)


def send(town: Municipality, channel: str, ids: Sequence[str], today: date, run: str) -> Counts:
    """All letters of a channel and run: a channel that is in the way is left, and they wait."""
    if channel == EMAIL and _is_quiet(town):
        return Counts(quiet=len(ids))
    rules = town.profile.channels
    breaker = Breaker(rules.give_up_after, rules.run_seconds)
    work = partial(_work, town, channel, breaker, today, run)
    counts: Counts = Counts()
    try:
        for part in batches(ids, town.settings.batch_size):
            counts += spread(town.folder, Step.SEND, part, work, partial(_park, town, run))
    finally:
        counts += _judge(town, ids, breaker, run)
    return counts


def _park(town: Municipality, run: str, letter_id: str, code: str) -> None:
    with writing(town.engine) as session:
        _fail(session, letter_id, code, run)


def _fail(session: Session, letter_id: str, code: str, run: str) -> None:
    told = outbox.cases_of(session, [letter_id])[letter_id]
    outbox.settle(session, {letter_id: Outcome("failed", code)})
    cases.fail(session, told, Step.SEND, {case.id: code for case in told}, run)


def _judge(town: Municipality, ids: Sequence[str], breaker: Breaker, run: str) -> Counts:
    """What becomes of the letters that did not leave, now that all others were tried."""
    verdict, left = breaker.verdict(), breaker.left
    held = [*verdict.excused, *verdict.tried, *verdict.failed]
    if not held and not left:
        return Counts()
    with writing(town.engine) as session:
        outbox.excuse(session, [one.letter_id for one in verdict.excused])
        spent = outbox.spent(session, [one.letter_id for one in verdict.tried])
        over = [*verdict.failed, *(one for one in verdict.tried if one.letter_id in spent)]
        for one in over:
            _fail(session, one.letter_id, one.code, run)
        if left:
            named = {one.letter_id for one in held}
            outbox.give_reason(session, [letter for letter in ids if letter not in named], left)
        waiting = outbox.waiting(session, ids)
    codes = {left, *waiting} - {""}
    counts = Counts({f"stopped:{code}": 1 for code in codes})
    return +(counts + Counts(failed=len(over), waiting_letters=sum(waiting.values())))


def _work(
    town: Municipality,
    channel: str,
    breaker: Breaker,
    today: date,
    run: str,
    ids: Sequence[str],
) -> Counts:
    if breaker.left:
        return Counts()
    counts: Counts = Counts()
    with writing(town.engine) as session:
        letters = outbox.load(session, ids)
        cases.hold(session, {letter.person_id for letter in letters})  # before their questions
        told = outbox.cases_of(session, [letter.id for letter in letters])
        letters = _stop_what_must_not_leave(town, session, letters, told, today, run, counts)
        letters = _without_late(session, letters, told, today)
        if town.test_mode:
            held_back = Outcome("held_back", "test_mode")
            outbox.settle(session, {letter.id: held_back for letter in letters})
            return counts + Counts(held_back=len(letters))
        parcels = [_parcel(town, letter) for letter in letters]
    hand_out = _post if channel == POST else _mail
    return counts + hand_out(town, parcels, breaker, run)


def _post(town: Municipality, parcels: Sequence[Parcel], breaker: Breaker, run: str) -> Counts:
    """Exact by name: the whole batch can be claimed, written and synced to disk at once."""
    ours = _claim(town, [parcel.letter_id for parcel in parcels])
    parcels = [parcel for parcel in parcels if parcel.letter_id in ours]
    try:
        results = hand_over_many(parcels, town.spool_url)
    except Exception:
        with writing(town.engine) as session:
            _find_in_spool(town, session, run)
        raise
    told = {parcel.letter_id: one for parcel, one in zip(parcels, results, strict=True)}
    with writing(town.engine) as session:
        counts = _note(session, told, run)
    for letter_id, result in told.items():
        _tell(breaker, letter_id, result)
    return counts


def _mail(town: Municipality, parcels: Sequence[Parcel], breaker: Breaker, run: str) -> Counts:
    """Claimed and noted one by one: a crash leaves at most one letter a worker uncertain."""
    rules = town.profile.channels

    def one(parcel: Parcel) -> Counts:
        with breaker.turn() as ours:
            # Not ours: the channel was left meanwhile, or our lock was lost with its connection,
            # and another process has the letter in hand.
            if not ours or not _claim(town, [parcel.letter_id]):
                return Counts()
            result: HandedOver | AntragslosError
            try:
                result = hand_over(
                    parcel,
                    town.mail_url,
                    timeout=rules.timeout_seconds,
                    reply_timeout=rules.answer_seconds,
                )
            except AntragslosError as error:
                result = error
            except Exception as error:
                # Whatever broke, broke while the letter may have been on its way.
                cleaned(error)
                result = ChannelUncertain("channel.uncertain", parcel.letter_id)
            _tell(breaker, parcel.letter_id, result)
        return _note_patiently(town, parcel.letter_id, result, run)

    with ThreadPoolExecutor(town.settings.send_workers) as pool:
        return sum(pool.map(one, parcels), Counts())


def _tell(breaker: Breaker, letter_id: str, result: HandedOver | AntragslosError) -> None:
    if isinstance(result, HandedOver):
        breaker.went()
    else:
        breaker.failed(letter_id, result)


def _claim(town: Municipality, ids: Sequence[str]) -> set[str]:
    with writing(town.engine) as session:
        return outbox.claim(session, ids)


def _move_on(session: Session, told: Sequence[CaseRow], run: str) -> None:
    sent = [cases.Move(case, Status.SENT, case.code, "pipeline", {}) for case in told]
    cases.move(session, sent, run)


def _note_patiently(
    town: Municipality, letter_id: str, result: HandedOver | AntragslosError, run: str
) -> Counts:
    """What the server has said must not be lost because our own database is busy: noted again and
    again, and at last in a file that the next run reads."""
    for pause in (*PATIENCE, None):
        try:
            with writing(town.engine) as session:
                return _note(session, {letter_id: result}, run)
        except StateUnavailable as error:
            problem = cleaned(error)
            if pause is not None:
                time.sleep(pause)
        except Exception as error:  # it stays claimed: the next run makes it uncertain, as it is
            return Counts({f"stopped:{cleaned(error).code}": 1, "unnoted": 1})
    if not isinstance(result, ChannelUncertain):  # that is what a claimed letter becomes anyway
        unnoted.keep(town.folder, letter_id, _outcome(result))
    return Counts({f"stopped:{problem.code}": 1, "unnoted": 1})


def _outcome(result: HandedOver | AntragslosError) -> Outcome:
    if isinstance(result, HandedOver):
        return Outcome("handed_over", "", result.reference)
    return Outcome("ready", result.code)


def _note(
    session: Session, results: Mapping[str, HandedOver | AntragslosError], run: str
) -> Counts:
    """What did not leave is ready again until it is known whose fault it was: see _judge."""
    lost = [one for one, result in results.items() if isinstance(result, ChannelUncertain)]
    _note_uncertain(session, lost, run)
    known = {one: _outcome(result) for one, result in results.items() if one not in lost}
    _settle_known(session, known, run)
    gone = sum(outcome.status == "handed_over" for outcome in known.values())
    return +Counts(uncertain=len(lost), handed_over=gone)


def _note_uncertain(session: Session, ids: Sequence[str], run: str) -> None:
    outbox.settle(session, dict.fromkeys(ids, Outcome("uncertain", "channel.uncertain")))
    told = [case for found in outbox.cases_of(session, ids).values() for case in found]
    cases.fail(session, told, Step.SEND, {case.id: "channel.uncertain" for case in told}, run)


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
        outbox.settle(session, {letter_id: Outcome("stopped", objection.code)})
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


def _without_late(
    session: Session,
    letters: Sequence[LetterRow],
    told: dict[str, list[CaseRow]],
    today: date,
) -> list[LetterRow]:
    """Those that could not be made anew wait: they say a day that would come too early."""
    earlier = [
        case.id
        for letter in letters
        for case in told[letter.id]
        if case.decided_on and case.decided_on < today
    ]
    waiting = late(session, earlier, today)
    return [one for one in letters if waiting.keys().isdisjoint(c.id for c in told[one.id])]


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
