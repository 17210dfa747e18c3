"""Our domain types as JSON text and back: one adapter a type, defaults left out to stay small."""

from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter

from tasks.domain.decision import Choice, Decision
from tasks.domain.effect import Effect
from tasks.domain.person import Person
from tasks.domain.service import Situation

PERSON: TypeAdapter[Person] = TypeAdapter(Person)
DECISION: TypeAdapter[Decision] = TypeAdapter(Decision)
SITUATION: TypeAdapter[Situation] = TypeAdapter(Situation)
EFFECT: TypeAdapter[Effect] = TypeAdapter(Effect)
CHOICES: TypeAdapter[tuple[Choice, ...]] = TypeAdapter(tuple[Choice, ...])
STATED: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])
EFFECTS: TypeAdapter[tuple[Effect, ...]] = TypeAdapter(tuple[Effect, ...])


def dump(adapter: TypeAdapter[Any], value: Any) -> str:
    return adapter.dump_json(value, exclude_defaults=True).decode()


# text -> the person; a batch reads the same snapshot once, by a `cache` of its own around it
Read = Callable[[str | None], Person | None]


def load_person(text: str | None) -> Person | None:
    return PERSON.validate_json(text) if text else None
