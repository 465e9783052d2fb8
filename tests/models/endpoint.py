"""An OpenAI-compatible endpoint on this machine that behaves as it is told: chat completions and images.

    with serve(RATE_LIMITED, HTTP_500, completion("hello")) as server:
        ...  # server.base_url, server.requests; the last act is repeated

An act is an `Answer`; a number (seconds of silence, after which the connection ends); or (status, body). A body of
bytes is sent as it is, anything else as JSON.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

KEY = "secret-key-of-the-test"


@dataclass(frozen=True)
class Answer:
    """What is sent.

    `silence`: seconds before the first byte; `drip`: seconds between the bytes of the body (a slow body);
    `cut`: the connection ends halfway through the body; `headers` come beside those that every answer has.
    """

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    silence: float = 0.0
    drip: float = 0.0
    cut: bool = False

    @property
    def data(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Act = Answer | tuple[int, Any] | float


def completion(
    text: str | None, *, finish: str = "stop", refusal: str | None = None, usage: tuple[int, int] | None = (7, 3)
) -> dict[str, Any]:
    """The body of a chat completion with one choice; `usage`: tokens of the prompt and of the reply."""
    message = {"role": "assistant", "content": text, "refusal": refusal}
    body: dict[str, Any] = {
        "id": "x",
        "object": "chat.completion",
        "created": 0,
        "model": "tiny-1",
        "choices": [{"index": 0, "finish_reason": finish, "message": message}],
    }
    if usage is not None:
        body["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
    return body


def first_token(likeliest: Any, text: str | None = "Yes") -> dict[str, Any]:
    """The body of a chat completion that was cut off after its first token; `likeliest`: log-probability by token."""
    body = completion(text, finish="length", usage=(7, 1))
    top = [{"token": token, "logprob": logprob, "bytes": None} for token, logprob in likeliest.items()]
    body["choices"][0]["logprobs"] = {"content": [{"token": text, "logprob": -0.1, "bytes": None, "top_logprobs": top}]}
    return body


def png(width: int = 16, height: int = 16, colour: tuple[int, int, int] = (200, 30, 30)) -> bytes:
    """An image of one colour."""
    stream = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(stream, "PNG")
    return stream.getvalue()


def images(*files: bytes | str, usage: tuple[int, int] | None = (7, 272)) -> dict[str, Any]:
    """The body of an answer of the images API; text stands for itself as `b64_json`, bytes are encoded."""
    encoded = [file if isinstance(file, str) else base64.b64encode(file).decode() for file in files]
    body: dict[str, Any] = {"created": 0, "data": [{"b64_json": text} for text in encoded]}
    if usage is not None:
        body["usage"] = {"input_tokens": usage[0], "output_tokens": usage[1], "total_tokens": sum(usage)}
    return body


def failure(status: int, message: str, code: str | None = None, **headers: str) -> Answer:
    """An error as the API words them."""
    return Answer({"error": {"message": message, "type": "error", "code": code, "param": None}}, status, headers)


RATE_LIMITED = failure(429, "slow down", "rate_limit_exceeded")
NO_QUOTA = failure(429, "you exceeded your current quota", "insufficient_quota")
HTTP_500 = Answer(b"oops", 500)
HTTP_503 = Answer(b"", 503)
BROKEN_JSON = Answer(b'{"choices": [{')
NO_JSON = Answer(b"<html>hello</html>")
BAD_BASE64 = Answer(images("!!! this is not base64 !!!"))
NO_IMAGE = Answer(images(b"these bytes are no image"))
MODERATED = failure(400, "rejected by the safety system", "moderation_blocked")
REFUSED = Answer(completion(None, refusal="I will not."))
CUT = Answer(completion("hello"), cut=True)


def wrong_size(width: int = 7, height: int = 5) -> Answer:
    """An image of another size than anybody asks for."""
    return Answer(images(png(width, height)))


def slow_body(body: Any, drip: float = 0.05) -> Answer:
    """An answer whose every byte comes in time, and the last one never."""
    return Answer(body, drip=drip)


@dataclass
class Endpoint:
    """What was asked, and where.

    `requests` are bodies, parsed where they are JSON; `paths`, `keys` (Authorization) and `moments` (time.monotonic)
    stand in the same order. `most_at_once`: how many requests were in progress together, at most.
    """

    base_url: str
    requests: list[Any] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)
    most_at_once: int = 0


class _Server(ThreadingHTTPServer):
    """Does not wait for those whose answer goes on for ever."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what some tests are about."""


def serve(*acts: Act | dict[str, Any]) -> contextlib.AbstractContextManager[Endpoint]:
    """Serve the acts one after another, the last one for ever. A dict is the body of a good answer."""
    made = [Answer(act) if isinstance(act, dict) else act for act in acts]
    return endpoint(lambda number, _: made[min(number, len(made) - 1)])


@contextmanager
def endpoint(act: Callable[[int, Any], Act]) -> Iterator[Endpoint]:
    """Serve; `act` is given the number of the request from 0 and its body."""
    lock, over = threading.Lock(), threading.Event()
    now = 0

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            nonlocal now
            data = self.rfile.read(int(self.headers["Content-Length"]))
            json_sent = "json" in self.headers.get("Content-Type", "")
            body = json.loads(data) if json_sent else data
            with lock:
                number = len(seen.requests)
                seen.requests.append(body)
                seen.paths.append(self.path)
                seen.keys.append(self.headers.get("Authorization", ""))
                seen.moments.append(time.monotonic())
                now += 1
                seen.most_at_once = max(seen.most_at_once, now)
            try:
                self.answer(act(number, body))
            finally:
                with lock:
                    now -= 1

        def answer(self, what: Act) -> None:
            if isinstance(what, float):
                over.wait(what)
                return
            sent = Answer(what[1], what[0]) if isinstance(what, tuple) else what
            over.wait(sent.silence)
            data = sent.data
            headers = {"Content-Type": "application/json", "Content-Length": str(len(data)), "retry-after-ms": "1"}
            self.send_response(sent.status)
            for name, value in {**headers, **sent.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if sent.cut:
                self.wfile.write(data[: len(data) // 2])
            elif sent.drip:
                for place in range(len(data)):
                    if over.wait(sent.drip):
                        return
                    self.wfile.write(data[place : place + 1])
                    self.wfile.flush()
            else:
                self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    seen = Endpoint(f"http://127.0.0.1:{server.server_address[1]}/v1")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()
