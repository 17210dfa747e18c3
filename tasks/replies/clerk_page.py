"""The clerks' page: open questions with all that an answer needs, and replies taken on the phone.

Personal data is shown here on purpose, behind a log-in and to the clerks of one municipality only.
A GET never changes anything. After a POST the browser fetches a page that says what was recorded;
what stands there comes from the session and holds no personal data.
"""

from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, Response
from fastapi.routing import APIRoute

from tasks.domain.reply import IdentityDocument, ReplyKind, Scope
from tasks.domain.statements import wrong_with
from tasks.errors import ReplyRefused
from tasks.replies.desk import BirthDate, ClerkDesk, QuestionView, Seat
from tasks.replies.door import Door
from tasks.replies.guard import (
    CLERKS,
    Clock,
    Pages,
    Turns,
    begin_session,
    client_of,
    from_our_form,
    go,
    show,
    utc_now,
)
from tasks.replies.wording import words

WARNING = "Achtung"  # the label of a line in a question's view that must not be overlooked
LONGEST_NOTE = 2_000
AT_ONCE = 8  # requests of one clerk: pages opened side by side
WRONG_STATEMENTS = {
    "question.no_words": "Bitte füllen Sie das aus: Es gehört zu den Gründen (§ 39 VwVfG).",
    "question.bad_day": "Bitte geben Sie einen Tag bis heute an, zum Beispiel 25.11.2026.",
    "question.year_over": "Seitdem ist mehr als ein Jahr vergangen. Die Entscheidung ist nicht "
    "mehr zulässig (§ 48 Abs. 4 VwVfG).",
}
LONGEST_TEXT = 4_000
# What a resident may say on the phone, and how far it reaches: no other pair is offered.
ANSWERS = {
    "deregister:case": (
        "Abmeldung",
        "Der Ausweis oder die Leistung wird nicht mehr gebraucht und endet.",
    ),
    "deregister:service": (
        "Abmeldung, auch künftig",
        "Wie oben; bei diesem Dienst geschieht künftig nichts mehr ohne Antrag.",
    ),
    "wrong:case": (
        "„Das stimmt nicht“",
        "Die Sachbearbeitung prüft; bis dahin entscheidet kein Programm. Bitte unten notieren.",
    ),
    "object:case": (
        "Widerspruch angekündigt",
        "Die Ankündigung ersetzt keinen Widerspruch. Bitte weisen Sie auf Form und Frist hin.",
    ),
    "opt_out:service": (
        "Kein Tätigwerden ohne Antrag: dieser Dienst",
        "Widerspruch nach Art. 21 DSGVO. Was im Schreiben steht, bleibt gültig.",
    ),
    "opt_out:information": (
        "Kein Tätigwerden ohne Antrag: alle Dienste, die nur informieren",
        "Widerspruch nach Art. 21 DSGVO, auch für alle Hinweise auf Fristen und Ansprüche.",
    ),
}

DOCUMENTS = {
    IdentityDocument.IDENTITY_CARD.value: "Personalausweis",
    IdentityDocument.PASSPORT.value: "Reisepass",
    IdentityDocument.RESIDENCE_TITLE.value: "Aufenthaltstitel",
}

OurForm = Depends(from_our_form)
Text = Annotated[str, Form()]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


def _statements(
    facts: Text = "",
    unlawful: Text = "",
    known_since: Text = "",
    public_interest: Text = "",
    discretion: Text = "",
    hearing: Text = "",
) -> dict[str, str]:
    """Of the form, whichever of them it has."""
    return {name: said.strip() for name, said in locals().items()}


Stated = Annotated[dict[str, str], Depends(_statements)]


class _NotLoggedIn(Exception):
    pass


