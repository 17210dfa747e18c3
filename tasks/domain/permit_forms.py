"""What a municipality says of its permits by their form: of paper, or digital.

Whether a permit is displayed (StVO § 46 Abs. 3 Satz 5), what a switch costs and what becomes of the
old permit are the municipality's own decisions. There is no default for any of them: of a form that
the profile says nothing of, no machine does anything.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

from tasks.domain.check import GO_ON, Check, check
from tasks.domain.decision import Answer, Choice, Then
from tasks.domain.effect import Effect
from tasks.domain.record import DIGITAL, PAPER, Permit

FORM = "form:"  # begins the choice that names a form
FORM_UNKNOWN = "form_unknown"
# A sum, or something to be brought, sent, fetched or exchanged.
_ASKS = re.compile(r"[1-9][0-9.]*(,[0-9]{2})? ?(EUR|€|Euro)|\b[Bb]itte\b")
# What a switch tells, and no municipality may leave open: key -> what is to be said.
MUST_BE_SAID = {
    "display_text": "say how the new permit is displayed, or reaches the resident",
    "fee_text": "say what the switch costs, or that it costs nothing",
    "old_permit_text": "say what becomes of the old permit: given back, exchanged, destroyed, "
    "nothing",
}

# Ground → section of law, and the condition in one sentence. Stored: never rename a ground.
CONDITIONS = {
    "form_known": (
        "StVO § 46 Abs. 3 Satz 5",
        "The form of the permit is known, and the profile says what such permits need.",
    ),
    "form_lane": ("VwVfG § 35a", "Permits of this form are changed by machine."),
}
# Code → one sentence without personal data; for needs_review it is the clerk's question. Stored:
# never rename a code.
FORM_CODES = {
    FORM_UNKNOWN: "Of the form of this permit the profile says nothing. Which form is it?",
    "form_by_clerk": "A clerk sees to permits of this form: to card, fee and old permit. "
    "Is it right?",
}
_check = partial(check, CONDITIONS)


@dataclass(frozen=True, slots=True)
class PermitForm:
    """What letters say of the permits of one form, and who changes them."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    lane: Literal["machine", "clerk"] = "clerk"
    """Whether a machine may change such permits, or each change is a clerk's."""
    nothing_to_do: bool = False
    """Whether the resident has nothing to do about a permit that was changed: no fee is due,
    nothing is to be fetched, given back or put into the car."""
    display_text: str = ""
    fee_text: str = ""
    old_permit_text: str = ""
    taken_back_text: str = ""
    """What becomes of both permits, and of a fee, where a switch is taken back. Without it, and
    with something to do, a clerk takes it back."""
    correction_text: str = ""
    """What becomes of a permit on which only the name or the address was put right."""


Forms = Mapping[str, PermitForm]  # form -> what the municipality says of it; others are missing


def unsaid(forms: Forms) -> list[str]:
    """What a municipality must say before such permits are changed: key and reason."""
    if not forms:
        return ["digital or paper: a table must say what such permits need"]
    return [
        f"{name}.{key}: {what}"
        for name, form in forms.items()
        for key, what in MUST_BE_SAID.items()
        if not getattr(form, key).strip()
    ]


def doubtful(forms: Forms) -> list[str]:
    """Where „nothing to do“ and a text beside it may contradict each other: for a look."""
    return [
        f"{name}.nothing_to_do: true, but {key} seems to ask for something"
        for name, form in forms.items()
        for key in (*MUST_BE_SAID, "taken_back_text", "correction_text")
        if form.nothing_to_do and _ASKS.search(getattr(form, key))
    ]


def form_of(
    permits: Sequence[Permit], forms: Forms, default: str, answers: Sequence[Answer] = ()
) -> str:
    """The one form of these permits; "" where it is not known or the profile says nothing of it.

    `default` is that of permits whose record says none; a clerk may have named one.
    """
    said = {permit.form or default for permit in permits}
    if len(said) == 1 and said <= forms.keys():
        return said.pop()
    named = [a.choice.removeprefix(FORM) for a in answers if a.question == FORM_UNKNOWN]
    return next((n for n in named if n in forms and not said & {DIGITAL, PAPER}), "")


def form_checks(
    permits: Sequence[Permit],
    forms: Forms,
    default: str,
    answers: Sequence[Answer],
    *,
    by_clerk: bool,
    proposal: tuple[Effect, ...],
    takes_back: bool = False,
) -> list[Check]:
    """`by_clerk`: a person has decided something of this case already. `takes_back`: the permit
    that was granted is no longer valid, and the one before it is again."""
    said = {permit.form or default for permit in permits}
    known = len(said) == 1 and said <= forms.keys()
    form = forms.get(form_of(permits, forms, default, answers))
    choices = tuple(
        Choice(f"{FORM}{name}", f"The permit is {name}; the rest is tested.", Then.GO_ON)
        for name in (() if said & {DIGITAL, PAPER} else forms)
    )
    by_machine = True
    if form is not None and known and not by_clerk:
        worded = form.nothing_to_do or bool(form.taken_back_text.strip())
        by_machine = form.lane == "machine" and (worded or not takes_back)
    return [
        _check(
            "form_known",
            True if known else None,
            FORM_UNKNOWN,
            choices=choices,
            proposal=proposal,
            form=", ".join(sorted(said - {""})) or None,
        ),
        _check("form_lane", by_machine, "form_by_clerk", choices=(GO_ON,), proposal=proposal),
    ]


def form_words(form: PermitForm | None) -> Mapping[str, str]:
    """As letters name them. Of an unknown form nothing is said, and nothing promised."""
    said = form or PermitForm()
    return {
        "nothing_to_do": "yes" if said.nothing_to_do else "",
        "display": said.display_text.strip(),
        "fee": said.fee_text.strip(),
        "old_permit_text": said.old_permit_text.strip(),
        "taken_back_text": said.taken_back_text.strip(),
        "correction": said.correction_text.strip(),
    }
