"""Explain: the life of one case in order, with grounds, sections of law, facts, and who caused it.

Personal data is shown here on purpose: to a person at a shell or at the clerks' page, never to
Prefect.
"""

import json
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from tasks.decide import decider
from tasks.domain.decision import Decision
from tasks.domain.person import PersonKey
from tasks.domain.service import Gate, fatten
from tasks.errors import NO_CASE, AntragslosError, PermanentError
from tasks.history.lines import Entry, View, decision_ref, stored_decision
from tasks.history.timeline import timeline
from tasks.municipality import open_municipality
from tasks.render import without_codes
from tasks.services import all_services
from tasks.settings import Settings
from tasks.state.database import open_database, reading
from tasks.state.documents import SITUATION
from tasks.state.facts import to_delta
from tasks.state.story import Chain, read_chain
from tasks.state.tables import CaseRow, DecisionRow, DeltaRow

Replays = Mapping[str, bool | None]


class UnknownCase(PermanentError):
    """No case has this id."""


def explain(case_id: str, settings: Settings, chain: bool = False) -> dict[str, Any]:
    """One document: what is stored of the case, table by table, and its timeline.

    With `chain` the timeline tells the cases that hang together with it, too, and `chain` holds
    what is stored of them.
    """
    with reading(open_database(settings.state_url)) as session:
        found = read_chain(session, case_id)
        if found is None:
            raise UnknownCase("case.unknown", case_id, NO_CASE)
        told = list(found.cases) if chain else [found.case]
        replays = _replays(found, told)
        zone, zone_name = _zone(found.case.municipality, settings)
        document = _case(found, found.case, replays, settings)
        document |= {
            "related": [
                {
                    "case": other.id,
                    "follows": other.follows,
                    "cause": other.cause,
                    "status": other.status,
                    "code": other.code,
                }
                for other in found.cases
                if other.id != case_id
            ],
            "time_zone": zone_name,
            "timeline": [_entry(entry) for entry in timeline(View(found, replays, zone), told)],
        }
        if chain:
            others = [case for case in told if case.id != case_id]
            document["chain"] = [_case(found, case, replays, settings) for case in others]
        return document


def tell(case_id: str, settings: Settings, chain: bool = False) -> list[str]:
    """The same as lines of plain text."""
    return as_lines(explain(case_id, settings, chain), chain)


def as_lines(story: Mapping[str, Any], chain: bool) -> list[str]:
    lines = [
        f"{story['case']}  {story['service']}  {story['municipality']}",
        f"now: {story['status']} ({story['code']})",
        *_related_lines(story["related"], chain),
        f"all times in {story['time_zone']}",
        "",
    ]
    run = ""
    for entry in story["timeline"]:
        moment = entry["at"][:19].replace("T", " ")
        case = f"{entry['case']}  " if chain else ""
        lines.append(f"{moment}  {case}{entry['who']}: {entry['what']}")
        lines += [f"      {line}" for line in entry["details"]]
        if entry["run"] and entry["run"] != run:
            run = entry["run"]
            lines.append(f"      in run {run}")
    return [_printable(line) for line in lines]


def _related_lines(related: Sequence[Mapping[str, str]], chain: bool) -> list[str]:
    if not related or chain:
        return []
    return [f"{len(related)} related case(s); --chain tells them all"]


