"""Letters for tests: the sample, with what a test wants changed."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from tasks.domain.decision import Ground, Result
from tasks.letters.render import LetterContent, LetterRenderer, sample_content
from tasks.services.resident_parking import service

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


@cache
def renderer() -> LetterRenderer:
    return LetterRenderer([TEMPLATES])


def a_letter(
    data: Mapping[str, str] | None = None, section: Mapping[str, Any] | None = None, **fields: Any
) -> LetterContent:
    content = sample_content(service)
    (part,) = content.sections
    part = replace(part, data={**part.data, **(data or {})}, **(section or {}))
    return replace(content, **({"sections": (part,)} | fields))


def a_ground(name: str, law: str = "StVO § 46 Abs. 5", result: Result = Result.MET) -> Ground:
    return Ground(name, law, "A condition.", result)
