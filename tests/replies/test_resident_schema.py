"""Requests that the pages' own description allows, and many that it does not: no page breaks, and
every answer is one that the description names."""

from datetime import timedelta
from itertools import count

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from tests.replies.fake_desk import CARD, PARKING, FakeDesk
from tests.replies.visitor import Clock, Visitor, app_for

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance]
DESK, CLOCK = FakeDesk(), Clock()
ENTRY = DESK.add_letter(PARKING, CARD)
NOBODY_FORESAW: list[Exception] = []
APP = app_for(DESK, clock=CLOCK, on_error=NOBODY_FORESAW.append)
SCHEMA = schemathesis.openapi.from_dict(APP.openapi())
SCHEMA.app = APP
BEGAN, TURN = CLOCK.now, count(1)
FEW = settings(
    max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


def session() -> tuple[str, str]:
    """Cookie and token of a resident whose birth date was right."""
    visitor = Visitor(APP)
    visitor.come_in(ENTRY.secret)
    return next(cookie.value or "" for cookie in visitor.client.cookies.jar), visitor.csrf()


COOKIE, TOKEN = session()


@SCHEMA.parametrize()
@FEW
def test_no_request_breaks_a_page_and_every_answer_is_described(case: Case) -> None:
    CLOCK.now = BEGAN + timedelta(minutes=11) * next(TURN)  # this is not about guessing
    case.call_and_validate(checks=CHECKS)
    assert NOBODY_FORESAW == []


@SCHEMA.parametrize()
@FEW
def test_nor_does_any_request_of_somebody_who_came_in(case: Case) -> None:
    guesses = case.operation.path in ("/code", "/a/{secret}")
    CLOCK.now = BEGAN + timedelta(minutes=11) * next(TURN) * guesses
    if isinstance(case.body, dict):
        case.body["csrf"] = TOKEN
    known = {"secret": ENTRY.secret, "case": "c-parken", "number": "r-11"}
    for name in case.path_parameters or {}:
        if name in known:
            case.path_parameters[name] = known[name]
    case.call_and_validate(checks=CHECKS, cookies={"antragslos": COOKIE})
    assert NOBODY_FORESAW == []


def test_the_description_is_served_to_nobody_and_names_every_page() -> None:
    described = set(APP.openapi()["paths"])
    assert {"/", "/code", "/a/{secret}", "/brief", "/brief/{case}/{answer}/absenden"} <= described
    assert {"/beleg/{number}", "/beleg/{number}/datei", "/ende", "/gesund"} <= described
    for path in ("/openapi.json", "/docs", "/redoc"):
        assert Visitor(APP).open(path).status_code == 404
