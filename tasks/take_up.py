"""Take up: what residents have replied becomes cases, which go the way of all others.

The page only records a reply. Here it opens a case that follows up the one replied to; deciding it,
carrying it out, the letter and all their guarantees are those of the pipeline.
"""

from collections.abc import Sequence
from datetime import date
from functools import partial

from tasks.domain.case import Step
from tasks.domain.reply import Scope
from tasks.errors import NO_CASE, PermanentError
from tasks.municipality import Municipality, open_municipality
from tasks.settings import settings
from tasks.stage import Counts, spread, stage
from tasks.state import cases, replies
from tasks.state.database import Row, insert_missing, reading, writing
from tasks.state.tables import CaseRow, OptOut, ReplyRow


@stage("take up replies · {municipality}", retries=2, delays=(2, 10))
def take_up_replies(municipality: str, ids: Sequence[str], today: date, run: str) -> Counts:
    """Counts: replies, and the services that were left by them (opt_outs)."""
    return take_up_batch(open_municipality(municipality, settings()), ids, today, run)


def recorded(town: Municipality) -> list[str]:
    """Ids of replies that nobody has taken up yet, in the order in which they came."""
    with reading(town.engine) as session:
        return replies.ids_recorded(session, town.slug)


def take_up_batch(town: Municipality, ids: Sequence[str], today: date, run: str) -> Counts:
    work, park = partial(_take_up, town, today, run), partial(_park, town, today, run)
    return spread(town.folder, "take up replies", ids, work, park)


def _park(town: Municipality, today: date, run: str, reply_id: str, code: str) -> None:
    """The case that would follow the reply up fails, so that somebody looks at both."""
    with writing(town.engine) as session:
        (reply,) = replies.load_recorded(session, [reply_id])
        (followed,) = cases.load(session, [reply.case_id])
        case = cases.open_follow_up(session, followed, f"reply:{reply.id}", today, run)
        reply.status = "taken_up"
        cases.fail(session, [case], Step.DECIDE, {case.id: code}, run)


def _take_up(town: Municipality, today: date, run: str, ids: Sequence[str]) -> Counts:
    with writing(town.engine) as session:
        batch = replies.load_recorded(session, ids)
        followed = {case.id: case for case in cases.load(session, [row.case_id for row in batch])}
        out = [
            _opt_out(row, followed[row.case_id], service)
            for row in batch
            for service in _left(row, followed[row.case_id])
        ]
        for row in batch:
            cases.open_follow_up(session, followed[row.case_id], f"reply:{row.id}", today, run)
            row.status = "taken_up"
        insert_missing(session, OptOut, out)
        # Whoever has deregistered or doubts an act must not be served a second time meanwhile.
        cases.mark_recheck(session, town.slug, {case.person_id for case in followed.values()})
    return Counts(replies=len(batch), opt_outs=len(out))


def _left(reply: ReplyRow, case: CaseRow) -> tuple[str, ...]:
    """The services that shall not act of our own motion any more (DSGVO Art. 21); "": all that only
    inform."""
    match Scope(reply.scope):
        case Scope.SERVICE:
            return (case.service,)
        case Scope.INFORMATION:
            return (case.service, "")
        case _:
            return ()


def _opt_out(reply: ReplyRow, case: CaseRow, service: str) -> Row:
    return {
        "municipality": case.municipality,
        "person_id": case.person_id,
        "service": service,
        "since": reply.received_on,
        "reply_id": reply.id,
    }


def opt_in(town: Municipality, case_id: str, reason: str) -> list[str]:
    """Takes back the opt-outs of the case's person from its service and from mere information.

    Returns their names. Raises PermanentError where the municipality has no such case.
    """
    with writing(town.engine) as session:
        (case,) = cases.load(session, [case_id]) or (None,)
        if case is None or case.municipality != town.slug:
            raise PermanentError("case.unknown", case_id, NO_CASE)
        return replies.opt_in(session, case, f"admin: {reason}")