class _ClerkRoute(APIRoute):
    """Without a session every page leads to the log-in."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await handle(request)
            except _NotLoggedIn:
                return go(request, CLERKS)

        return guarded


def clerk_router(desk: ClerkDesk, pages: Pages, now: Clock = utc_now) -> APIRouter:
    router, door, turns = APIRouter(route_class=_ClerkRoute), Door(desk), Turns(AT_ONCE)

    def page(request: Request, template: str, status: int = 200, **values: object) -> HTMLResponse:
        seat = getattr(request.state, "seat", None)
        office = desk.office(seat) if seat else None
        shared: dict[str, object] = {"seat": seat, "office": office, "home": CLERKS}
        return show(pages, request, template, status, **(shared | values))

    def enter(request: Request) -> Seat:
        """Whoever logged out or was shut out since is out with the next request."""
        secret = request.session.get("clerk", "")
        if not secret:
            raise _NotLoggedIn
        seat = desk.seat(secret, now())
        request.state.seat = seat
        return seat

    def at_the_desk(request: Request) -> Iterator[Seat]:
        seat = enter(request)
        with turns.of(f"{seat.municipality} {seat.sign}"):
            yield seat

    AtTheDesk = Annotated[Seat, Depends(at_the_desk)]

    @router.get("", response_class=HTMLResponse)
    def home(request: Request, dienst: str = "", frage: str = "") -> Response:
        """Log in; logged in: the open questions, narrowed by service and kind."""
        if "clerk" not in request.session:
            return page(request, "clerk_login.html.j2", town="", sign="", problems={})
        lines = desk.questions(enter(request))
        found = [
            line for line in lines if dienst in ("", line.service) and frage in ("", line.code)
        ]
        return page(
            request,
            "clerk_questions.html.j2",
            lines=found,
            count=len(lines),
            services=sorted({line.service for line in lines}),
            codes={line.code: line.text for line in lines},
            service=dienst,
            code=frage,
        )

    @router.post("/anmelden", dependencies=[OurForm], response_class=HTMLResponse)
    async def log_in(
        request: Request, town: Text = "", sign: Text = "", password: Text = ""
    ) -> Response:
        town, sign = town.strip().lower(), sign.strip().lower()
        try:
            seat = await door.knock(client_of(request), town, sign, password, now())
        except ReplyRefused as error:
            if error.code != "clerk.refused":
                raise
            said = words(error.code)
            return page(
                request,
                "clerk_login.html.j2",
                said.status,
                town=town,
                sign=sign,
                problems={"town": said.text},
            )
        begin_session(request, clerk=await run_in_threadpool(desk.log_in, seat, now()))
        return go(request, CLERKS)

    @router.post("/abmelden", dependencies=[OurForm])
    def log_out(request: Request) -> Response:
        secret = request.session.get("clerk", "")
        request.session.clear()
        if secret:
            desk.log_out(secret)
        return go(request, CLERKS)

    @router.get("/fragen/{question}", response_class=HTMLResponse)
    def look(request: Request, seat: AtTheDesk, question: Number) -> Response:
        return asked(request, desk.question(seat, question))

    def asked(
        request: Request,
        view: QuestionView,
        problems: dict[str, str] | None = None,
        note: str = "",
        stated: Mapping[str, str] = {},
        status: int = 422,
    ) -> Response:
        return page(
            request,
            "clerk_question.html.j2",
            status if problems else 200,
            view=view,
            warning=WARNING,
            problems=problems or {},
            note=note,
            stated=stated,
        )

    def not_as_seen(
        request: Request, view: QuestionView, note: str = "", stated: Mapping[str, str] = {}
    ) -> Response:
        """The question as it stands now, with what the clerk has written: nothing was recorded."""
        said = words("question.changed")
        return asked(request, view, {"antwort": said.text}, note, stated, said.status)

    @router.post("/fragen/{question}", dependencies=[OurForm], response_class=HTMLResponse)
    def answer(
        request: Request,
        seat: AtTheDesk,
        question: Number,
        stated: Stated,
        choice: Text = "",
        note: Text = "",
        seen: Text = "",
    ) -> Response:
        view = desk.question(seat, question)
        if seen != view.seen:
            return not_as_seen(request, view, note, stated)
        problems = {}
        taken = next((one for one in view.choices if one.name == choice), None)
        if taken is None:
            problems["wahl-1"] = "Bitte wählen Sie eine Antwort."
        for name, code in wrong_with(taken.takes if taken else None, stated, view.today).items():
            problems[name] = WRONG_STATEMENTS[code]
        for name in (name for name, said in stated.items() if len(said) > LONGEST_NOTE):
            problems[name] = f"Höchstens {LONGEST_NOTE} Zeichen."
        if len(note) > LONGEST_NOTE:
            problems["note"] = f"Der Vermerk darf höchstens {LONGEST_NOTE} Zeichen haben."
        if problems:
            return asked(request, view, problems, note, stated)
        try:
            status = desk.answer(seat, question, choice, note.strip(), seen, stated)
        except ReplyRefused as error:
            if error.code != "question.changed":
                raise
            return not_as_seen(request, desk.question(seat, question), note, stated)
        said = next((one.text for one in view.choices if one.name == choice), choice)
        return done(request, what=status, case=view.line.case, question=question, choice=said)

    @router.post("/fragen/{question}/bestaetigen", dependencies=[OurForm])
    def confirm(
        request: Request, seat: AtTheDesk, question: Number, agree: Text = "", seen: Text = ""
    ) -> Response:
        if agree not in ("ja", "nein"):
            raise ReplyRefused("question.bad_choice")
        view = desk.question(seat, question)
        try:
            desk.confirm(seat, question, agree == "ja", seen)
        except ReplyRefused as error:
            if error.code != "question.changed":
                raise
            return not_as_seen(request, desk.question(seat, question))
        said = view.answer[0] if view.answer else ""
        text = next((one.text for one in view.choices if one.name == said), said)
        what = "confirmed" if agree == "ja" else "refused"
        return done(request, what=what, case=view.line.case, question=question, choice=text)

    def done(request: Request, **what: object) -> Response:
        request.session["done"] = what
        return go(request, f"{CLERKS}/erledigt")

    @router.get("/erledigt", response_class=HTMLResponse)
    def recorded(request: Request, seat: AtTheDesk) -> Response:
        """What the last POST of this session has recorded; may be printed, and looked at again."""
        what = request.session.get("done")
        return page(request, "clerk_done.html.j2", done=what) if what else go(request, CLERKS)

    @router.get("/faelle", response_class=HTMLResponse)
    def story(
        request: Request, seat: AtTheDesk, fall: Annotated[str, Query(max_length=40)] = ""
    ) -> Response:
        """The whole life of a case, by its number."""
        case = fall.strip().lower()
        if not case:
            return page(request, "clerk_story.html.j2", case="", lines=(), problems={})
        try:
            lines, problems = desk.story(seat, case), {}
        except ReplyRefused:
            lines, problems = (), {"fall": "Diesen Fall gibt es in Ihrer Kommune nicht."}
        return page(
            request,
            "clerk_story.html.j2",
            404 if problems else 200,
            case=case,
            lines=lines,
            problems=problems,
        )

    @router.get("/gesperrt", response_class=HTMLResponse)
    def locked(
        request: Request, seat: AtTheDesk, schreiben: Annotated[str, Query(max_length=40)] = ""
    ) -> Response:
        """Whom a locked letter is for: the clerk compares it with an identity document."""
        return ask_document(request, seat, schreiben.strip().lower())

    def ask_document(
        request: Request,
        seat: Seat,
        reference: str,
        problems: dict[str, str] | None = None,
        status: int = 422,
    ) -> Response:
        problems, view = problems or {}, None
        try:
            view = desk.locked_letter(seat, reference) if reference else None
        except ReplyRefused as error:
            said = words(error.code)
            problems, status = {"schreiben": said.text}, said.status
        return page(
            request,
            "clerk_locked.html.j2",
            status if problems else 200,
            reference=reference,
            view=view,
            documents=DOCUMENTS,
            problems=problems,
        )

    @router.post("/gesperrt", dependencies=[OurForm], response_class=HTMLResponse)
    def open_again(
        request: Request, seat: AtTheDesk, letter: Text = "", document: Text = "", seen: Text = ""
    ) -> Response:
        """Shows the new code once: it goes into no cookie, no address and no log."""
        if document not in DOCUMENTS:
            problems = {"document-1": "Bitte sagen Sie, welches Dokument Sie gesehen haben."}
            return ask_document(request, seat, letter, problems)
        try:
            code = desk.reopen(seat, letter, IdentityDocument(document), seen)
        except ReplyRefused as error:
            if error.code != "question.changed":
                raise
            said = words(error.code)
            return ask_document(request, seat, letter, {"person": said.text}, said.status)
        return page(request, "clerk_new_code.html.j2", letter=letter, code=code)

    @router.get("/antwort", response_class=HTMLResponse)
    def reply_form(request: Request, seat: AtTheDesk) -> Response:
        return reply_page(request, {})

    def reply_page(
        request: Request,
        typed: dict[str, str],
        problems: dict[str, str] | None = None,
        status: int = 200,
    ) -> Response:
        return page(
            request,
            "clerk_reply.html.j2",
            status,
            typed=dict.fromkeys(("code", "tag", "monat", "jahr", "answer", "text"), "") | typed,
            answers=ANSWERS,
            problems=problems or {},
        )

    @router.post("/antwort", dependencies=[OurForm], response_class=HTMLResponse)
    def take_reply(
        request: Request,
        seat: AtTheDesk,
        code: Text = "",
        tag: Text = "",
        monat: Text = "",
        jahr: Text = "",
        answer: Text = "",
        text: Text = "",
    ) -> Response:
        typed = {"code": code, "tag": tag, "monat": monat, "jahr": jahr}
        typed |= {"answer": answer, "text": text}
        if problems := _problems(typed):
            return reply_page(request, typed, problems, 422)
        born = BirthDate(*(int(part.strip() or 0) for part in (jahr, monat, tag)))
        kind, _, scope = answer.partition(":")
        try:
            receipt = desk.take_reply(seat, code, born, ReplyKind(kind), Scope(scope), text)
        except ReplyRefused as error:
            said = words(error.code)
            field = "tag" if error.code == "reply.wrong_birth_date" else "code"
            return reply_page(request, typed, {field: said.text}, said.status)
        # Without the letter's subject: a cookie is signed, and everyone can read it.
        return done(request, what="reply", receipt=asdict(receipt) | {"subject": ""})

    return router


def _problems(typed: dict[str, str]) -> dict[str, str]:
    """What can be said of a typed reply before asking anybody: field -> sentence."""
    problems = {}
    parts = [typed[name].strip() for name in ("tag", "monat", "jahr")]
    numbers = all(part.isascii() and part.isdecimal() and len(part) < 5 for part in parts if part)
    if not typed["code"].strip():
        problems["code"] = "Bitte geben Sie den Code aus dem Schreiben ein."
    if not parts[2] or not numbers:
        problems["tag"] = "Bitte geben Sie das Geburtsdatum in Zahlen ein, mindestens das Jahr."
    if typed["answer"] not in ANSWERS:
        problems["answer-1"] = "Bitte wählen Sie, was die Person sagt."
    if typed["answer"] == "wrong:case" and not typed["text"].strip():
        problems["text"] = "Bitte schreiben Sie auf, was nach Angabe der Person nicht stimmt."
    if len(typed["text"]) > LONGEST_TEXT:
        problems["text"] = f"Der Text darf höchstens {LONGEST_TEXT} Zeichen haben."
    return problems
