import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from tasks.domain.effect import Effect, EffectKind
from tasks.domain.person import PersonKey
from tasks.domain.record import Permit
from tasks.errors import AntragslosError, RecordConflict, RecordsUnavailable
from tasks.records.protocol import Applied, PermitRegister
from tasks.records.sql import SqlPermitRegister
from tasks.records.storing import Stored

KEY = PersonKey("09000009", "000000010025")
PERMIT = Permit(
    number="BPA-0002",
    zone="A3",
    valid_from=date(2026, 1, 1),
    valid_until=date(2027, 12, 31),
    plate="ZZ-MU 102",
    holder="Łukasz Wójcik",
    birth_date="1991-07-30",
    key=KEY,
    street="Wollenweberstraße",
    house_number="44",
    standing_application=True,
    email="l@example.org",
    email_consent=True,
)
SWITCH = Effect(
    EffectKind.SWITCH_ZONE,
    "BPA-0002",
    {
        "zone": "A2",
        "valid_from": "2026-11-15",
        "valid_until": "2027-12-31",
        "street": "Kröpeliner Str.",
        "house_number": "40",
        "end_old": "true",
        "old_until": "2026-11-14",
        "expected_zone": "A3",
    },
)
NEW_ADDRESS = Effect(
    EffectKind.UPDATE_ADDRESS, "BPA-0002", {"street": "Altschmiedestr.", "house_number": "5"}
)
END = Effect(EffectKind.END, "BPA-0002", {"valid_until": "2026-11-14"})


def by_name(permit: Permit) -> frozenset[str]:
    return frozenset({f"{word}|{permit.birth_date}" for word in permit.holder.split()})


@pytest.fixture
def register(database_url: str) -> Iterator[SqlPermitRegister]:
    opened = SqlPermitRegister(database_url, candidate_keys=by_name, owner="musterstadt")
    opened.store([PERMIT])
    yield opened
    opened.close()


SOONER = {"valid_until": "2026-11-16"}


def switch(record: str = "BPA-0002", **data: str) -> Effect:
    return Effect(EffectKind.SWITCH_ZONE, record, {**SWITCH.data, **data})


def undo(key: str, record: str = "BPA-0002") -> Effect:
    return Effect(EffectKind.RESTORE, record, {"undo": key})


def all_of(register: PermitRegister) -> list[Permit]:
    return register.by_keys([KEY])[KEY]


def code_of(result: Applied | AntragslosError) -> str:
    return result.code if isinstance(result, AntragslosError) else "done"


def test_a_move_gives_a_new_permit_in_the_new_zone_and_ends_the_old_one(
    register: SqlPermitRegister,
) -> None:
    applied = register.apply("case-1", SWITCH)

    assert applied == Applied(
        undo("case-1"), already=False, data={"new_permit_number": "BPA-0002/2"}
    )
    old, new = all_of(register)
    assert old == replace(PERMIT, status="ended", valid_until=date(2026, 11, 14))
    assert new == replace(
        PERMIT,
        number="BPA-0002/2",
        zone="A2",
        valid_from=date(2026, 11, 15),
        street="Kröpeliner Str.",
        house_number="40",
    )


def test_the_old_permit_stays_where_its_end_is_left_to_a_clerk(
    register: SqlPermitRegister,
) -> None:
    register.apply("case-1", switch(end_old="false"))
    old, new = all_of(register)
    assert old == PERMIT
    assert new.zone == "A2"


def test_a_tolerated_permit_ends_sooner_only_for_whom_knows_that_it_is_tolerated(
    register: SqlPermitRegister,
) -> None:
    register.apply("case-1", switch(old_until="2026-11-19"))
    (blind,) = register.apply_many([("blind", Effect(EffectKind.END, "BPA-0002", SOONER))])
    assert code_of(blind) == "records.changed_meanwhile"
    given_up = Effect(EffectKind.END, "BPA-0002", SOONER | {"expected_status": "ended"})
    register.apply("reply-1", given_up)
    old, _ = all_of(register)
    assert (old.status, old.valid_until) == ("ended", date(2026, 11, 16))
    register.apply("undo-1", undo("reply-1"))
    assert all_of(register)[0].valid_until == date(2026, 11, 19)


@pytest.mark.parametrize(
    ("last_day", "ends"),
    [
        ("2027-12-30", date(2027, 12, 30)),
        ("2027-12-31", date(2027, 12, 31)),
        ("2028-01-01", date(2027, 12, 31)),
    ],
)
def test_ending_a_permit_never_makes_it_valid_for_longer(
    register: SqlPermitRegister, last_day: str, ends: date
) -> None:
    register.apply("case-1", Effect(EffectKind.END, "BPA-0002", {"valid_until": last_day}))
    assert all_of(register) == [replace(PERMIT, status="ended", valid_until=ends)]


