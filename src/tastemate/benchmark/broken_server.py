"""A server on this machine that speaks HTTP and breaks: what a client must live with.

The first part of the path names how: `/reset/v1/chat/completions` resets the connection. There is
no language model behind it.
"""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

MEGABYTES = 10 * 1000 * 1000
PATIENCE = 20.0
JSON: Mapping[str, str] = {"Content-Type": "application/json"}


def _body(content: object, finish: str = "stop") -> bytes:
    choice = {"index": 0, "finish_reason": finish}
    message = {"role": "assistant", "content": content}
    reply = {"id": "x", "object": "chat.completion", "created": 0, "model": "broken"}
    return json.dumps(reply | {"choices": [choice | {"message": message}]}).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.released = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that go away are what this server is for."""


class _Conversation(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        """Answer as the path says."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        KINDS[unquote(self.path.split("/")[1])](self)

    def log_message(self, format: str, *args: object) -> None:
        """Write no log."""

    def send(
        self,
        status: int,
        body: bytes,
        length: int | None = None,
        headers: Mapping[str, str] = JSON,
    ) -> None:
        """Send a response; `length` is what it claims to be long."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)


def _hang(call: _Conversation) -> None:
    call.server.released.wait(PATIENCE)
    call.close_connection = True


def _drip(call: _Conversation) -> None:
    body = _body("word " * 1000)
    call.send(200, b"", len(body))
    for at in range(len(body)):
        if call.server.released.wait(0.05):
            break
        call.wfile.write(body[at : at + 1])
    call.close_connection = True


def _truncated(call: _Conversation) -> None:
    body = _body('{"order": [1, 2]}')
    call.send(200, body[: len(body) // 2], len(body))
    call.close_connection = True


def _reset(call: _Conversation) -> None:
    linger = struct.pack("ii", 1, 0)
    call.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    call.connection.close()
    call.close_connection = True


def _no_http(call: _Conversation) -> None:
    call.wfile.write(b"\x00\xff this is not HTTP\r\n\r\n" * 20)
    call.close_connection = True


def _error(status: int, headers: Mapping[str, str] = JSON) -> Callable[[_Conversation], None]:
    body = json.dumps({"error": {"message": "It broke.", "type": "broken"}}).encode()
    return lambda call: call.send(status, body, headers=headers)


def _sent(body: bytes, headers: Mapping[str, str] = JSON) -> Callable[[_Conversation], None]:
    return lambda call: call.send(200, body, headers=headers)


KINDS: dict[str, Callable[[_Conversation], None]] = {
    "hang": _hang,
    "slow drip": _drip,
    "truncated body": _truncated,
    "reset": _reset,
    "not HTTP": _no_http,
    "429": _error(429, {**JSON, "Retry-After": "3600"}),
    "500": _error(500),
    "401": _error(401),
    "10 MB": lambda call: call.send(200, _body("[" * MEGABYTES)),
    "10 MB, no JSON": lambda call: call.send(200, b"{" * MEGABYTES),
    "empty body": _sent(b""),
    "a web page": _sent(b"<!doctype html><title>Sign in</title>", {"Content-Type": "text/html"}),
    "other JSON": _sent(b'{"choices": [{"message": [1, 2]}], "usage": "much"}'),
    "no choices": _sent(b'{"choices": []}'),
    "invalid UTF-8": _sent(_body("x").replace(b'"x"', b'"\xff\xfe\xed\xa0\x80"')),
    "prose": _sent(_body("I would not put one of them before the others.")),
}
SECONDS = {"hang": 0.2, "slow drip": 0.2} | dict.fromkeys(
    ("500", "reset", "truncated body", "not HTTP"), 0.4
)
"""What the calls of an answer may take together, where it is not what it is by default."""


@contextmanager
def serving() -> Iterator[str]:
    """Serve until the block ends; gives the address, to which a kind and /v1 are added."""
    server = _Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
