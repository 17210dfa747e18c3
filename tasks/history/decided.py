"""The history of decisions: the records, facts and answers they stand on; clerks' questions."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from tasks.domain.case import Status
from tasks.domain.decision import Decision, Outcome, Question
from tasks.domain.record import Link
from tasks.domain.service import Situation
from tasks.history.lines import (
    REPLIES,
    UNRECORDED,
    Entry,
    View,
    closes_question,
    decision_ref,
    document,
    documents,
    effect_words,
    flat,
    quoted,
    stored_decision,
    who_of,
)
from tasks.state.documents import SITUATION
from tasks.state.tables import AnswerRow, CaseRow, DecisionRow, QuestionRow

_FACTS = {
    "now": "the person's data",
    "links": "the linked records",
    "areas_before": "the zone of the old address",
    "areas_after": "the zone of the new address",
    "later": "later events",
    "answers": "a clerk's answer",
}


@dataclass(frozen=True, slots=True)
class _Turn:
    """From `at` on, this question stands. `rest`: only once the case's effects are carried out."""

    at: datetime
    who: str
    run: str
    code: str = ""
    asked: Question | None = None  # as it was then: the row holds how it was asked last
    rest: bool = False
    opens_rest: bool = False
    letter: bool = False  # a letter was stopped, or is settled: what was left of the case waits
    unrecorded: bool = False


def links(view: View, case: CaseRow) -> Iterator[Entry]:
    """The records that decisions stood on. Links keep no moment: told where first looked at."""
    seen: set[tuple[str, str]] = set()
    rows = view.mine(view.chain.decisions, case)
    for position, row in enumerate(rows):
        situation = _situation(row)
        for link in situation.links if situation else ():
            if (link.permit.number, link.by) in seen:
                continue
            seen.add((link.permit.number, link.by))
            at = row.decided_at if position else case.created_at
            yield _link(case, at, link.permit.number, link.by, _permit(link))
    if rows:
        return
    for found in view.chain.links:
        yield _link(case, case.created_at, found.record, found.by, ())


def _link(case: CaseRow, at: datetime, record: str, by: str, details: Sequence[str]) -> Entry:
    similar = " (similar only: not decided on)" if by == "suggested" else ""
    what = f"record {record} is linked to this person by {by}{similar}"
    ref = f"link:{record}:{by}"  # told once, also where a whole chain is told
    return Entry(at, case.id, "link", ref, "pipeline", what, tuple(details))


def decisions(view: View, case: CaseRow) -> Iterator[Entry]:
    before: Situation | None = None
    for row in view.mine(view.chain.decisions, case):
        situation, decision = _situation(row), stored_decision(row)
        details = [f"decided for the day {row.decided_on}, {_replayed(view, row)}"]
        if before and situation:
            details.append(f"new since the last decision: {_news(before, situation)}")
        if situation:
            details += _people_behind(situation)
        if decision:
            details += _grounds(decision)
            details += [
                f"asks for {effect.kind} {effect.record} {flat(effect.data)}".rstrip()
                for effect in decision.effects
            ]
            if decision.undoes:
                details.append("undoes the case that this one is about")
            if decision.until:
                details.append(f"is decided again on {decision.until}")
        again = " again" if row.seq > 1 else ""
        yield Entry(
            row.decided_at,
            case.id,
            "decision",
            decision_ref(row),
            _decider(row, case),
            f"decided{again} (decision {row.seq}): {row.outcome} ({row.code})",
            tuple(details),
            row.run,
        )
        before = situation


def _replayed(view: View, row: DecisionRow) -> str:
    return {
        True: "replays to the same",
        False: "DOES NOT REPLAY to the same",
        None: "cannot be replayed: its facts were removed or are of another form",
    }[view.replays.get(decision_ref(row))]


