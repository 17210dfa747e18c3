"""The residents' page: from the link or code of a letter to a receipt.

    /a/{secret} ─────► birth date ─┐
    / ─► /code ─► /geburtsdatum ───┴─► /brief ─► /brief/{case}/{answer} ─► …/absenden ─┐
                                                              /beleg/{number} ◄────────┘

A GET never changes anything: programs that look for viruses follow every link of a mail. Once the
birth date was right the secret has left the address, and with it the browser's history.
"""

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from tasks.domain.reply import ReplyKind, Scope
from tasks.errors import ReplyRefused
from tasks.replies import wording
from tasks.replies.desk import BirthDate, LetterView, Part, Receipt, ResidentDesk
from tasks.replies.guard import (
    Clock,
    Pages,
    Tries,
    Turns,
    begin_session,
    client_of,
    from_our_form,
    go,
    is_plain,
    show,
)

MOST_CHARACTERS = 4000
AT_ONCE = 3  # of one letter: a double click is two
_GUESSES = ("reply.unknown", "reply.revoked", "reply.bad_code")


class Answer(StrEnum):
    """The last word of an address."""

    DEREGISTER = "abmelden"
    WRONG = "stimmt-nicht"
    OBJECT = "widerspruch"
    OPT_OUT = "kuenftig-nicht"

    @property
    def kind(self) -> ReplyKind:
        return ReplyKind[self.name]


_SCOPES = {
    ReplyKind.DEREGISTER: (Scope.CASE, Scope.SERVICE),
    ReplyKind.WRONG: (Scope.CASE,),
    ReplyKind.OBJECT: (Scope.CASE,),
    ReplyKind.OPT_OUT: (Scope.SERVICE, Scope.INFORMATION),
}

# Nobody types them, and PostgreSQL takes no NUL.
_CONTROL = dict.fromkeys({*range(32), 127} - {ord("\t"), ord("\n")})

_Text = Annotated[str, Form()]
_Number = Annotated[str, Path(pattern=r"^r-[A-Za-z0-9-]{1,60}$")]
_HTML: dict[str, Any] = {"content": {"text/html": {"schema": {"type": "string"}}}}


