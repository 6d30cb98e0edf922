"""What the README and docs/serve.md promise of `tastemate serve`, with the command itself."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serve.projects import small

Begin = Callable[..., "subprocess.Popen[str]"]
READY = 240.0
"""Seconds that a busy machine may take to fit the sample."""


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Start the command; what is still running at the end of the test is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*more: str, home: Path = tmp_path / "shop") -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "tastemate", "serve", "--home", str(home), *more]
        environ = {"TASTEMATE_ENCODER__NAME": "words", "TASTEMATE_SERVE__LOG_FILE": "none"}
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environ},
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for one in started:
        if one.poll() is None:
            os.killpg(one.pid, signal.SIGKILL)
        one.communicate()


def address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", line), line
    return line


def get(url: str, body: Any = None) -> tuple[int, str, str]:
    """Return status, media type and text."""
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


def ready(url: str) -> None:
    end = time.monotonic() + READY
    while time.monotonic() < end:
        status, _, told = get(f"{url}/health/ready")
        if status == 200:
            return
        assert status == 503, told
        time.sleep(0.2)
    pytest.fail(f"not ready: {told}")


def ended(process: "subprocess.Popen[str]", with_: signal.Signals = signal.SIGTERM) -> float:
    start = time.monotonic()
    process.send_signal(with_)
    process.wait(60)
    return time.monotonic() - start


def test_a_new_folder_becomes_the_sample_with_a_page_and_sigterm_ends_it(
    begin: Begin, tmp_path: Path
) -> None:
    process = begin("--port", "0")
    url = address(process)
    assert get(f"{url}/health/live")[0] == 200
    ready(url)
    assert 'dataset = "films"' in (tmp_path / "shop" / "tastemate.toml").read_text()
    for path, title in (("/", "Tastemate"), ("/operator", "Tastemate")):
        status, media, page = get(f"{url}{path}")
        assert (status, media) == (200, "text/html; charset=utf-8")
        assert title in page
        for asset in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
            assert get(f"{url}{asset}")[0] == 200, asset
    status, _, told = get(f"{url}/v1/recommend", {"k": 10})
    answer = json.loads(told)
    assert (status, len(answer["items"]), answer["degraded"]) == (200, 10, [])
    assert all(one["title"] and one["reason"]["text"] for one in answer["items"])
    assert get(f"{url}/metrics")[0] == 200
    assert ended(process) < 10
    assert process.returncode == 0


def test_a_killed_server_starts_again_with_everything_it_acknowledged(
    begin: Begin, tmp_path: Path
) -> None:
    small(tmp_path / "shop", fitted=True)
    process = begin("--port", "0", "--workers", "2")
    url = address(process)
    ready(url)
    event = {"event_id": "e1", "user_id": "keeper", "item_id": "i3", "kind": "like"}
    assert json.loads(get(f"{url}/v1/events", {"events": [event]})[2])["accepted"] == 1
    process.kill()
    process.wait(30)
    end = time.monotonic() + 30
    while True:  # its processes hold the port until they see that it is gone
        try:
            get(f"{url}/health/live")
        except OSError:
            break
        assert time.monotonic() < end, "its processes outlived it"
        time.sleep(0.1)
    again = begin("--port", url.rpartition(":")[2])
    assert address(again) == url
    ready(url)
    told = json.loads(get(f"{url}/v1/users/keeper/history")[2])
    assert [one["item_id"] for one in told["events"]] == ["i3"]
    assert json.loads(get(f"{url}/v1/events", {"events": [event]})[2])["duplicates"] == 1
    assert ended(again, signal.SIGINT) < 10
    assert again.returncode == 0


def test_what_is_refused_is_said_in_a_sentence(begin: Begin, tmp_path: Path) -> None:
    small(tmp_path / "shop", fitted=True)
    first = begin("--port", "0")
    port = address(first).rpartition(":")[2]
    other = tmp_path / "other"
    other.mkdir()
    (other / "novel.txt").write_text("It was a dark night.")
    refused = {
        f"Port {port} is taken already": begin("--port", port),
        "tastemate keys make": begin("--port", "0", "--host", "0.0.0.0"),
        "holds something, but no tastemate.toml": begin("--port", "0", home=other),
        "Leave --dataset out": begin("--port", "0", "--dataset", "films"),
    }
    for words, process in refused.items():
        _, said = process.communicate(timeout=120)
        assert process.returncode == 1, said
        assert words in said
        assert "Traceback" not in said
    assert (other / "novel.txt").exists()
    assert [one.name for one in other.iterdir()] == ["novel.txt"]


def test_with_a_key_it_may_be_reached_from_elsewhere(begin: Begin, tmp_path: Path) -> None:
    opening = small(tmp_path / "shop", fitted=True)
    project = opening.open()
    _, secret = project.store.keys.make("shop", ("read",))
    project.store.close()
    process = begin("--port", "0", "--host", "0.0.0.0")
    assert process.stdout is not None
    port = process.stdout.readline().strip().rpartition(":")[2]
    url = f"http://127.0.0.1:{port}"
    ready(url)
    assert get(f"{url}/v1/project")[0] == 401
    asked = urllib.request.Request(f"{url}/v1/project", headers={"X-API-Key": secret})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        assert json.load(answer)["items"] == 12
    assert ended(process) < 10