def _printable(line: str) -> str:
    """Residents' own words must not move the cursor, nor look like a line of ours."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(sign) in _UNSEEN else sign
        for sign in line
    )


_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _zone(municipality: str, settings: Settings) -> tuple[tzinfo, str]:
    """A case can be told also when its municipality cannot be opened any more."""
    try:
        name = open_municipality(municipality, settings).profile.timezone
    except (AntragslosError, OSError):
        name = "UTC"
    return ZoneInfo(name), name


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "at": entry.at.isoformat(),
        "case": entry.case,
        "kind": entry.kind,
        "ref": entry.ref,
        "who": entry.who,
        "what": entry.what,
        "details": list(entry.details),
        "run": entry.run,
    }


def _case(chain: Chain, case: CaseRow, replays: Replays, settings: Settings) -> dict[str, Any]:
    def mine(rows: Sequence[Any]) -> list[Any]:
        return [row for row in rows if row.case_id == case.id]

    sections, told = mine(chain.sections), defaultdict(list)
    for section in chain.sections:
        told[section.letter_id].append(section.case_id)
    return {
        "case": case.id,
        "municipality": case.municipality,
        "service": case.service,
        "status": case.status,
        "code": case.code,
        "follows": case.follows,
        "cause": case.cause,
        "forgotten_on": case.forgotten_on.isoformat() if case.forgotten_on else None,
        "delta": _delta(chain.delta_of(case)),
        "decisions": [_decision(row, replays) for row in mine(chain.decisions)],
        "effects": [
            {
                "key": row.key,
                "effect": _json(row.effect),
                "inverse": _json(row.inverse),
                "result": _json(row.result),
                "done_at": row.done_at.isoformat(),
            }
            for row in mine(chain.effects)
        ],
        "questions": [
            row.model_dump(include={"id", "code", "text", "status", "answered_by", "answer"})
            | {"proposal": _json(row.proposal), "choices": _json(row.choices)}
            for row in mine(chain.questions)
        ],
        "answers": [
            row.model_dump(mode="json", exclude={"municipality", "case_id"})
            for row in mine(chain.answers)
        ],
        "letters": [
            {
                "letter": letter.id,
                "subject": letter.subject,
                "channel": letter.channel,
                "recipient": letter.recipient,
                "addressee": letter.addressee,
                "status": letter.status,
                "code": letter.code,
                "dated": letter.dated.isoformat(),
                "reference": letter.reference,
                "text": without_codes(letter.text, told[letter.id], settings),
            }
            for letter in [chain.letters[section.letter_id] for section in sections]
        ],
        "tokens": [
            section.model_dump(
                mode="json", include={"letter_id", "token_status", "token_expires", "failures"}
            )
            for section in sections
        ],
        "replies": [
            row.model_dump(mode="json", exclude={"municipality", "case_id", "section_id"})
            for row in mine(chain.replies)
        ],
        "history": [
            {
                "id": row.id,
                "at": row.at.isoformat(),
                "from": row.old,
                "to": row.new,
                "code": row.code,
                "by": row.by,
                "run": row.run,
            }
            for row in mine(chain.history)
        ],
    }


def _delta(delta: DeltaRow | None) -> dict[str, Any] | None:
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
        "compared": delta.compared,
        "before": _json(delta.before),
        "after": _json(delta.after),
    }


def _decision(row: DecisionRow, replays: Replays) -> dict[str, Any]:
    decision = stored_decision(row)
    question = decision.question if decision else None
    return {
        "seq": row.seq,
        "outcome": row.outcome,
        "code": row.code,
        "decided_by": row.decided_by,
        "decided_on": row.decided_on.isoformat(),
        "decided_at": row.decided_at.isoformat(),
        "rule_version": row.rule_version,
        "replays": replays[decision_ref(row)],
        "grounds": [
            {
                "name": ground.name,
                "law": ground.law,
                "condition": ground.condition,
                "result": ground.result.value,
                "facts": ground.facts,
            }
            for ground in (decision.grounds if decision else ())
        ],
        "effects": [
            {"kind": effect.kind.value, "record": effect.record, "data": effect.data}
            for effect in (decision.effects if decision else ())
        ],
        "question": question.text if question else "",
        "run": row.run,
    }


def _json(text: str | None) -> Any:
    """None for what was forgotten."""
    return json.loads(text) if text else None


def _replays(chain: Chain, told: Sequence[CaseRow]) -> dict[str, bool | None]:
    cases = {case.id: case for case in told}
    return {
        decision_ref(row): _replays_to_the_same(chain, cases[row.case_id], row)
        for row in chain.decisions
        if row.case_id in cases
    }


def _replays_to_the_same(chain: Chain, case: CaseRow, row: DecisionRow) -> bool | None:
    """None where the facts were removed, or today's rule cannot read them any more."""
    delta, decision = chain.delta_of(case), stored_decision(row)
    if delta is None or decision is None:
        return None
    try:
        return replay(row, delta, chain.key, case.cause) == decision
    except Exception:  # whatever a later rule stumbles over: the case is told all the same
        return None


def replay(row: DecisionRow, delta: DeltaRow, key: PersonKey, cause: str = "") -> Decision:
    """Decides again on the stored facts with the stored parameters."""
    rules = json.loads(row.parameters)
    service = all_services()[rules["service"]]
    parameters = TypeAdapter(service.parameters).validate_python(rules["parameters"])
    gate = TypeAdapter(Gate).validate_python(rules["gate"])
    stored = SITUATION.validate_json(row.situation)
    situation = fatten(stored, to_delta(delta, key), row.now_is_after)
    return decider(cause, service)(situation, parameters, gate, row.decided_on)
