"""Random sequences of effects against the register, on SQLite (the rules are pure Python)."""

import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.domain.effect import Effect, EffectKind
from tasks.domain.person import PersonKey
from tasks.domain.record import Permit
from tasks.errors import RecordConflict
from tasks.records.protocol import Applied
from tasks.records.sql import SqlPermitRegister

HOLDER = PersonKey("09000009", "000000010017")
PERMITS = [
    Permit("P", "A1", date(2026, 1, 1), date(2027, 12, 31), "ZZ-MU 1", "Antje Brandt", key=HOLDER),
    Permit("Q", "A2", date(2026, 3, 1), date(2028, 2, 29), "ZZ-MU 2", "Antje Brandt", key=HOLDER),
]

words = st.sampled_from(["A1", "A2", "B1", "Łódź", ""])
days = st.dates(date(2026, 1, 1), date(2028, 12, 31)).map(date.isoformat)
data = st.fixed_dictionaries(
    {
        "zone": words,
        "valid_from": days,
        "valid_until": days,
        "old_until": days,
        "old_until_before": days,
        "street": words,
        "house_number": words,
        "holder": words,
        "end_old": st.sampled_from(["true", "false"]),
    },
    optional={"expected_zone": words, "expected_status": st.just("ended")},
)
kinds = st.sampled_from([kind for kind in EffectKind if kind != EffectKind.RESTORE])
effects = st.builds(Effect, kinds, st.sampled_from(["P", "Q", "P/2", "Q/2", "P/3"]), data)


def _register(folder: str) -> SqlPermitRegister:
    register = SqlPermitRegister(f"sqlite:///{Path(folder) / 'register.db'}", owner="musterstadt")
    register.store(PERMITS)
    return register


def _all(register: SqlPermitRegister) -> list[Permit]:
    return register.by_keys([HOLDER])[HOLDER]


@settings(max_examples=25, deadline=None)
@given(st.lists(effects, max_size=8), st.booleans())
def test_whatever_was_done_can_be_taken_back_to_the_start(
    wanted: list[Effect], at_once: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        register = _register(folder)
        items = [(f"case-{i}", effect) for i, effect in enumerate(wanted)]
        if at_once:
            results = register.apply_many(items)
        else:
            results = [register.apply_many([item])[0] for item in items]
        done = _all(register)

        # What was done once more changes nothing, and answers the same.
        applied = [r for r in results if isinstance(r, Applied)]
        kept = [item for item, r in zip(items, results, strict=True) if isinstance(r, Applied)]
        assert register.apply_many(kept) == [replace(result, already=True) for result in applied]
        assert _all(register) == done

        inverses = [result.inverse for result in applied]
        undone = register.apply_many(
            [(f"undo-{i}", inverse) for i, inverse in enumerate(reversed(inverses))]
        )
        assert not [result for result in undone if isinstance(result, RecordConflict)]
        assert _all(register) == PERMITS
        register.close()


@settings(max_examples=20, deadline=None)
@given(st.lists(effects, max_size=8))
def test_a_batch_does_the_same_as_one_effect_after_another(wanted: list[Effect]) -> None:
    items = [(f"case-{i}", effect) for i, effect in enumerate(wanted)]
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        in_batch, one_by_one = _register(one), _register(other)
        batch = [str(result) for result in in_batch.apply_many(items)]
        single = [str(one_by_one.apply_many([item])[0]) for item in items]
        assert batch == single
        assert _all(in_batch) == _all(one_by_one)
        in_batch.close()
        one_by_one.close()
