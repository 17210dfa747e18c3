"""The log-in of Prefect's API. Whoever gets in may run code as our user, so nobody else does.

It goes by the environment: every user of the machine may read a command line.
"""

import base64
import json
import secrets
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any, NamedTuple

from tasks.settings import ROOT

POOL = "antragslos"
# What a run may say about how it is started: nothing. Prefect's own template takes a command, an
# environment and a folder from whoever makes the run.
POOL_TEMPLATE: dict[str, Any] = json.loads(
    (ROOT / "flows" / "work-pool.json").read_text(encoding="utf-8")
)

ELSEWHERE = "https://elsewhere.invalid"
NO_LOGIN = (
    "answers without a log-in: whoever reaches it runs code as the user of the worker. "
    "Start the server with PREFECT_SERVER_API_AUTH_STRING."
)
ANY_PAGE = (
    "answers to the web pages of others. "
    "Start the server with an empty PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS."
)
WRONG_LOGIN = "does not take the log-in of PREFECT_API_AUTH_STRING."
OPEN_POOL = (
    "has a work pool that takes a command from whoever makes a run. Put it right: "
    f"prefect work-pool create {POOL} --base-job-template flows/work-pool.json --overwrite"
)


def new_login() -> str:
    """`user:password`. The user's name says nothing; Prefect knows one log-in for all."""
    return f"antragslos:{secrets.token_urlsafe(32)}"


def closed(login: str) -> dict[str, str]:
    """Settings of a server and its clients: no answer without the log-in, and none to the web
    pages of others. Prefect's own asks where it comes from, by whatever name that is reached."""
    return {
        "PREFECT_SERVER_API_AUTH_STRING": login,
        "PREFECT_API_AUTH_STRING": login,
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": "",
        "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_UI_API_URL": "/api",
    }


def problems_of(api: str, login: str) -> list[str]:
    """What is open that should be shut at the API of this address: asked as the page of another
    origin without the log-in, then with it.

    Raises OSError where it cannot be asked.
    """
    stranger = _ask(f"{api}/admin/version", {"Origin": ELSEWHERE})
    token = base64.b64encode(login.encode()).decode()
    pool = _ask(f"{api}/work_pools/{POOL}", {"Authorization": f"Basic {token}"} if login else {})
    # A string is Prefect's version. A proxy that asks for a log-in of its own shows a page.
    tried = {
        NO_LOGIN: isinstance(stranger.said, str),
        ANY_PAGE: stranger.allowed in ("*", ELSEWHERE),
        WRONG_LOGIN: pool.status in (401, 403),
        OPEN_POOL: isinstance(pool.said, dict)
        and pool.said.get("base_job_template", POOL_TEMPLATE) != POOL_TEMPLATE,
    }
    return [problem for problem, found in tried.items() if found]


class _Answer(NamedTuple):
    status: int
    said: Any  # None: no JSON
    allowed: str | None  # the origin whose pages may read it


def _ask(url: str, headers: dict[str, str]) -> _Answer:
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310  a setting of the admin
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return _read(answer, answer.status)
    except urllib.error.HTTPError as refused:
        return _read(refused, refused.code)
    except (HTTPException, ValueError):  # whose text may quote the address, with a password in it
        raise OSError("no such address, or no HTTP there") from None


def _read(answer: Any, status: int) -> _Answer:
    try:
        said = json.loads(answer.read())
    except ValueError:
        said = None
    return _Answer(status, said, answer.headers.get("Access-Control-Allow-Origin"))
