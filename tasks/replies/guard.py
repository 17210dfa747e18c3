"""What stands between the network and the pages: sessions, forgery, headers, sizes, guessing.

A session is a signed cookie with a token against forged forms, times, and a secret that the desk
knows: who is inside is remembered there, so that a copied cookie opens nothing once its owner has
left. Before the birth date or the password was right the server remembers nothing.
Residents and clerks have cookies apart: a link in a mail starts a session of its own
(SameSite=Strict keeps the old one at home), and that must not log a clerk out.
"""

import hmac
import ipaddress
import secrets
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tasks.errors import ReplyRefused

Pages = Callable[..., str]  # template, **values -> HTML
Clock = Callable[[], datetime]

CLERKS = "/sachbearbeitung"
STYLE = "/stil.css"
IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=8)  # a copied cookie does not live for ever, however busy
MOST_BYTES = 64 * 1024
PLAIN = "einfach"  # ?einfach=1: plain language, carried from page to page in the address

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def utc_now() -> datetime:
    return datetime.now(UTC)


# --- what a route uses ---------------------------------------------------------------------------


def show(
    pages: Pages, request: Request, template: str, status: int = 200, /, **values: object
) -> HTMLResponse:
    """A page in the frame; every template may also use what is set here."""
    plain = is_plain(request)
    shared: dict[str, object] = {
        "csrf": csrf_token(request),
        "plain": plain,
        "style": request.app.state.style,
        "to": lambda path: address(path, plain),
        "path": request.url.path,
        "other_language": address(request.url.path, not plain),
        "office": None,
        "open_session": "inside" in request.session,
    }
    return HTMLResponse(pages(template, **(shared | values)), status)


def go(request: Request, path: str) -> Response:
    """After a POST: the browser fetches `path`, and reloading repeats nothing."""
    return RedirectResponse(address(path, is_plain(request)), status_code=303)


def is_plain(request: Request) -> bool:
    return request.query_params.get(PLAIN) == "1"


def address(path: str, plain: bool) -> str:
    """On this site: `//evil.example`, which an error page gives back, would lead to another one."""
    path = f"/{quote(path).lstrip('/')}"
    return f"{path}?{urlencode({PLAIN: 1})}" if plain else path


def csrf_token(request: Request) -> str:
    """Made with the first page of a session; each form carries it as `csrf`."""
    if "csrf" not in request.session:
        request.session["csrf"] = secrets.token_urlsafe(24)
    return str(request.session["csrf"])


async def from_our_form(
    request: Request,
    csrf: Annotated[str, Form(description="From the form: belongs to the session")] = "",
) -> None:
    """A dependency of every POST: raises reply.stale_form."""
    # Origin says nothing here: with Referrer-Policy no-referrer browsers send "null".
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise ReplyRefused("reply.stale_form")
    expected = str(request.session.get("csrf", ""))
    if not expected or not hmac.compare_digest(csrf.encode(errors="replace"), expected.encode()):
        raise ReplyRefused("reply.stale_form")


def begin_session(request: Request, **ids: str) -> None:
    """A new one with a token of its own: nothing of the old one stays."""
    request.session.clear()
    request.session.update(ids)


# --- guessing ------------------------------------------------------------------------------------


class Tries:
    """Wrong links and codes of each client address, in memory and bounded: the least recent go."""

    def __init__(
        self, most: int = 30, within: timedelta = timedelta(minutes=10), addresses: int = 10_000
    ) -> None:
        self._most, self._within, self._addresses = most, within.total_seconds(), addresses
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = Lock()

    @contextmanager
    def counted(self, client: str, now: datetime, wrong: Collection[str]) -> Iterator[None]:
        """Counts a try before it is looked at, so that many at once are not more; one that is not
        refused with a code of `wrong` counts no longer. Raises reply.too_many_tries with the
        seconds to wait: who guesses on learns nothing, not even from a right one."""
        self._take(client, now)
        guessed = False
        try:
            yield
        except ReplyRefused as error:
            guessed = error.code in wrong
            raise
        finally:
            if not guessed:
                self._give_back(client, now)

    def _take(self, client: str, now: datetime) -> None:
        network, moment = network_of(client), now.timestamp()
        with self._lock:
            times = self._wrong.setdefault(network, deque())
            self._wrong.move_to_end(network)
            while len(self._wrong) > self._addresses:
                self._wrong.popitem(last=False)
            while times and times[0] <= moment - self._within:
                times.popleft()
            if len(times) < self._most:
                times.append(moment)
                return
            wait = times[0] + self._within - moment
        raise ReplyRefused("reply.too_many_tries", str(max(1, round(wait))))

    def _give_back(self, client: str, now: datetime) -> None:
        with self._lock, suppress(KeyError, ValueError):
            self._wrong[network_of(client)].remove(now.timestamp())


