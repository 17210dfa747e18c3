"""Where anything waits: one question about all municipalities, before a run looks at any."""

from datetime import date

from sqlalchemy import select, union
from sqlmodel import Session, col

from tasks.state import cases
from tasks.state.tables import CaseRow, Delivery, DeltaRow, LetterRow, ReplyRow


def with_work(session: Session, day: date) -> set[str]:
    """Municipalities with something to link, decide, carry out, tell, send, take up or report.

    Rather one too many than one too few: whoever is named here is looked at in full, so this may
    leave out services, channels, and whether a refused delivery still matters.
    """
    waits = (
        (DeltaRow, col(DeltaRow.linked).is_(False)),
        (CaseRow, cases.at_work(day)),
        (LetterRow, col(LetterRow.status).in_(["ready", "claimed"])),
        (ReplyRow, col(ReplyRow.status) == "recorded"),
        (Delivery, col(Delivery.status) == "rejected"),
    )
    found = union(*(select(col(table.municipality)).where(what) for table, what in waits))
    return set(session.execute(found).scalars())