def _answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What every route may answer besides: for the description."""
    meant = {
        303: "Goes on at another page",
        401: "No session, or it is over",
        403: "Locked, a wrong birth date, or a form of another session",
        404: "There is no such link, code, letter or page",
        409: "The letter offers no such answer",
        410: "The link has expired",
        413: "Too much text",
        422: "What was typed cannot be read",
        429: "Too many wrong links or codes",
        503: "The database does not answer",
    }
    return {
        status: {"description": meant[status]} | ({} if status == 303 else _HTML)
        for status in (*statuses, 503)
    }


def resident_router(desk: ResidentDesk, pages: Pages, now: Clock) -> APIRouter:
    router = APIRouter(default_response_class=HTMLResponse)
    tries, turns = Tries(), Turns(AT_ONCE)

    def found(request: Request, door: Callable[[], str]) -> str:
        with tries.counted(client_of(request), now(), _GUESSES):
            return door()

    def letter(request: Request) -> tuple[str, LetterView]:
        secret = str(request.session.get("inside", ""))
        if not secret:
            raise ReplyRefused("reply.session_over")
        door = desk.inside(secret, now())
        try:
            return door, desk.letter(door)
        except ReplyRefused as error:  # locked or revoked meanwhile
            request.session.clear()
            say_whom_to_call(request, door, error)
            raise

    def say_whom_to_call(request: Request, door: str, error: ReplyRefused) -> None:
        if error.code in ("reply.locked", "reply.expired"):
            request.state.office = desk.office(door)

    def part_of(view: LetterView, case: str, answer: Answer) -> Part:
        part = next((part for part in view.parts if part.case == case), None)
        if part is None:
            raise ReplyRefused("reply.unknown")
        if answer.kind not in offered(part) and not given(part, answer.kind):
            raise ReplyRefused("reply.not_offered")
        return part

    def ask_code(
        request: Request, problem: str = "", typed: str = "", status: int = 200
    ) -> Response:
        problems = {"code": problem} if problem else {}
        return show(pages, request, "start.html.j2", status, problems=problems, typed=typed)

    def ask_birth_date(
        request: Request,
        door: str,
        problems: dict[str, str] | None = None,
        typed: tuple[str, str, str] = ("", "", ""),
        status: int = 200,
    ) -> Response:
        return show(
            pages,
            request,
            "birth_date.html.j2",
            status,
            office=desk.office(door),
            open_session=False,
            problems=problems or {},
            typed=typed,
        )

    def unlock(request: Request, door: str, typed: tuple[str, str, str]) -> Response:
        birth_date, problems = read_birth_date(*typed)
        if birth_date is None:
            return ask_birth_date(request, door, problems, typed, 422)
        try:
            with turns.of(door):
                desk.unlock(door, birth_date)
        except ReplyRefused as error:
            if error.code != "reply.wrong_birth_date":
                say_whom_to_call(request, door, error)
                raise
            words = wording.words(error.code)
            problem = words.plain if is_plain(request) else words.text
            return ask_birth_date(request, door, {"jahr": problem}, typed, words.status)
        with turns.of(door):
            begin_session(request, inside=desk.begin(door, now()))
        return go(request, "/brief")

    @router.get("/", responses=_answers())
    def start(request: Request) -> Response:
        """Where the code from paper is typed."""
        return ask_code(request)

    @router.post(
        "/code",
        status_code=303,
        response_class=RedirectResponse,
        responses=_answers(403, 404, 410, 413, 422, 429),
        dependencies=[Depends(from_our_form)],
    )
    def code(request: Request, code: _Text = "") -> Response:
        try:
            door = found(request, lambda: desk.by_code(code))
        except ReplyRefused as error:
            if error.code not in _GUESSES:
                raise
            words = wording.words(error.code)
            problem = words.plain if is_plain(request) else words.text
            return ask_code(request, problem, code, words.status)
        begin_session(request, asked=door)
        return go(request, "/geburtsdatum")

    @router.get("/a/{secret}", responses=_answers(403, 404, 410, 429))
    def link(request: Request, secret: str) -> Response:
        """The link of a letter. Whoever follows it changes nothing."""
        return ask_birth_date(request, found(request, lambda: desk.by_link(secret)))

    @router.post(
        "/a/{secret}",
        status_code=303,
        response_class=RedirectResponse,
        responses=_answers(403, 404, 410, 413, 422, 429),
        dependencies=[Depends(from_our_form)],
    )
    def link_birth_date(
        request: Request, secret: str, tag: _Text = "", monat: _Text = "", jahr: _Text = ""
    ) -> Response:
        return unlock(request, found(request, lambda: desk.by_link(secret)), (tag, monat, jahr))

    def asked(request: Request) -> str:
        door = request.session.get("asked", "")
        if not door:
            raise ReplyRefused("reply.session_over")
        return str(door)

    @router.get("/geburtsdatum", responses=_answers(401, 403, 404, 410))
    def birth_date(request: Request) -> Response:
        return ask_birth_date(request, asked(request))

    @router.post(
        "/geburtsdatum",
        status_code=303,
        response_class=RedirectResponse,
        responses=_answers(401, 403, 404, 410, 413, 422),
        dependencies=[Depends(from_our_form)],
    )
    def code_birth_date(
        request: Request, tag: _Text = "", monat: _Text = "", jahr: _Text = ""
    ) -> Response:
        return unlock(request, asked(request), (tag, monat, jahr))

    @router.get("/brief", responses=_answers(401, 403, 404, 410))
    def whole_letter(request: Request) -> Response:
        """What was done, on what grounds, and what can be answered."""
        _, view = letter(request)
        return show(
            pages,
            request,
            "letter.html.j2",
            letter=view,
            office=view.office,
            offered=lambda part: [answer for answer in Answer if answer.kind in offered(part)],
            given=given,
        )

    @router.get("/brief/{case}/{answer}", responses=_answers(303, 401, 403, 404, 409, 410))
    def form(request: Request, case: str, answer: Answer) -> Response:
        _, view = letter(request)
        part = part_of(view, case, answer)
        if before := given(part, answer.kind):
            return go(request, f"/beleg/{before.number}")
        return ask(request, view, part, answer)

    def ask(
        request: Request,
        view: LetterView,
        part: Part,
        answer: Answer,
        template: str = "answer.html.j2",
        status: int = 200,
        **typed: object,
    ) -> Response:
        values = {"problems": {}, "scope": "", "text": ""} | typed
        return show(
            pages,
            request,
            template,
            status,
            letter=view,
            office=view.office,
            part=part,
            answer=answer,
            scopes=_SCOPES[answer.kind],
            most=MOST_CHARACTERS,
            **values,
        )

    @router.post(
        "/brief/{case}/{answer}",
        responses=_answers(303, 401, 403, 404, 409, 410, 413, 422),
        dependencies=[Depends(from_our_form)],
    )
    def check(
        request: Request,
        case: str,
        answer: Answer,
        umfang: _Text = "",
        text: _Text = "",
        aendern: _Text = "",
    ) -> Response:
        """Shows what will be sent. Nothing is recorded yet."""
        _, view = letter(request)
        part = part_of(view, case, answer)
        if before := given(part, answer.kind):
            return go(request, f"/beleg/{before.number}")
        if aendern:
            return ask(request, view, part, answer, scope=umfang, text=text)
        scope, text, problems = read_answer(answer.kind, umfang, text, is_plain(request))
        if problems or scope is None:
            return ask(
                request, view, part, answer, status=422, scope=umfang, text=text, problems=problems
            )
        return ask(request, view, part, answer, "confirm.html.j2", scope=scope, text=text)

    @router.post(
        "/brief/{case}/{answer}/absenden",
        status_code=303,
        response_class=RedirectResponse,
        responses=_answers(401, 403, 404, 409, 410, 413, 422),
        dependencies=[Depends(from_our_form)],
    )
    def send(
        request: Request, case: str, answer: Answer, umfang: _Text = "", text: _Text = ""
    ) -> Response:
        """Records the answer; a second time it is the same receipt."""
        door, view = letter(request)
        part = part_of(view, case, answer)
        scope, text, problems = read_answer(answer.kind, umfang, text, is_plain(request))
        if problems or scope is None:
            return ask(
                request, view, part, answer, status=422, scope=umfang, text=text, problems=problems
            )
        with turns.of(door):
            receipt = desk.record(door, case, answer.kind, scope, text)
        return go(request, f"/beleg/{receipt.number}")

    @router.get("/beleg/{number}", responses=_answers(401, 403, 404, 410))
    def receipt(request: Request, number: _Number) -> Response:
        door, view = letter(request)
        return show(
            pages,
            request,
            "receipt.html.j2",
            letter=view,
            office=view.office,
            receipt=desk.receipt(door, number),
        )

    @router.get(
        "/beleg/{number}/datei",
        response_class=Response,
        responses=_answers(401, 403, 404, 410)
        | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    def receipt_file(request: Request, number: _Number) -> Response:
        door, view = letter(request)
        proof = desk.receipt(door, number)
        text = pages("receipt.txt.j2", letter=view, office=view.office, receipt=proof)
        return Response(
            text,
            media_type="text/plain",
            headers={"Content-Disposition": f'attachment; filename="beleg-{proof.number}.txt"'},
        )

    @router.get("/ende", responses=_answers())
    def end(request: Request) -> Response:
        return show(pages, request, "end.html.j2")

    @router.post(
        "/abmelden-sitzung",
        status_code=303,
        response_class=RedirectResponse,
        responses=_answers(403, 413, 422),
        dependencies=[Depends(from_our_form)],
    )
    def log_out(request: Request) -> Response:
        secret = str(request.session.get("inside", ""))
        request.session.clear()
        if secret:
            with turns.of(secret):
                desk.leave(secret)
        return go(request, "/ende")

    return router


def offered(part: Part) -> set[ReplyKind]:
    kinds = {ReplyKind.WRONG, ReplyKind.OPT_OUT}
    if part.can_deregister:
        kinds.add(ReplyKind.DEREGISTER)
    if part.decides:
        kinds.add(ReplyKind.OBJECT)
    return kinds


def given(part: Part, kind: ReplyKind) -> Receipt | None:
    return next((reply for reply in part.replies if reply.kind is kind), None)


def read_birth_date(day: str, month: str, year: str) -> tuple[BirthDate | None, dict[str, str]]:
    """A slip is told before the register is asked: it costs none of the five tries."""
    problems = {}
    if _number(day, 31) is None:
        problems["tag"] = "Der Tag ist eine Zahl von 1 bis 31. Sie können das Feld leer lassen."
    if _number(month, 12) is None:
        problems["monat"] = "Der Monat ist eine Zahl von 1 bis 12. Sie können das Feld leer lassen."
    elif day.strip() and not month.strip():
        problems["monat"] = "Zum Tag gehört ein Monat."
    if len(year.strip()) != 4 or not _number(year, 9999):
        problems["jahr"] = "Bitte geben Sie das Jahr mit vier Ziffern an, zum Beispiel 1964."
    if problems:
        return None, problems
    typed = BirthDate(_number(year, 9999) or 0, _number(month, 12) or 0, _number(day, 31) or 0)
    try:
        date(typed.year, typed.month or 1, typed.day or 1)
    except ValueError:
        return None, {"tag": "Diesen Tag gibt es nicht."}
    return typed, {}


def _number(typed: str, most: int) -> int | None:
    """0 where nothing was typed, None where it is no number up to `most`."""
    typed = typed.strip()
    if not typed:
        return 0
    if not (typed.isascii() and typed.isdecimal() and len(typed) <= 4):
        return None
    return int(typed) if 1 <= int(typed) <= most else None


def read_answer(
    kind: ReplyKind, scope: str, text: str, plain: bool
) -> tuple[Scope | None, str, dict[str, str]]:
    text = text.replace("\r\n", "\n")  # a browser sends two characters for a line's end
    text = text.translate(_CONTROL).strip()
    problems = {}
    if kind is not ReplyKind.WRONG:
        text = ""
    elif not text:
        problems["text"] = (
            "Bitte schreiben Sie, was falsch ist."
            if plain
            else "Bitte beschreiben Sie kurz, was nicht stimmt."
        )
    elif len(text) > MOST_CHARACTERS:
        problems["text"] = (
            f"Der Text hat {len(text)} Zeichen. Möglich sind höchstens {MOST_CHARACTERS}."
        )
    scopes = _SCOPES[kind]
    chosen = scopes[0] if len(scopes) == 1 else next((s for s in scopes if s == scope), None)
    if chosen is None:
        problems["umfang"] = "Bitte wählen Sie eine der beiden Möglichkeiten."
    return chosen, text, problems