def questions(view: View, case: CaseRow) -> Iterator[Entry]:
    """Questions keep no moment: they arise and go with decisions, and with stopped letters."""
    rows = {row.code: row for row in view.mine(view.chain.questions, case)}
    asked: set[str] = set()
    open_now: QuestionRow | None = None
    aside: QuestionRow | None = None  # what was left waits while a letter is asked about
    since = case.created_at
    for turn in _turns(view, case):
        if open_now and _answered(view, open_now, since, turn.at):
            open_now = None
        if turn.opens_rest:
            if open_now:
                yield _opened_rest(open_now, turn)
            continue
        if turn.letter and turn.code:
            aside, open_now = open_now, None
        if open_now and turn.code != open_now.code:
            yield _withdrawn(open_now, turn)
            open_now = None
        if open_now is None and turn.code in rows:
            open_now, since = rows[turn.code], turn.at
            yield _asked(open_now, turn, again=turn.code in asked)
            asked.add(turn.code)
        if aside and turn.letter and not turn.code:
            yield _opened_rest(aside, turn)
            aside, open_now, since = None, aside, turn.at
        elif aside and not turn.letter:
            yield _withdrawn(aside, turn)
            aside = None
    last = max((row.decided_at for row in view.mine(view.chain.decisions, case)), default=None)
    for row in rows.values():
        if row.code not in asked:
            turn = _Turn(last or case.created_at, "rule", "", row.code, unrecorded=True)
            yield _asked(row, turn, again=False)


def _turns(view: View, case: CaseRow) -> list[_Turn]:
    """When another question began to stand, or none."""
    turns = []
    for row in view.mine(view.chain.decisions, case):
        decision = stored_decision(row)
        question = decision.question if decision else None
        code = question.code if question else ""
        if decision is None and row.outcome == Outcome.NEEDS_REVIEW:
            code = row.code  # forgotten; what a granted case left to clerks is not known
        rest = row.outcome == Outcome.GRANTED
        who = _decider(row, case)
        turns.append(_Turn(row.decided_at, who, row.run, code, question, rest=rest))
    for move in view.mine(view.chain.history, case):
        who = who_of(move.by)
        if move.old == Status.LETTERED and move.new == Status.NEEDS_REVIEW:
            turns.append(_Turn(move.at, who, move.run, move.code, letter=True))
        elif move.new == Status.ACTED and move.old == Status.GRANTED:
            turns.append(_Turn(move.at, who, move.run, opens_rest=True))
        elif move.old == Status.NEEDS_REVIEW and move.new in (Status.LETTERED, Status.CLOSED):
            turns.append(_Turn(move.at, who, move.run, letter=True))
        elif move.new == Status.UNDONE:
            turns.append(_Turn(move.at, who, move.run))
    return sorted(turns, key=lambda turn: turn.at)


def _answered(view: View, question: QuestionRow, since: datetime, until: datetime) -> bool:
    """An answer that took effect is a line of the history, also where one was for several."""
    return any(
        closes_question(move) and move.code == question.code and since <= move.at <= until
        for move in view.chain.history
        if move.case_id == question.case_id
    )


def _asked(row: QuestionRow, turn: _Turn, again: bool) -> Entry:
    text, proposal, choices = row.text, documents(row.proposal), documents(row.choices)
    if turn.asked:
        text = turn.asked.text
        proposal = [asdict(effect) for effect in turn.asked.proposal]
        choices = [asdict(choice) for choice in turn.asked.choices]
    details = [f"proposal: {effect_words(effect)}" for effect in proposal]
    details += [f"may be answered: {choice['name']}: {choice['text']}" for choice in choices]
    details += [UNRECORDED] if turn.unrecorded else []
    ref = f"question:{row.id}" + (f":again:{turn.at.isoformat()}" if again else "")
    what = f"asks a clerk{' again' if again else ''}"
    if turn.rest:
        what = "leaves a part to a clerk, asked once the rest is carried out"
    what += f" ({row.code}): {text}"
    return Entry(turn.at, row.case_id, "question", ref, turn.who, what, tuple(details), turn.run)


def _opened_rest(row: QuestionRow, turn: _Turn) -> Entry:
    ref = f"question:{row.id}:open:{turn.at.isoformat()}"
    what = "the letter is settled" if turn.letter else "the rest is carried out"
    what += f": the question {row.code} is open to clerks"
    return Entry(turn.at, row.case_id, "question", ref, turn.who, what, run=turn.run)


