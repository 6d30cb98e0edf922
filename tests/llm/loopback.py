"""A server on this machine that speaks the chat protocols and answers as a test tells it to."""

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """One reply: a body, or pieces of one that are sent as they come."""

    body: bytes | Iterable[bytes] = b"{}"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "application/json"


def said(value: object, status: int = 200, **headers: str) -> Answer:
    """Return a JSON reply; header names are written with underscores."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(json.dumps(value).encode(), status, named)


class Loopback:
    """Serves on a free port, one thread a request; notes what was asked and who hung up."""

    def __init__(self, answer: Callable[[Asked], Answer]) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self.hung_up = threading.Event()
        """Set when a client went away in the middle of a reply."""
        self._over = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                outer._serve(self)

            do_GET = do_POST

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                outer.hung_up.set()

        self._server = Server(("127.0.0.1", 0), Handler)
        self.root = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{self.root}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def wait(self, seconds: float) -> None:
        """Do nothing for so long, or until the server is closed."""
        self._over.wait(seconds)

    def close(self) -> None:
        """Stop serving."""
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        asked = Asked(
            handler.path,
            {name.lower(): text for name, text in handler.headers.items()},
            json.loads(handler.rfile.read(length) or b"{}"),
        )
        self.asked.append(asked)
        answer = self.answer(asked)
        handler.send_response(answer.status)
        handler.send_header("Content-Type", answer.kind)
        for name, text in answer.headers.items():
            handler.send_header(name, text)
        whole = isinstance(answer.body, bytes)
        if whole:
            handler.send_header("Content-Length", str(len(answer.body)))
        else:
            handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        if whole:
            handler.wfile.write(answer.body)
            return
        for piece in answer.body:
            handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        handler.wfile.write(b"0\r\n\r\n")


def openai_reply(text: object = "fine", **more: Any) -> Answer:
    """Return a whole reply of OpenAI's protocol; `more` goes into the choice."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}}
    return said(
        {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": "served-model",
            "choices": [choice | {"finish_reason": "stop"} | more],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
        }
    )


def openai_pieces(pieces: Iterable[str], *, ended: bool = True) -> Answer:
    """Return a streamed reply of OpenAI's protocol."""

    def chunk(delta: object, finish: str | None = None, **more: Any) -> bytes:
        value = {
            "id": "1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "served-model",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
        return f"data: {json.dumps(value | more)}\n\n".encode()

    def sent() -> Iterable[bytes]:
        yield chunk({"role": "assistant"})
        for piece in pieces:
            yield chunk({"content": piece})
        if ended:
            yield chunk({}, "stop")
            used = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
            yield chunk({}, None, choices=[], usage=used)
            yield b"data: [DONE]\n\n"

    return Answer(sent(), kind="text/event-stream")


def anthropic_reply(text: str = "fine", **more: Any) -> Answer:
    """Return a whole reply of the Messages API; `more` replaces its fields."""
    reply = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "served-model",
        "content": [{"type": "thinking", "thinking": "…"}, {"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 5, "cache_read_input_tokens": 2, "output_tokens": 3},
    }
    return said(reply | more)


def anthropic_pieces(
    pieces: Iterable[str], *, ended: bool = True, stop: str = "end_turn"
) -> Answer:
    """Return a streamed reply of the Messages API."""

    def event(kind: str, **more: Any) -> bytes:
        return f"event: {kind}\ndata: {json.dumps({'type': kind} | more)}\n\n".encode()

    def sent() -> Iterable[bytes]:
        usage = {"input_tokens": 7, "output_tokens": 1}
        start = {"id": "m", "type": "message", "role": "assistant", "content": [], "model": "m"}
        yield event("message_start", message=start | {"usage": usage})
        yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        for piece in pieces:
            delta = {"type": "text_delta", "text": piece}
            yield event("content_block_delta", index=0, delta=delta)
        if ended:
            yield event("content_block_stop", index=0)
            used = {"output_tokens": 3}
            yield event("message_delta", delta={"stop_reason": stop}, usage=used)
            yield event("message_stop")

    return Answer(sent(), kind="text/event-stream")
