"""A server as a process: from its first moment to its last."""

import json
import os
import signal
import socket
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

from tastemate.errors import ConfigError
from tastemate.serve import listening

Begin = Callable[..., "tuple[subprocess.Popen[str], str]"]


def get(url: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def until(url: str, seconds: float = 180) -> dict[str, Any]:
    end = time.monotonic() + seconds
    seen: set[str] = set()
    while time.monotonic() < end:
        status, told = get(f"{url}/health/ready")
        if status == 200:
            return told
        seen.add(told["detail"])
        time.sleep(0.1)
    raise AssertionError(f"not ready: {seen}")


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    started: list[subprocess.Popen[str]] = []

    def start(*more: str, home: Path = tmp_path / "project") -> tuple[subprocess.Popen[str], str]:
        program = "from tastemate.cli.main import run; run()"
        command = [sys.executable, "-c", program, "serve", "--home", str(home)]
        process = subprocess.Popen(
            [*command, "--port", "0", *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        )
        started.append(process)
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    yield start
    for one in started:
        if one.poll() is None:
            one.terminate()
        try:
            one.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            one.kill()
            one.communicate()


def test_it_lives_at_once_fits_what_is_missing_keeps_its_port_and_ends_when_told(
    begin: Begin, tmp_path: Path
) -> None:
    small(tmp_path / "project")
    process, url = begin()
    assert get(f"{url}/health/live") == (200, {"live": True})
    status, told = get(f"{url}/v1/recommend", {"user_id": "u1", "k": 3})
    if status != 200:  # it may be quick
        assert status == 503
        assert told["type"] == "urn:tastemate:not-ready"
    assert until(url)["ready"] is True
    status, told = get(f"{url}/v1/recommend", {"user_id": "u1", "k": 3})
    assert (status, len(told["items"])) == (200, 3)
    port = url.rpartition(":")[2]
    second, _ = begin("--port", port)
    said = second.communicate(timeout=120)[1]
    assert second.returncode == 1
    assert f"Port {port} is taken already" in said
    assert "Traceback" not in said
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert time.monotonic() - begun < 10


def test_several_processes_share_the_port_and_a_fit_reaches_them_all(
    begin: Begin, tmp_path: Path
) -> None:
    small(tmp_path / "project", fitted=True)
    process, url = begin("--workers", "2")
    before = until(url)["model_version"]
    get(f"{url}/v1/events", {"events": [{"user_id": "n", "item_id": "i1", "kind": "like"}]})
    status, told = get(f"{url}/v1/train", {})
    while status == 503:  # the other worker may still be opening
        until(url)
        status, told = get(f"{url}/v1/train", {})
    assert status == 202, told
    end = time.monotonic() + 180
    while time.monotonic() < end:
        versions = {until(url)["model_version"] for _ in range(6)}
        if before not in versions:
            break
        time.sleep(0.2)
    assert len(versions) == 1
    assert before not in versions
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0


def test_a_project_that_cannot_be_opened_ends_it_with_a_sentence(
    begin: Begin, tmp_path: Path
) -> None:
    small(tmp_path / "project")
    (tmp_path / "project" / "tastemate.toml").write_text("[recommend]\nprofil = 3\n")
    for more in ([], ["--workers", "2"]):
        process, _ = begin(*more)
        said = process.communicate(timeout=120)[1]
        assert process.returncode == 1
        assert "profil" in said
        assert "Traceback" not in said


def test_a_port_that_workers_share_is_nobody_elses(begin: Begin, tmp_path: Path) -> None:
    small(tmp_path / "project", fitted=True)
    _, url = begin("--workers", "2")
    until(url)
    port = int(url.rsplit(":", 1)[1])
    for workers in (1, 2):
        with pytest.raises(ConfigError, match=f"Port {port} is taken"):
            listening.bind("127.0.0.1", port, workers)


def test_addresses_that_cannot_be() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"Port {port} is taken"):
            listening.bind("127.0.0.1", port)
    for host in ("no.such.host.invalid", "203.0.113.7"):
        with pytest.raises(ConfigError, match="Name an address|no address"):
            listening.bind(host, 0)
