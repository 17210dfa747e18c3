"""What we remember. Every row belongs to a municipality; ids that leave the database are opaque.

    delivery ─< delta >─ person          what the registry said
                  │
                case ─< decision          one service looked at one delta (or at one day)
                  ├──< effect             what it changed in a municipal record, with its inverse
                  ├──< question ─< answer what a clerk must answer, and did
                  ├──< section >─ letter  what the resident was told, one letter a life event
                  └──< reply ─ case       what the resident answered, and the case that follows it

Enumerations are stored as text, documents (snapshots, decisions) as JSON text in our own words.
"""

from datetime import UTC as ZONE
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Column,
    DateTime,
    Dialect,
    Index,
    LargeBinary,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel


class _Utc(TypeDecorator[datetime]):
    """A moment with its time zone: SQLite keeps none, PostgreSQL answers in the session's."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(ZONE) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(ZONE) if value.tzinfo else value.replace(tzinfo=ZONE)


UTC = _Utc


class Delivery(SQLModel, table=True):
    """One numbered delivery of a registry; a rejected one keeps its number and may come again."""

    __table_args__ = (UniqueConstraint("municipality", "source", "number"),)

    id: int | None = Field(default=None, primary_key=True)
    municipality: str = Field(index=True)
    source: str  # "xmeldit"
    number: int
    kind: str  # full | delta
    status: str  # accepted | rejected
    code: str = ""  # why it was rejected
    packets: int = 0
    content_hash: str = ""  # SHA-256 over the packets' bytes: the same delivery may be sent again
    records_read: int = 0
    records_rejected: int = 0
    attempts: int = 1
    received_on: date
    created_at: datetime = Field(sa_type=UTC)


class Cursor(SQLModel, table=True):
    """The last accepted delivery number. Moves in the same transaction as the rows."""

    municipality: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    number: int


class Quarantine(SQLModel, table=True):
    """One bad record of an accepted delivery, kept as delivered until a person has looked at it."""

    id: int | None = Field(default=None, primary_key=True)
    municipality: str = Field(index=True)
    delivery_id: int = Field(foreign_key="delivery.id")
    packet: int
    position: int
    event: str
    event_time: datetime | None = Field(default=None, sa_type=UTC)
    ags: str = ""
    number: str = ""  # Ordnungsmerkmal, where it could be read
    code: str
    sheet: str = ""  # DSMeld sheet of the field
    raw: bytes = Field(sa_column=Column(LargeBinary))


class PersonRow(SQLModel, table=True):
    """The mirror: the last snapshot of a person, only what services need."""

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("municipality", "ags", "number"),)

    id: str = Field(primary_key=True)
    municipality: str
    ags: str
    number: str  # Ordnungsmerkmal
    born: str = Field(default="", index=True)  # finds everyone whom a permit may be confused with
    snapshot: str = Field(sa_column=Column(Text))
    gone: bool = False  # deleted from the register; the last snapshot stays until it is forgotten
    full_no: int = 0  # the last full delivery that named the person
    missing: str = ""  # event sign of the delta that says they were not in one
    told: str = ""  # hash of the last record that told their state: the same again is nothing new


class DeltaRow(SQLModel, table=True):
    """One change. `id` grows in the order of the registry's events."""

    __tablename__ = "delta"
    __table_args__ = (
        UniqueConstraint("municipality", "source", "delivery_no", "packet", "position", "part"),
        Index("delta_to_link", "municipality", "linked"),
        Index("delta_of_person", "person_id", "id"),
        Index("delta_by_sign", "municipality", "event"),
    )

    id: int | None = Field(default=None, primary_key=True)
    municipality: str
    source: str
    delivery_no: int
    packet: int
    position: int
    part: int = 0  # above 0: what the record says before its last word
    event: str  # ereignis.zeichen
    event_time: datetime = Field(sa_type=UTC)
    received_on: date
    kind: str
    reason_code: str
    compared: bool = False  # found by comparison: the registry told a state, and no event
    content: str = ""  # hash of what the event said, by which the same one is known again
    reverses: str = ""  # event sign of the delta it takes back
    address_changed: bool = False
    person_id: str = Field(foreign_key="person.id")
    before: str | None = Field(default=None, sa_column=Column(Text))
    after: str | None = Field(default=None, sa_column=Column(Text))
    linked: bool = False


class ServiceStart(SQLModel, table=True):
    """Since when a service is on, and the first day whose changes are its to look at."""

    __tablename__ = "service_start"

    municipality: str = Field(primary_key=True)
    service: str = Field(primary_key=True)
    since: date
    reaches_to: date


class RecordLink(SQLModel, table=True):
    """A municipal record that belongs, or may belong, to a person."""

    __tablename__ = "record_link"

    municipality: str = Field(primary_key=True)
    records: str = Field(primary_key=True)  # parking_permits
    record: str = Field(primary_key=True)  # the record's own number
    person_id: str = Field(primary_key=True, foreign_key="person.id", index=True)
    by: str
    score: int


