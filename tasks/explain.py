"""Explain: the life of one case in order, with grounds, sections of law and facts.

The one place where personal data is shown on purpose: to a person at a shell, never to Prefect.
"""

import json
from typing import Any

from pydantic import TypeAdapter

from tasks.domain.decision import Decision
from tasks.domain.person import PersonKey
from tasks.domain.service import Gate, fatten
from tasks.errors import PermanentError
from tasks.services import all_services
from tasks.settings import Settings
from tasks.state.database import open_database, reading
from tasks.state.documents import DECISION, SITUATION
from tasks.state.facts import to_delta
from tasks.state.story import Story, read_story
from tasks.state.tables import DecisionRow, DeltaRow, PersonRow


class UnknownCase(PermanentError):
    """No case has this id."""


def explain(case_id: str, settings: Settings) -> dict[str, Any]:
    """One document: case, delta, decisions with grounds, effects, questions, letters, history."""
    with reading(open_database(settings.state_url)) as session:
        story = read_story(session, case_id)
        if story is None:
            raise UnknownCase("case.unknown", case_id)
        person = session.get(PersonRow, story.case.person_id)
        key = PersonKey(person.ags, person.number) if person else PersonKey("", "")
        return {
            "case": story.case.id,
            "municipality": story.case.municipality,
            "service": story.case.service,
            "status": story.case.status,
            "code": story.case.code,
            "delta": _delta(story),
            "decisions": [_decision(row, story.delta, key) for row in story.decisions],
            "effects": [
                {
                    "key": row.key,
                    "effect": json.loads(row.effect),
                    "inverse": json.loads(row.inverse),
                    "result": json.loads(row.result),
                    "done_at": row.done_at.isoformat(),
                }
                for row in story.effects
            ],
            "questions": [
                row.model_dump(include={"code", "text", "status", "answered_by", "answer"})
                | {"proposal": json.loads(row.proposal)}
                for row in story.questions
            ],
            "letters": [
                {
                    "letter": row.id,
                    "subject": row.subject,
                    "channel": row.channel,
                    "recipient": row.recipient,
                    "status": row.status,
                    "code": row.code,
                    "dated": row.dated.isoformat(),
                    "reference": row.reference,
                    "text": row.text,
                }
                for row in story.letters
            ],
            "history": [
                {
                    "at": row.at.isoformat(),
                    "from": row.old,
                    "to": row.new,
                    "code": row.code,
                    "by": row.by,
                    "run": row.run,
                }
                for row in story.history
            ],
        }


def _delta(story: Story) -> dict[str, Any] | None:
    delta = story.delta
    if delta is None:
        return None
    return {
        "delivery": delta.delivery_no,
        "packet": delta.packet,
        "position": delta.position,
        "event": delta.event,
        "event_time": delta.event_time.isoformat(),
        "received_on": delta.received_on.isoformat(),
        "kind": delta.kind,
        "reason_code": delta.reason_code,
        "reverses": delta.reverses,
        "before": json.loads(delta.before) if delta.before else None,
        "after": json.loads(delta.after) if delta.after else None,
    }


def _decision(row: DecisionRow, delta: DeltaRow | None, key: PersonKey) -> dict[str, Any]:
    decision = DECISION.validate_json(row.decision)
    return {
        "seq": row.seq,
        "outcome": row.outcome,
        "code": row.code,
        "decided_by": row.decided_by,
        "decided_on": row.decided_on.isoformat(),
        "rule_version": row.rule_version,
        "replays": delta is not None and replay(row, delta, key) == decision,
        "grounds": [
            {
                "name": ground.name,
                "law": ground.law,
                "condition": ground.condition,
                "result": ground.result.value,
                "facts": ground.facts,
            }
            for ground in decision.grounds
        ],
        "effects": [
            {"kind": effect.kind.value, "record": effect.record, "data": effect.data}
            for effect in decision.effects
        ],
        "question": decision.question.text if decision.question else "",
        "run": row.run,
    }


def replay(row: DecisionRow, delta: DeltaRow, key: PersonKey) -> Decision:
    """Decides again on the stored facts with the stored parameters."""
    service = all_services()[_service_of(row)]
    rules = json.loads(row.parameters)
    parameters = TypeAdapter(service.parameters).validate_python(rules["parameters"])
    gate = TypeAdapter(Gate).validate_python(rules["gate"])
    stored = SITUATION.validate_json(row.situation)
    situation = fatten(stored, to_delta(delta, key), row.now_is_after)
    return service.decide(situation, parameters, gate, row.decided_on)


def _service_of(row: DecisionRow) -> str:
    name: str = json.loads(row.parameters)["service"]
    return name