def test_address_and_name_are_put_right_on_the_permit(register: SqlPermitRegister) -> None:
    register.apply("case-1", NEW_ADDRESS)
    register.apply("case-2", Effect(EffectKind.UPDATE_NAME, "BPA-0002", {"holder": "Ł. Roth"}))
    expected = replace(PERMIT, street="Altschmiedestr.", house_number="5", holder="Ł. Roth")
    assert all_of(register) == [expected]


@pytest.mark.parametrize("effect", [SWITCH, switch(end_old="false"), NEW_ADDRESS, END])
def test_carrying_out_an_effect_twice_changes_nothing_the_second_time(
    register: SqlPermitRegister, effect: Effect
) -> None:
    first = register.apply("case-1", effect)
    after = all_of(register)
    second = register.apply("case-1", effect)
    assert all_of(register) == after
    assert second == replace(first, already=True)


def test_the_same_effect_twice_in_a_batch_is_carried_out_once(register: SqlPermitRegister) -> None:
    first, second = register.apply_many([("case-1", SWITCH), ("case-1", SWITCH)])
    assert [first, second] == [first, replace(first, already=True)]
    assert len(all_of(register)) == 2


@pytest.mark.parametrize("effect", [SWITCH, switch(end_old="false"), NEW_ADDRESS, END])
def test_taking_an_effect_back_puts_everything_as_it_was(
    register: SqlPermitRegister, effect: Effect
) -> None:
    applied = register.apply("case-1", effect)
    back = register.apply("undo-1", applied.inverse)
    assert all_of(register) == [PERMIT]

    register.apply("undo-1", applied.inverse)
    assert all_of(register) == [PERMIT]

    register.apply("redo-1", back.inverse)
    assert all_of(register) != [PERMIT]


def test_an_effect_is_taken_back_within_the_batch_that_carried_it_out(
    register: SqlPermitRegister,
) -> None:
    results = register.apply_many([("case-1", SWITCH), ("undo-1", undo("case-1"))])
    assert [code_of(result) for result in results] == ["done", "done"]
    assert all_of(register) == [PERMIT]


def test_a_number_once_given_is_never_given_again(register: SqlPermitRegister) -> None:
    register.apply("case-1", SWITCH)
    register.apply("undo-1", undo("case-1"))
    assert register.apply("case-2", SWITCH).data == {"new_permit_number": "BPA-0002/3"}


def test_a_second_move_counts_on_from_the_first_number(register: SqlPermitRegister) -> None:
    register.apply("case-1", SWITCH)
    second = switch(
        "BPA-0002/2", zone="A1", expected_zone="A2", valid_from="2026-11-22", old_until="2026-11-21"
    )
    assert register.apply("case-2", second).data == {"new_permit_number": "BPA-0002/3"}
    assert [p.zone for p in all_of(register) if p.status == "active"] == ["A1"]


def test_a_permit_may_be_switched_more_often_than_numbers_were_looked_up(
    register: SqlPermitRegister,
) -> None:
    for move in range(12):
        effect = switch(end_old="false")
        assert register.apply(f"case-{move}", effect).data == {
            "new_permit_number": f"BPA-0002/{move + 2}"
        }


def test_a_number_with_a_stroke_of_the_municipalitys_own_is_not_counted_on(
    register: SqlPermitRegister,
) -> None:
    register.store([replace(PERMIT, number="2026/15")])
    assert register.apply("case-1", switch("2026/15")).data == {"new_permit_number": "2026/15/2"}


@pytest.mark.parametrize(
    ("effect", "code"),
    [
        (switch("BPA-9999"), "records.unknown"),
        (switch(expected_zone="A1"), "records.changed_meanwhile"),
        (switch(valid_from="soon"), "records.bad_effect"),
        (switch(end_old="perhaps"), "records.bad_effect"),
        (Effect(EffectKind.UPDATE_NAME, "BPA-0002"), "records.bad_effect"),
        (undo("never-done"), "records.nothing_to_undo"),
    ],
)
def test_what_does_not_fit_the_register_is_a_conflict_named_by_its_key_only(
    register: SqlPermitRegister, effect: Effect, code: str
) -> None:
    with pytest.raises(RecordConflict) as error:
        register.apply("case-1", effect)
    assert str(error.value) == f"{code} case-1"
    assert all_of(register) == [PERMIT]