class CaseRow(SQLModel, table=True):
    """One service looks at one delta, or at one person on one day (`trigger_date`).

    A case may follow another one up: a resident's reply to it, or a clerk's answer to a part of it.
    It has the same delta, and its own way through the pipeline.
    """

    __tablename__ = "case"
    __table_args__ = (
        UniqueConstraint("delta_id", "service", "cause"),
        UniqueConstraint("person_id", "service", "trigger_date", "cause"),
        Index("case_work", "municipality", "status", "service"),
        Index("case_of_person", "person_id", "service"),
    )

    id: str = Field(primary_key=True)  # opaque: the only name of a case that Prefect may know
    municipality: str
    service: str
    person_id: str = Field(foreign_key="person.id")
    delta_id: int | None = Field(default=None, foreign_key="delta.id")
    trigger_date: date | None = None
    status: str
    outcome: str = ""
    code: str = ""  # why the case stands where it stands
    failed_step: str = ""
    settles_on: date  # nothing is done before: corrections come within days
    due_on: date  # decided (again) on this day at the earliest
    decided_on: date | None = None
    recheck: bool = False  # something new is known about the person
    acting: bool = False  # effects may have reached the record system: not decided anew
    notify: bool = False
    follows: str = Field(default="", index=True)  # the case that this one follows up
    cause: str = ""  # why it does: "reply:r-…", "answer:a-…"; "" for the case of the delta itself
    prompted: bool = False  # a resident or a clerk waits for it: `apply_replies` takes it up, too
    attempts: int = 0
    run: str = ""  # the run that touched it last
    created_at: datetime = Field(sa_type=UTC)
    updated_at: datetime = Field(sa_type=UTC)
    forgotten_on: date | None = None  # its personal data is gone: what is left is statistics


class DecisionRow(SQLModel, table=True):
    """One decision on a case, with the situation it was made on: replayable."""

    __tablename__ = "decision"
    __table_args__ = (UniqueConstraint("case_id", "seq"),)

    id: int | None = Field(default=None, primary_key=True)
    municipality: str
    case_id: str = Field(foreign_key="case.id", index=True)
    seq: int
    outcome: str
    code: str
    decision: str = Field(sa_column=Column(Text))  # grounds, effects, question
    situation: str = Field(sa_column=Column(Text))  # all facts but those in the delta's row
    now_is_after: bool  # the person today is as the delta told: not stored a second time
    parameters: str = Field(sa_column=Column(Text))  # the profile's parameters and gate
    rule_version: str
    decided_by: str  # "rule" or a clerk's name
    decided_on: date  # the day the rule was asked for
    decided_at: datetime = Field(sa_type=UTC)
    run: str = ""


class EffectRow(SQLModel, table=True):
    """One change in a municipal record that was carried out. `key` travelled to that system."""

    __tablename__ = "effect"

    key: str = Field(primary_key=True)
    municipality: str
    case_id: str = Field(foreign_key="case.id", index=True)
    kind: str
    record: str
    effect: str = Field(sa_column=Column(Text))
    inverse: str = Field(sa_column=Column(Text))
    result: str = Field(default="{}", sa_column=Column(Text))
    done_at: datetime = Field(sa_type=UTC)


class QuestionRow(SQLModel, table=True):
    """What a clerk must answer: a whole case, or the part of it that a machine may not do."""

    __tablename__ = "question"
    __table_args__ = (UniqueConstraint("case_id", "code"),)

    id: int | None = Field(default=None, primary_key=True)
    municipality: str = Field(index=True)
    case_id: str = Field(foreign_key="case.id", index=True)
    code: str
    text: str
    proposal: str = Field(sa_column=Column(Text))  # effects
    choices: str = Field(default="[]", sa_column=Column(Text))  # what may be answered; first: ours
    status: str = "open"  # later (once the rest is carried out) | open | answered | withdrawn
    answered_by: str = ""
    answer: str = ""


class AnswerRow(SQLModel, table=True):
    """A clerk's answer to a question. Stays as statistics: how often was the proposal right?

    proposed (four eyes) ─► valid ─► used by the next decision of the case
             └────────────► refused by the second clerk
    """

    __tablename__ = "answer"

    id: str = Field(primary_key=True)  # a-…
    municipality: str
    case_id: str = Field(foreign_key="case.id", index=True)
    question_id: int = Field(foreign_key="question.id", index=True)
    code: str  # of the question
    proposal: str = ""  # name of the choice that was proposed first
    choice: str  # name of the choice that was taken
    status: str  # proposed | valid | refused
    by: str  # sign (Zeichen) of the clerk
    via: str  # page | prefect | shell
    at: datetime = Field(sa_type=UTC)
    confirmed_by: str = ""
    confirmed_at: datetime | None = Field(default=None, sa_type=UTC)
    note: str = Field(default="", sa_column=Column(Text))  # the clerk's own words; forgotten later
    stated: str = Field(default="{}", sa_column=Column(Text))  # why a right is taken away; likewise