class Turns:
    """How much one person does at the same moment. What writes may have to wait for a writer, with
    one of the few threads: nobody waits with all of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._busy: Counter[str] = Counter()
        self._lock = Lock()

    @contextmanager
    def of(self, who: str) -> Iterator[None]:
        """Raises reply.too_many_tries."""
        with self._lock:
            if self._busy[who] >= self._most:
                raise ReplyRefused("reply.too_many_tries", "1")
            self._busy[who] += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy[who] -= 1
                self._busy += Counter()  # whoever has finished is forgotten


def client_of(request: Request) -> str:
    return request.client.host if request.client else ""


def network_of(client: str) -> str:
    """One household has one IPv4 address, but 2^64 of IPv6."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    if address.version == 4:
        return client
    return str(ipaddress.ip_network((int(address), 64), strict=False).network_address)


# --- around the application ----------------------------------------------------------------------


class Sessions:
    """Thirty minutes without a request end a session. Outside of it stands Starlette's cookie."""

    def __init__(self, app: ASGIApp, key: bytes, secure: bool, now: Clock) -> None:
        self._app, self._now = app, now
        self._residents = _cookie(self._keep, key, secure, "antragslos", "/")
        self._clerks = _cookie(self._keep, key, secure, "antragslos_sachbearbeitung", CLERKS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["path"], scope["method"]) == (STYLE, "GET"):
            await self._app(scope, receive, send)
        elif scope["path"] == CLERKS or scope["path"].startswith(f"{CLERKS}/"):
            await self._clerks(scope, receive, send)
        else:
            await self._residents(scope, receive, send)

    async def _keep(self, scope: Scope, receive: Receive, send: Send) -> None:
        session, now = scope["session"], int(self._now().timestamp())
        if session and not (
            now - session.get("seen", 0) <= IDLE.total_seconds()
            and now - session.get("since", 0) <= LONGEST.total_seconds()
        ):
            session.clear()

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start" and session:
                session["seen"] = now
                session.setdefault("since", now)
            await send(message)

        await self._app(scope, receive, sent)


def _cookie(app: ASGIApp, key: bytes, secure: bool, name: str, path: str) -> SessionMiddleware:
    own = hmac.digest(key, f"session {name}".encode(), "sha256").hex()
    return SessionMiddleware(
        app,
        own,
        session_cookie=name,
        max_age=int(IDLE.total_seconds()),
        path=path,
        same_site="strict",
        https_only=secure,
    )


class Guard:
    """Outermost: headers on every answer, a page instead of a traceback, no body too large.

    An exception ends here. Passed on, the server would print its text, and with it whatever of a
    resident's words stood in it.
    """

    def __init__(
        self, app: ASGIApp, *, secure: bool, broken: str, on_error: Callable[[Exception], None]
    ) -> None:
        self._app, self._broken, self._on_error = app, broken, on_error
        self._headers = dict(_HEADERS)
        if secure:
            self._headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False
        head = scope["method"] == "HEAD"  # answered like GET, without the body

        async def sent(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            elif head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        inner = {**scope, "method": "GET"} if head else scope
        try:
            await self._app(inner, _limited(scope, receive), sent)
        except ClientDisconnect:
            return  # whoever leaves half-way is no error of ours
        except Exception as error:
            self._on_error(error)
            if not started:
                await HTMLResponse(self._broken, 500)(inner, receive, sent)


def _limited(scope: Scope, receive: Receive) -> Receive:
    announced = Headers(scope=scope).get("content-length", "0")
    too_large = announced.isdecimal() and int(announced) > MOST_BYTES
    seen = 0

    async def read() -> Message:
        nonlocal seen
        if too_large:
            raise HTTPException(413)
        message = await receive()
        # Whatever was announced: what is sent in pieces is as long as it is.
        seen += len(message.get("body", b""))
        if seen > MOST_BYTES:
            raise HTTPException(413)
        return message

    return read
