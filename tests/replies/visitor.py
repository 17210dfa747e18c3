"""A resident without JavaScript: opens pages, fills the form that is there, follows redirects."""

import re
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI

with warnings.catch_warnings():  # of the client library it uses
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

from tasks.letters.pages import Pages
from tasks.replies.app import create_app
from tests.replies.fake_desk import FakeDesk

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
KEY = b"a key for tests, and only for those"


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)


def app_for(
    desk: FakeDesk,
    *,
    secure: bool = False,
    clock: Callable[[], datetime] | None = None,
    on_error: Callable[[Exception], None] = lambda error: None,
    key: bytes = KEY,
) -> FastAPI:
    return create_app(
        desk,
        None,
        Pages(TEMPLATES),
        key,
        secure=secure,
        now=clock or Clock(),
        on_error=on_error,
    )


class Visitor:
    def __init__(self, app: FastAPI, address: str = "192.0.2.1", https: bool = False) -> None:
        scheme = "https" if https else "http"
        self.client = TestClient(app, f"{scheme}://stadt.example", client=(address, 50000))
        self.page: Any = None

    def open(self, path: str, method: str = "GET") -> Any:
        self.page = self.client.request(method, path)
        return self.page

    def submit(self, path: str = "", **fields: str) -> Any:
        """The form of this page; `path` where its button or another form leads elsewhere."""
        path = path or re.findall(r'<form[^>]* action="([^"]+)" novalidate', self.page.text)[0]
        return self.post(path, csrf=self.csrf(), **fields)

    def post(self, path: str, **fields: str) -> Any:
        self.page = self.client.post(path, data=fields)
        return self.page

    def csrf(self) -> str:
        return re.findall(r'name="csrf" value="([^"]+)"', self.page.text)[0]

    def come_in(self, secret: str, day: str = "29", month: str = "2", year: str = "1964") -> Any:
        self.open(f"/a/{secret}")
        return self.submit(tag=day, monat=month, jahr=year)

    def answer(self, case: str, answer: str, scope: str = "", text: str = "") -> Any:
        path = f"/brief/{case}/{answer}"
        self.open(path)
        self.submit(path, umfang=scope, text=text)
        return self.submit(f"{path}/absenden", umfang=scope, text=text)
