import threading
import time
import urllib.error
import urllib.request

import pytest

from tastemate.benchmark import broken_server
from tastemate.benchmark.broken import KINDS, Broken
from tastemate.benchmark.chaos import HTTP, chaos
from tastemate.errors import ConfigError, Unavailable
from tastemate.language import JUDGES
from tastemate.messages import Message, Prompt

QUICK = len(KINDS)


def test_every_kind_gives_a_full_valid_slate_that_says_what_failed():
    # a busy machine is no fault of the path: how long it takes is for the benchmark to say
    before = threading.active_count()
    found = chaos(QUICK, http=False, deadline=60.0)
    until = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.05)
    assert threading.active_count() <= before, "what hung was let go"
    assert found["problems"] == []
    assert (found["cases"], found["failures"], found["deadline"]) == (QUICK, 0, 60.0)
    assert list(found["by_kind"]) == [kind.name for kind in KINDS]
    assert set(found["by_ranker"]) == set(JUDGES)
    assert all(row["cases"] for row in found["by_ranker"].values())
    assert 0 < found["seconds"]["p50"] <= found["seconds"]["most"]
    for kind in KINDS:
        assert found["by_kind"][kind.name]["degraded"] >= kind.fails
    assert "scripted" in found["model"]


def test_a_server_that_breaks_is_lived_with():
    kinds = [f"{HTTP}{name}" for name in broken_server.KINDS]
    found = chaos(len(kinds), seed=1, kinds=kinds, deadline=60.0)
    assert found["problems"] == []
    assert found["failures"] == 0
    assert list(found["by_kind"]) == kinds
    with pytest.raises(ConfigError, match="Did you mean 'over HTTP: hang'"):
        chaos(1, kinds=["over HTTP: hangs"])


def test_a_path_that_does_not_hold_is_found_out(monkeypatch):
    from tastemate.rank.mix import ModelRanker

    def half(self, queries, pools):
        return [list(pool[:3]) for pool in pools]

    monkeypatch.setattr(ModelRanker, "rank", half)
    found = chaos(2, http=False)
    assert found["failures"] == 2
    assert "It has 3 items." in found["problems"][0]
    assert "does not say that the model failed" in found["problems"][0]


def test_it_needs_a_case():
    with pytest.raises(ConfigError, match="at least 1"):
        chaos(0)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.hangs], ids=lambda k: k.name)
def test_a_broken_model_says_so_by_its_name(kind):
    model = Broken(kind, frozenset(("labels", "stream")))
    model.release()
    prompt = Prompt("t/1", (Message("user", "x"),), labels=("A", "B"))
    assert model.name.startswith("scripted:")
    if kind.name == "raises":
        with pytest.raises(Unavailable):
            model.complete([prompt])
        return
    (reply,) = model.complete([prompt])
    assert reply.model == model.name
    assert bool(reply.error) == bool(reply.fault)


def test_the_server_breaks_as_it_says():
    def post(address, kind):
        request = urllib.request.Request(f"{address}/{kind}/v1/chat/completions", b"{}")
        return urllib.request.urlopen(request, timeout=5)

    with broken_server.serving() as address:
        with pytest.raises(urllib.error.HTTPError, match="429") as busy:
            post(address, "429")
        assert busy.value.headers["Retry-After"] == "3600"
        busy.value.close()
        with pytest.raises(OSError, match=r"reset|closed|aborted"):
            post(address, "reset")
        with post(address, "10%20MB") as reply:
            assert len(reply.read()) > broken_server.MEGABYTES