@pytest.mark.parametrize("effect", [SWITCH, NEW_ADDRESS, END])
def test_a_permit_ended_by_hand_meanwhile_is_left_alone(
    register: SqlPermitRegister, effect: Effect
) -> None:
    ended = replace(PERMIT, status="ended")
    register.store([ended])
    with pytest.raises(RecordConflict, match=r"records\.changed_meanwhile"):
        register.apply("case-1", effect)
    assert all_of(register) == [ended]


def test_what_a_clerk_changed_after_an_effect_is_not_overwritten_by_taking_it_back(
    register: SqlPermitRegister,
) -> None:
    register.apply("case-1", SWITCH)
    register.apply("by-hand", Effect(EffectKind.END, "BPA-0002/2", {"valid_until": "2026-12-01"}))
    before = all_of(register)
    with pytest.raises(RecordConflict, match=r"records\.changed_meanwhile"):
        register.apply("undo-1", undo("case-1"))
    assert all_of(register) == before


def test_a_new_mail_address_survives_taking_an_effect_back(register: SqlPermitRegister) -> None:
    register.apply("case-1", NEW_ADDRESS)
    (changed,) = all_of(register)
    assert register.store([replace(changed, email="new@example.org")]) == [Stored.CHANGED]
    register.apply("undo-1", undo("case-1"))
    assert all_of(register) == [replace(PERMIT, email="new@example.org")]


def test_a_key_that_belongs_to_another_effect_is_refused(register: SqlPermitRegister) -> None:
    register.apply("case-1", NEW_ADDRESS)
    with pytest.raises(RecordConflict, match=r"records\.key_reused"):
        register.apply("case-1", END)


def test_one_bad_effect_never_stops_the_others(register: SqlPermitRegister) -> None:
    register.store([replace(PERMIT, number=f"P-{i}") for i in range(3)])
    unstorable = Effect(EffectKind.UPDATE_NAME, "P-1", {"holder": "\ud800"})
    results = register.apply_many(
        [
            ("case-0", switch("P-0")),
            ("case-1", unstorable),
            ("case-x", switch("unknown")),
            ("case-2", switch("P-2")),
        ]
    )
    codes = [code_of(result) for result in results]
    assert codes == ["done", "records.refused", "records.unknown", "done"]
    assert register.get(["P-0/2", "P-1/2", "P-2/2"]).keys() == {"P-0/2", "P-2/2"}


def test_a_rehearsal_answers_like_the_real_thing_and_changes_nothing(
    register: SqlPermitRegister,
) -> None:
    register.apply("done", NEW_ADDRESS)
    before = all_of(register)
    items = [
        ("done", NEW_ADDRESS),
        ("case-1", SWITCH),
        ("case-2", switch(expected_zone="A1")),
        ("undo-1", undo("case-1")),
    ]
    (rehearsed,) = register.rehearse([items])
    assert all_of(register) == before
    assert [str(result) for result in rehearsed] == [str(r) for r in register.apply_many(items)]


def test_each_group_is_rehearsed_as_if_it_were_the_only_one(register: SqlPermitRegister) -> None:
    register.apply("case-1", SWITCH)
    groups = [[("reply-1", undo("case-1"))], [], [("reply-2", undo("case-1"))]]

    (first,), nothing, (second,) = register.rehearse(groups)

    assert isinstance(first, Applied)
    assert isinstance(second, Applied)
    assert nothing == []


def test_a_group_is_as_it_was_left_when_its_last_effect_says_so(
    register: SqlPermitRegister,
) -> None:
    register.apply_many([("case-1:0", NEW_ADDRESS), ("case-1:1", SWITCH)])

    groups = [["case-1:0", "case-1:1"], ["case-1:0"], ["case-1:1"], ["nobody-knows"], []]
    assert register.changed_since(groups) == [
        frozenset(),
        {"status", "valid_until"},  # ended by the second, of which this group says nothing
        frozenset(),
        {"number"},
        frozenset(),
    ]

    register.apply("undo", undo("case-1:1"))
    assert register.changed_since([["case-1:1"], ["case-1:1", "undo"]])[0] >= {"number", "status"}
    assert register.changed_since([["case-1:1", "undo"]]) == [frozenset()]


def test_what_was_forgotten_cannot_be_compared(register: SqlPermitRegister) -> None:
    register.apply("case-1", SWITCH)
    register.forget(["case-1"])

    assert "zone" in register.changed_since([["case-1"]])[0]


def test_many_effects_come_back_in_their_order(register: SqlPermitRegister) -> None:
    register.store([replace(PERMIT, number=f"P-{i}") for i in range(1200)])
    results = register.apply_many([(f"case-{i}", switch(f"P-{i}")) for i in range(1200)])
    assert [r.data["new_permit_number"] for r in results if isinstance(r, Applied)] == [
        f"P-{i}/2" for i in range(1200)
    ]


