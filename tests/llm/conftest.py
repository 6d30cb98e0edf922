"""What the tests of the network clients share."""

from collections.abc import Callable, Iterator

import pytest
from tests.llm.loopback import Answer, Asked, Loopback


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Loopback]]:
    """Start a server that gives the same answer always, or what a function makes of a request."""
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    servers: list[Loopback] = []

    def start(answer: Answer | Callable[[Asked], Answer]) -> Loopback:
        servers.append(Loopback(answer if callable(answer) else lambda _: answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