def _withdrawn(row: QuestionRow, turn: _Turn) -> Entry:
    ref = f"question:{row.id}:withdrawn:{turn.at.isoformat()}"
    what = f"the question {row.code} was withdrawn"
    kind = "question_withdrawn"
    return Entry(turn.at, row.case_id, kind, ref, turn.who, what, run=turn.run)


def answers(view: View, case: CaseRow) -> Iterator[Entry]:
    questions = {row.id: row for row in view.chain.questions}
    for row in view.mine(view.chain.answers, case):
        yield _answer(row, questions.get(row.question_id))
        if row.confirmed_at is None:
            continue
        agreed = "refused" if row.status == "refused" else "agreed to"
        yield Entry(
            row.confirmed_at,
            case.id,
            "answer_confirmed",
            f"answer:{row.id}:confirmed",
            f"clerk {row.confirmed_by}",
            f"{agreed} the answer „{row.choice}“ of clerk {row.by} (four eyes, {row.id})",
        )


def _answer(row: AnswerRow, question: QuestionRow | None) -> Entry:
    choices = documents(question.choices) if question else []
    texts = [choice.get("text", "") for choice in choices if choice.get("name") == row.choice]
    details = [f"that means: {text}" for text in texts if text]
    if row.proposal:
        same = row.proposal == row.choice
        details.append("as was proposed" if same else f"proposed was „{row.proposal}“")
    if row.status == "proposed":
        details.append("waits for a second clerk")
    if row.status == "refused" and row.confirmed_at is None:
        details.append("came to nothing: the question had changed before a second clerk agreed")
    details += quoted(row.note)
    details += [f"stated {name}: {said}" for name, said in document(row.stated).items()]
    return Entry(
        row.at,
        row.case_id,
        "answer",
        f"answer:{row.id}",
        f"clerk {row.by} ({row.via})",
        f"answered the question {row.code} with „{row.choice}“ ({row.id})",
        tuple(details),
    )


def _decider(row: DecisionRow, case: CaseRow) -> str:
    if row.decided_by == "rule":
        return f"rule {case.service} {row.rule_version}"
    return f"{row.decided_by}, rule {case.service} {row.rule_version}"


def _situation(row: DecisionRow) -> Situation | None:
    """None where it was forgotten, or is older than the words it is written in."""
    try:
        return SITUATION.validate_json(row.situation)
    except ValueError:
        return None


def _news(before: Situation, now: Situation) -> str:
    """Which facts are others than those of the decision before."""
    changed = [
        _FACTS.get(field.name, field.name.replace("_", " "))
        for field in fields(Situation)
        if getattr(before, field.name) != getattr(now, field.name)
    ]
    return ", ".join(changed) or "nothing but the day"


def _people_behind(situation: Situation) -> list[str]:
    lines = [
        f"with the answer „{answer.choice}“ of clerk {answer.by} to {answer.question}"
        for answer in situation.answers
    ]
    if situation.left:
        lines.append(f"with the clerk's choice „{situation.left.name}“ for the part left open")
    if situation.reply:
        reply = situation.reply
        kind = REPLIES.get(reply.kind, reply.kind)
        lines.append(f"with the resident's reply of {reply.received_on}: {kind}")
    lines += [
        f"about what was done: {act.effect.kind} {act.effect.record}" for act in situation.acts
    ]
    return lines


def _grounds(decision: Decision) -> Iterator[str]:
    for ground in decision.grounds:
        yield f"{ground.result.replace('_', ' '):>7}  {ground.law}: {ground.condition}"
        if facts := flat(ground.facts):
            yield f"         {facts}"


def _permit(link: Link) -> tuple[str, ...]:
    permit = link.permit
    state = f"{permit.status}, zone {permit.zone}, {permit.valid_from} to {permit.valid_until}"
    return (f"of {permit.holder}, {permit.plate}, {state}",)