def test_permits_are_found_by_the_registrys_key_in_one_municipality(
    register: SqlPermitRegister,
) -> None:
    register.store([replace(PERMIT, number="X-1", key=PersonKey("14612000", KEY.number))])
    unknown = PersonKey("09000009", "000000000000")
    assert register.by_keys([KEY, unknown]) == {KEY: [PERMIT], unknown: []}


def test_permits_are_found_by_what_they_have_in_common_with_or_without_a_key(
    register: SqlPermitRegister,
) -> None:
    unkeyed = replace(PERMIT, number="U-1", key=None, holder="Ł. Holm")
    register.store([unkeyed])
    assert register.similar({"Holm|1991-07-30", "Ł.|1991-07-30"}) == [unkeyed]
    assert register.similar({"Holm|1991-07-31"}) == []

    register.apply("case-1", Effect(EffectKind.UPDATE_NAME, "U-1", {"holder": "Roth"}))
    assert register.similar({"Holm|1991-07-30"}) == []
    assert register.similar({"Roth|1991-07-30"}) == [replace(unkeyed, holder="Roth")]

    keyed = replace(unkeyed, holder="Roth", key=KEY)  # which may be a wrong one
    register.store([keyed])
    assert register.similar({"Roth|1991-07-30"}) == [keyed]


def test_a_permit_without_a_key_keeps_being_found_after_its_switch_and_back(
    register: SqlPermitRegister,
) -> None:
    unkeyed = replace(PERMIT, number="U-1", key=None, holder="Ł. Holm")
    register.store([unkeyed])
    wanted = {"Holm|1991-07-30"}
    register.apply("case-1", switch("U-1"))
    assert [permit.number for permit in register.similar(wanted)] == ["U-1", "U-1/2"]
    register.apply("undo-1", undo("case-1", "U-1"))
    assert register.similar(wanted) == [unkeyed]


def test_two_workers_with_the_same_effect_carry_it_out_once(database_url: str) -> None:
    first = SqlPermitRegister(database_url, owner="musterstadt")
    first.store([PERMIT])
    registers = [first, *(SqlPermitRegister(database_url, owner="musterstadt") for _ in range(3))]
    results: list[Applied] = []
    start = threading.Barrier(len(registers))

    def work(register: SqlPermitRegister) -> None:
        start.wait()
        results.append(register.apply("case-1", SWITCH))

    threads = [threading.Thread(target=work, args=[register]) for register in registers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.already for result in results) == [False, True, True, True]
    assert len(all_of(first)) == 2
    for register in registers:
        register.close()


def test_the_tables_are_made_on_first_use_by_whoever_comes_first(database_url: str) -> None:
    registers = [SqlPermitRegister(database_url, owner="musterstadt") for _ in range(4)]
    threads = [threading.Thread(target=register.get, args=[["X"]]) for register in registers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine = create_engine(database_url)
    assert set(inspect(engine).get_table_names()) == {
        "parking_permit",
        "permit_candidate",
        "applied_effect",
        "register_owner",
    }
    engine.dispose()
    for register in registers:
        assert register.get(["X"]) == {}
        register.close()


def test_every_write_counts_the_version_up(register: SqlPermitRegister, database_url: str) -> None:
    register.apply("case-1", NEW_ADDRESS)
    register.apply("undo-1", undo("case-1"))
    engine = create_engine(database_url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version FROM parking_permit")) == 3
    engine.dispose()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////nowhere/at/all.db",
        "postgresql+psycopg://postgres@127.0.0.1:1/postgres",
        "no url",
        "mysql://secret:secret@localhost/x",
    ],
)
def test_a_database_out_of_reach_is_temporary_and_tells_no_secrets(url: str) -> None:
    with pytest.raises(RecordsUnavailable) as error:
        SqlPermitRegister(url, owner="musterstadt").apply("case-1", SWITCH)
    assert str(error.value).startswith("records.unreachable")
    assert "secret" not in str(error.value)
    assert error.value.__suppress_context__ or error.value.__context__ is None


def test_a_database_that_goes_away_fails_each_effect_by_its_key(tmp_path: Path) -> None:
    folder = tmp_path / "town"
    folder.mkdir()
    register = SqlPermitRegister(f"sqlite:///{folder / 'register.db'}", owner="musterstadt")
    register.store([PERMIT])
    register.close()
    shutil.rmtree(folder)
    results = register.apply_many([("case-1", SWITCH), ("case-2", END)])
    assert [str(r) for r in results] == [f"records.unreachable case-{i}" for i in (1, 2)]
