"""The application: residents' page and clerks' page behind one guard. Needs neither Prefect nor
JavaScript, and records only: what follows from a reply, the flows do."""

import hashlib
from collections.abc import Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from tasks.errors import ReplyRefused, TemporaryError
from tasks.replies import wording
from tasks.replies.clerk_page import clerk_router
from tasks.replies.desk import ClerkDesk, ResidentDesk
from tasks.replies.guard import CLERKS, STYLE, Clock, Guard, Pages, Sessions, show, utc_now
from tasks.replies.resident import resident_router
from tasks.replies.wording import Words

# What a page needs that stands outside of any request.
_ALONE = {
    "csrf": "",
    "plain": False,
    "to": str,
    "other_language": "",
    "office": None,
    "open_session": False,
    "home": "/",
}


def create_app(
    residents: ResidentDesk,
    clerks: ClerkDesk | None,
    pages: Pages,
    key: bytes,
    *,
    secure: bool,
    now: Clock = utc_now,
    on_error: Callable[[Exception], None] = lambda error: None,
) -> FastAPI:
    """`secure`: reached over https, so the cookie goes over nothing else. `on_error` hears of what
    nobody foresaw; whatever it does with it, the exception's text may be a resident's."""
    app = FastAPI(
        title="antragslos",
        description="Residents answer a letter. All pages are HTML, in German.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        # It would answer with an address made of the Host header, and of http behind a proxy: the
        # secret of a link with a slash too many would go there.
        redirect_slashes=False,
    )
    style = pages("style.css")
    app.state.style = f"{STYLE}?v={hashlib.sha256(style.encode()).hexdigest()[:12]}"
    broken = pages("error.html.j2", **_ALONE, words=wording.BROKEN, style=app.state.style)
    app.add_middleware(Sessions, key=key, secure=secure, now=now)
    app.add_middleware(Guard, secure=secure, broken=broken, on_error=on_error)

    @app.get(STYLE, include_in_schema=False)
    def stylesheet() -> Response:
        forever = "public, max-age=31536000, immutable"  # another text has another address
        return Response(style, media_type="text/css", headers={"Cache-Control": forever})

    @app.get("/favicon.ico", include_in_schema=False, status_code=204)
    @app.get("/gesund", status_code=204, response_class=Response)
    async def healthy() -> None:
        """Answers while the process lives: it needs neither a database nor one of the threads."""

    app.include_router(resident_router(residents, pages, now))
    if clerks:
        app.include_router(clerk_router(clerks, pages, now), prefix=CLERKS)
    _answer_errors(app, pages, on_error)
    return app


def _answer_errors(app: FastAPI, pages: Pages, on_error: Callable[[Exception], None]) -> None:
    def page(request: Request, words: Words, **headers: str) -> Response:
        home = CLERKS if request.url.path.startswith(CLERKS) else "/"
        office = getattr(request.state, "office", None)  # whom to call, where it is known
        values = {"words": words, "home": home, "office": office}
        answer = show(pages, request, "error.html.j2", words.status, **values)
        answer.headers.update({name.replace("_", "-"): text for name, text in headers.items()})
        return answer

    @app.exception_handler(ReplyRefused)
    async def refused(request: Request, error: ReplyRefused) -> Response:
        words = wording.words(error.code)
        if error.code in ("clerk.session_over", "reply.session_over"):
            request.session.clear()
        waits = {"Retry_After": error.ref} if error.code == "reply.too_many_tries" else {}
        return page(request, words, **waits)

    @app.exception_handler(TemporaryError)
    async def unreachable(request: Request, error: TemporaryError) -> Response:
        on_error(error)
        return page(request, wording.UNREACHABLE, Retry_After="120")

    @app.exception_handler(RequestValidationError)
    async def unreadable(request: Request, error: RequestValidationError) -> Response:
        in_address = any(problem["loc"][0] == "path" for problem in error.errors())
        return page(request, wording.NOT_FOUND if in_address else wording.BAD_INPUT)

    @app.exception_handler(HTTPException)
    async def plainly(request: Request, error: HTTPException) -> Response:
        words = wording.for_status(error.status_code)
        return page(request, words, **dict(error.headers or {}))
