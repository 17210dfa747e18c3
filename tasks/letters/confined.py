"""Fills templates that a municipality has written itself, in a process that can do nothing else.

Jinja's sandbox and Typst keep a template from Python and from most files, and bound neither time
nor memory. So such templates are filled by a process of their own, which starts without our
environment, reads templates and fonts, and then closes every door: it opens no further file, no
connection and no program (`#import "@preview/…"` fetches nothing), and has so much memory. Whoever
waits for it waits so long, and ends it then. What ends it three times is not tried again until the
files change.

    parent ──method, arguments (pickle)──► child ──answer or error (JSON, a line)──► parent

What a child answers is data and never unpickled: it may be the template's.
"""

import base64
import json
import os
import pickle
import resource
import select
import struct
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, BinaryIO, cast

from jinja2 import DictLoader

from tasks.errors import LetterIncomplete
from tasks.letters.content import LetterContent, RenderedLetter, Section
from tasks.letters.page_html import PagePart
from tasks.letters.render import LetterRenderer
from tasks.letters.sample import sample_reply
from tasks.letters.words import sandbox, template_errors

SECONDS = 20.0  # for one letter, which takes some hundredths
START_SECONDS = 60.0
MEMORY = 1024**3  # bytes of address space; three times what letters need
ENDED = 3  # of its processes, until no further one is tried
SIDE_BY_SIDE = 2
_LARGEST_ANSWER = 64 * 1024**2
_ROOT = str(Path(__file__).resolve().parents[2])
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); import tasks.letters.confined as c; c.serve()"
)
_SIZE = struct.Struct(">Q")


class ConfinedRenderer(LetterRenderer):
    """As a LetterRenderer, which works elsewhere. May be called from several threads.

    Raises LetterIncomplete, `letter.template_too_costly` where the process had to be ended.
    """

    def __init__(self, template_dirs: Sequence[Path]) -> None:
        self._folders = [str(folder.resolve()) for folder in template_dirs]
        self._idle: SimpleQueue[_Child] = SimpleQueue()
        self._turns = threading.BoundedSemaphore(SIDE_BY_SIDE)
        self._ended = 0

    def render(self, content: LetterContent) -> RenderedLetter:
        return self._rendered("render", content)

    def render_to_send(self, content: LetterContent) -> RenderedLetter:
        return self._rendered("render_to_send", content)

    def render_without_pdf(self, content: LetterContent) -> RenderedLetter:
        return self._rendered("render_without_pdf", content)

    def page_part(
        self, section: Section, content: LetterContent, hidden: frozenset[str]
    ) -> PagePart:
        html, decides, subject = self._ask(content.letter_id, "page_part", section, content, hidden)
        return PagePart(html, bool(decides), subject)

    def _rendered(self, method: str, content: LetterContent) -> RenderedLetter:
        subject, text, html, pdf = self._ask(content.letter_id, method, content)
        return RenderedLetter(subject, text, html, base64.b64decode(pdf))

    def _ask(self, ref: str, method: str, *args: object) -> Sequence[Any]:
        with self._turns:
            if self._ended >= ENDED:
                raise LetterIncomplete("letter.template_too_costly", ref, "given up")
            child = self._child()
            try:
                answer = child.ask((method, args))
            except (OSError, ValueError):
                child.end()
                self._ended += 1
                raise LetterIncomplete("letter.template_too_costly", ref) from None
            self._idle.put(child)
        if "code" in answer:
            raise LetterIncomplete(str(answer["code"]), ref, str(answer["detail"]))
        return cast(Sequence[Any], answer["said"])

    def _child(self) -> "_Child":
        try:
            return self._idle.get_nowait()
        except Empty:
            return _Child(self._folders)


class _Child:
    def __init__(self, folders: Sequence[str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603  (Python, and nothing that others name)
            [sys.executable, "-I", "-c", _START, _ROOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"MALLOC_ARENA_MAX": "2"},  # no secret, no address of a database
        )
        self._is_ready = False
        self.end = weakref.finalize(self, _end, self._process)
        self._write(folders)

    def ask(self, question: object) -> dict[str, Any]:
        """Raises OSError or ValueError where no answer comes, or none that can be read."""
        if not self._is_ready:
            self._hear(START_SECONDS)
            self._is_ready = True
        self._write(question)
        return self._hear(SECONDS)

    def _hear(self, seconds: float) -> dict[str, Any]:
        deadline, answer = time.monotonic() + seconds, bytearray()
        out = cast(BinaryIO, self._process.stdout).fileno()
        poll = select.poll()
        poll.register(out, select.POLLIN)
        while not answer.endswith(b"\n"):
            if not poll.poll(max(0, deadline - time.monotonic()) * 1000):
                raise TimeoutError
            part = os.read(out, 1024**2)
            answer += part
            if not part or len(answer) > _LARGEST_ANSWER:
                raise BrokenPipeError
        return cast(dict[str, Any], json.loads(answer))

    def _write(self, what: object) -> None:
        message = pickle.dumps(what)
        pipe = cast(BinaryIO, self._process.stdin)
        pipe.write(_SIZE.pack(len(message)) + message)
        pipe.flush()


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.communicate()


# In the child ---------------------------------------------------------------------------------


def serve() -> None:
    """Ends with the pipe: when the parent has gone, however it went."""
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    sys.stdout = sys.stderr
    folders = _read(questions)
    try:
        renderer = LetterRenderer([Path(folder) for folder in folders])
        renderer.warm_up()
        _load_all(LetterRenderer([Path(folders[-1])]))
        broken = None
    except LetterIncomplete as error:
        broken = error
    close_doors()
    answers.write(b"{}\n")
    while True:
        answers.flush()
        method, args = _read(questions)
        _hurry()
        try:
            if broken:
                raise broken
            answer: dict[str, object] = {"said": _flat(getattr(renderer, method)(*args))}
        except LetterIncomplete as error:
            answer = {"code": error.code, "detail": error.detail}
        except MemoryError:
            os._exit(1)
        answers.write(json.dumps(answer).encode() + b"\n")


def _load_all(ours: LetterRenderer) -> None:
    """Python loads a module, and how to tell of an error, when it is needed for the first time."""
    ours.render(sample_reply())
    with suppress(LetterIncomplete), template_errors(""):
        sandbox(DictLoader({"x": "{{ lipsum() | pprint | urlize | tojson }}{{ x }}"})).get_template(
            "x"
        ).render()


def close_doors() -> None:
    """For good: not even root may raise these again without a right that a container lacks."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CORE, 0),  # it would hold a resident's letter
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 0),  # what is open stays open, and nothing else is opened
    ):
        resource.setrlimit(what, (most, most))


def _hurry() -> None:
    """Should the parent be killed while this runs on, it ends by itself."""
    used = time.process_time()
    resource.setrlimit(resource.RLIMIT_CPU, (int(used + SECONDS * 4) + 1, -1))


def _read(pipe: BinaryIO) -> Any:
    head = pipe.read(_SIZE.size)
    if len(head) < _SIZE.size:
        os._exit(0)
    return pickle.loads(pipe.read(_SIZE.unpack(head)[0]))  # noqa: S301  (from our parent)


def _flat(result: RenderedLetter | PagePart) -> list[Any]:
    if isinstance(result, RenderedLetter):
        pdf = base64.b64encode(result.pdf).decode()
        return [result.subject, result.text, result.html, pdf]
    return list(result)