class ReplyRow(SQLModel, table=True):
    """What a resident answered to a letter, once a case and kind: recorded, taken up later."""

    __tablename__ = "reply"
    __table_args__ = (
        UniqueConstraint("case_id", "kind"),
        Index("reply_work", "municipality", "status"),
    )

    id: str = Field(primary_key=True)  # r-…: printed on the receipt
    municipality: str
    case_id: str = Field(foreign_key="case.id", index=True)
    section_id: int = Field(foreign_key="section.id", index=True)
    kind: str
    scope: str
    text: str = Field(default="", sa_column=Column(Text))  # the resident's own words
    via: str = "page"  # page | phone
    recorded_by: str = ""  # sign of the clerk at the phone
    status: str = "recorded"  # recorded | taken_up
    at: datetime = Field(sa_type=UTC)
    received_on: date  # in the municipality's time zone


class OptOut(SQLModel, table=True):
    """Whom a service leaves alone (DSGVO Art. 21): one service, or "" for all that only inform."""

    __tablename__ = "opt_out"

    municipality: str = Field(primary_key=True)
    person_id: str = Field(primary_key=True, foreign_key="person.id")
    service: str = Field(primary_key=True)
    since: date
    reply_id: str = ""


class Clerk(SQLModel, table=True):
    """Who may answer questions on the clerks' page. `sign` is a Zeichen, not a name."""

    municipality: str = Field(primary_key=True)
    sign: str = Field(primary_key=True)
    name: str = ""  # as letters print it, for no other use
    password: str  # scrypt, with salt and parameters
    active: bool = True
    created_at: datetime = Field(sa_type=UTC)


class PageSession(SQLModel, table=True):
    """Who is at a page: a clerk who logged in, or a resident who gave the birth date."""

    __tablename__ = "page_session"

    digest: str = Field(primary_key=True)  # of the secret in the cookie
    municipality: str
    clerk: str = ""  # sign
    door: str = ""  # s-…, the section whose link or code was used, and a mark of these
    since: datetime = Field(sa_type=UTC)
    last_used: datetime = Field(sa_type=UTC)


class LetterRow(SQLModel, table=True):
    """The outbox. Rendered and stored before any channel is called.

    ready ─► claimed ─► handed_over            claimed by a process that died ─► uncertain
      ├────► held_back (test mode)             ready ─► failed (a person must look)
      └────► stopped (re-check before sending)
    """

    __tablename__ = "letter"
    __table_args__ = (
        UniqueConstraint("person_id", "life_event", "purpose"),
        Index("letter_work", "municipality", "status"),
    )

    id: str = Field(primary_key=True)
    municipality: str
    person_id: str = Field(foreign_key="person.id")
    life_event: str  # "delta:17", or "date:2026-11-23:identity_card"
    purpose: str  # "notice:" or the cause of the cases, and the services it tells of
    status: str = "ready"
    code: str = ""
    channel: str  # email | post
    recipient: str = ""  # e-mail address
    addressee: str = ""  # name and address as printed: looked at again before sending
    subject: str = ""
    text: str = Field(default="", sa_column=Column(Text))
    html: str = Field(default="", sa_column=Column(Text))
    pdf: bytes = Field(default=b"", sa_column=Column(LargeBinary))
    pages: int = 1
    prompted: bool = False  # as in CaseRow
    reference: str = ""  # Message-ID or file name
    attempts: int = 0
    dated: date
    claimed_at: datetime | None = Field(default=None, sa_type=UTC)
    handed_over_at: datetime | None = Field(default=None, sa_type=UTC)


class SectionRow(SQLModel, table=True):
    """One case's part of a letter, with its own way to answer."""

    __tablename__ = "section"
    __table_args__ = (UniqueConstraint("case_id", "purpose"),)

    id: int | None = Field(default=None, primary_key=True)
    municipality: str
    letter_id: str = Field(foreign_key="letter.id", index=True)
    case_id: str = Field(foreign_key="case.id")
    purpose: str = "notice"
    token_digest: str = Field(default="", index=True)  # of the reply link's secret
    short_code_digest: str = Field(default="", index=True)  # of the code to type from paper
    token_expires: date | None = None
    token_status: str = "valid"  # noqa: S105  | locked (wrong birth dates) | revoked
    failures: int = 0  # wrong birth dates so far


class History(SQLModel, table=True):
    """Who moved a case from where to where, when and why. Never changed, only added to."""

    id: int | None = Field(default=None, primary_key=True)
    municipality: str
    case_id: str = Field(foreign_key="case.id", index=True)
    at: datetime = Field(sa_type=UTC)
    old: str
    new: str
    code: str = ""
    by: str = ""  # "rule", "pipeline", "admin: <reason>", …
    run: str = ""


def row(model: SQLModel) -> dict[str, Any]:
    """A row as a plain mapping for a bulk insert (one statement for a whole batch)."""
    return model.model_dump(exclude={"id"} if getattr(model, "id", "") is None else None)
