"""The load that does not wait: lateness counts from when a shot was due, losses count."""

import json
import math
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer

import numpy as np
import pytest

from tastemate.benchmark.openloop import LINES, Shot, Volley, due, fire
from tastemate.errors import ConfigError


class Answers(BaseHTTPRequestHandler):
    """Echoes what it was sent; the path says how slowly, with which status, or not at all."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        verb, _, value = self.path.strip("/").partition("/")
        if verb == "drop":
            self.close_connection = True
            return
        if verb == "sleep":
            time.sleep(float(value))
        self.send_response(int(value) if verb == "status" else 200)
        self.send_header("Content-Length", str(len(body)))
        if verb == "goodbye":
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def answering(kind: type[HTTPServer]) -> Iterator[int]:
    with kind(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def port() -> Iterator[int]:
    with answering(ThreadingHTTPServer) as found:
        yield found


def shots(path: str, times: list[float]) -> list[Shot]:
    return [Shot(at, path, json.dumps(one).encode()) for one, at in enumerate(times)]


def test_answers_come_back_in_the_order_of_the_shots(port: int) -> None:
    late_first = [0.2, 0.0, 0.1]
    found = fire(port, shots("/echo", late_first), keep=True)
    assert found.status.tolist() == [200, 200, 200]
    assert found.bodies == (b"0", b"1", b"2")
    assert found.failed == 0
    assert np.all(found.seconds > 0)


def test_waiting_for_one_that_sleeps_counts_from_when_a_shot_was_due() -> None:
    """One at a time, 30 ms each, ten times as many as that: the queue shows in the figures."""
    with answering(HTTPServer) as port:
        found = fire(port, shots("/sleep/0.03", [at * 0.003 for at in range(40)]), most=1)
    assert found.failed == 0
    assert found.seconds[-1] > 40 * 0.03 - 40 * 0.003 - 0.05  # all before it, less its lateness
    assert found.percentile(100) >= found.percentile(50) > 10 * 0.03
    rising = np.diff(found.seconds) > 0
    assert rising.mean() > 0.9


def test_what_one_shot_waits_for_does_not_hold_the_others(port: int) -> None:
    """An open loop: the slow answer of one is not seen by those on other connections."""
    mixed = [*shots("/sleep/2.0", [0.0]), *shots("/echo", [0.1, 0.2, 0.3])]
    found = fire(port, mixed)
    assert found.seconds[0] >= 2.0
    assert found.seconds[1:].max() < found.seconds[0] - 0.3  # all were answered before it


def test_lost_connections_are_counted_and_the_rest_goes_on(port: int) -> None:
    mixed = [
        *shots("/echo", [0.0, 0.05]),
        *shots("/drop", [0.02, 0.03, 0.04]),
        *shots("/status/503", [0.06]),
        *shots("/echo", [0.2, 0.25]),
    ]
    found = fire(port, mixed)
    assert found.status.tolist() == [200, 200, 0, 0, 0, 503, 200, 200]
    assert np.isinf(found.seconds[2:5]).all()
    assert found.failed == 4
    assert math.isinf(found.percentile(99))
    assert found.percentile(50) < 1


def test_a_server_that_says_goodbye_is_met_again_on_a_new_connection(port: int) -> None:
    found = fire(port, shots("/goodbye", [0.05 * at for at in range(6)]), most=1)
    assert found.failed == 0


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found = fire(port, shots("/echo", [0.0, 0.01, 0.02]))
    assert found.failed == 3
    assert found.status.tolist() == [0, 0, 0]


def test_what_does_not_come_in_time_has_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.perf_counter()
        found = fire(silent.getsockname()[1], shots("/echo", [0.0]), patience=0.3)
    assert 0.3 <= time.perf_counter() - start < 5
    assert (found.failed, found.status[0]) == (1, 0)


def test_no_more_connections_than_are_allowed() -> None:
    met: list[int] = []
    with answering(ThreadingHTTPServer) as port, pytest.MonkeyPatch.context() as patch:
        plain = Answers.handle

        def counted(self: Answers) -> None:
            met.append(self.client_address[1])
            plain(self)

        patch.setattr(Answers, "handle", counted)
        found = fire(port, shots("/sleep/0.01", [0.0] * 30), most=3)
    assert found.failed == 0
    assert len(met) == 3


def test_what_came_falls_into_parts() -> None:
    whole = Volley(np.arange(5.0), np.array([200, 500, 202, 0, 200]), (b"a", b"b", b"c", b"", b"e"))
    first, second = whole.parts(2, 3)
    assert (first.failed, second.failed) == (1, 1)
    assert second.seconds.tolist() == [2.0, 3.0, 4.0]
    assert second.bodies == (b"c", b"", b"e")


def test_nothing_sent_has_no_percentile() -> None:
    found = fire(1, [])
    assert found.failed == 0
    with pytest.raises(ConfigError, match="higher rate"):
        found.percentile(50)


def test_times_are_a_poisson_process_and_the_same_for_a_seed() -> None:
    times = due(200.0, 50.0, np.random.default_rng(5))
    assert np.array_equal(times, due(200.0, 50.0, np.random.default_rng(5)))
    assert np.all(np.diff(times) > 0)
    assert times[-1] < 50.0
    assert abs(len(times) - 10_000) < 5 * 100  # five standard deviations
    gaps = np.diff(times)
    assert abs(gaps.std() / gaps.mean() - 1) < 0.1  # of an exponential both are the same


def test_a_connection_that_was_answered_is_used_again() -> None:
    met: set[object] = set()

    class Counts(Answers):
        def do_POST(self) -> None:
            met.add(self.client_address)
            super().do_POST()

    with ThreadingHTTPServer(("127.0.0.1", 0), Counts) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        found = fire(server.server_address[1], shots("/echo", [at / 100 for at in range(200)]))
        server.shutdown()
    assert found.failed == 0
    assert 10 < len(met) <= 2 * LINES, "all lines are used, in turn"
