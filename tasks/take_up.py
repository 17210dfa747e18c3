"""Take up: what residents have replied becomes cases, which go the way of all others.

The page only records a reply. Here it opens a case that follows up the one replied to; deciding it,
carrying it out, the letter and all their guarantees are those of the pipeline.
"""

from collections.abc import Sequence
from datetime import date

from tasks.domain.reply import ReplyKind, Scope
from tasks.municipality import Municipality, open_municipality
from tasks.settings import settings
from tasks.stage import Counts, stage
from tasks.state import cases, replies
from tasks.state.database import insert_missing, reading, writing
from tasks.state.tables import CaseRow, OptOut, ReplyRow


@stage("take up replies · {municipality}", retries=2, delays=(2, 10))
def take_up_replies(municipality: str, ids: Sequence[str], today: date, run: str) -> Counts:
    """Counts: replies, and opt_outs among them."""
    return take_up_batch(open_municipality(municipality, settings()), ids, today, run)


def recorded(town: Municipality) -> list[str]:
    """Ids of replies that nobody has taken up yet, in the order in which they came."""
    with reading(town.engine) as session:
        return replies.ids_recorded(session, town.slug)


def take_up_batch(town: Municipality, ids: Sequence[str], today: date, run: str) -> Counts:
    with writing(town.engine) as session:
        batch = replies.load_recorded(session, ids)
        followed = {case.id: case for case in cases.load(session, [row.case_id for row in batch])}
        out = [_opt_out(row, followed[row.case_id]) for row in batch if _leaves(row)]
        for row in batch:
            cases.open_follow_up(session, followed[row.case_id], f"reply:{row.id}", today, run)
            row.status = "taken_up"
        insert_missing(session, OptOut, out)
        # Whoever has deregistered or doubts an act must not be served a second time meanwhile.
        cases.mark_recheck(session, town.slug, {case.person_id for case in followed.values()})
    return Counts(replies=len(batch), opt_outs=len(out))


def _leaves(reply: ReplyRow) -> bool:
    """Whether the resident wants no further acts of our own motion (DSGVO Art. 21)."""
    return reply.kind == ReplyKind.OPT_OUT or reply.scope != Scope.CASE


def _opt_out(reply: ReplyRow, case: CaseRow) -> dict[str, object]:
    return OptOut(
        municipality=case.municipality,
        person_id=case.person_id,
        service="" if reply.scope == Scope.INFORMATION else case.service,
        since=reply.received_on,
        reply_id=reply.id,
    ).model_dump()
