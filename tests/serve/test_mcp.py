"""The tools for assistants, by the official client: in process, over a pipe, over HTTP."""

import json
import logging
import os
import sys

import anyio
import httpx
import pytest
from mcp import Client, StdioServerParameters
from tests.serve.talking_app import served, small_app

from tastemate.project import Tastemate
from tastemate.serve.auth import Caller
from tastemate.serve.mcp import mcp_server
from tastemate.serve.service import Service

TOOLS = {
    *("recommend", "similar", "search", "facts", "attributes", "taste", "explain", "why"),
    *("like", "dislike"),
}
RUN = ("-c", "from tastemate.cli.main import run; run()", "mcp")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("mcp")


@pytest.fixture(scope="module")
def project(home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TASTEMATE_ENCODER__NAME", "words")
        yield Tastemate.open("films", home=home)


def calls(server, *asked):
    """Call tools one after the other; return what each said, as values or as an error."""

    async def talk():
        found = []
        async with Client(server) as client:
            for name, arguments in asked:
                result = await client.call_tool(name, arguments)
                text = result.content[0].text
                found.append(text if result.is_error else result.structured_content)
                if not result.is_error:
                    assert json.loads(text) == result.structured_content
        return found

    return anyio.run(talk)


def test_the_tools_say_what_they_take(project):
    async def listed():
        async with Client(mcp_server(lambda: project)) as client:
            return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in anyio.run(listed)}
    assert set(tools) == TOOLS
    assert all(tool.description for tool in tools.values())
    assert tools["similar"].input_schema["required"] == ["item"]
    assert {name for name, tool in tools.items() if not tool.annotations.read_only_hint} == {
        "like",
        "dislike",
    }


def test_items_are_of_the_catalogue_and_keep_to_hard_wishes(project):
    asked = {"query": "tense", "filters": ["genres=Crime", "year>=1990"], "k": 7}
    listed, near, found = calls(
        mcp_server(lambda: project),
        ("recommend", asked),
        ("similar", {"item": "Heat", "k": 3}),
        ("search", {"query": "a heist that goes wrong", "k": 4}),
    )
    assert (len(listed["items"]), len(near["items"]), len(found["items"])) == (7, 3, 4)
    for one in (*listed["items"], *near["items"], *found["items"]):
        assert project.catalog[one["item_id"]].title == one["title"]
    for one in listed["items"]:
        assert "Crime" in one["attributes"]["genres"]
        assert one["attributes"]["year"] >= 1990
        assert one["reason"]["text"]


def test_facts_reasons_and_tastes(project):
    facts, known, stands, why, taste = calls(
        mcp_server(lambda: project),
        ("facts", {"item": "heat"}),
        ("attributes", {}),
        ("explain", {"item": "Heat", "user": "p001"}),
        ("why", {"item": "Heat", "likes": ["Reservoir Dogs"]}),
        ("taste", {"likes": ["Heat", "Reservoir Dogs", "Pulp Fiction"]}),
    )
    assert facts["title"] == "Heat (1995)"
    assert facts["attributes"]["directors"] == ["Michael Mann"]
    assert "Michael Mann" in facts["in_words"]
    assert "Drama" in known["attributes"]["genres"]
    assert stands["rank"] == project.explain("p001", "Heat").rank
    assert "Reservoir Dogs" in why["text"]
    assert "Crime" in taste["text"]


def test_likes_are_recorded_for_who_is_spoken_for(project):
    server = mcp_server(lambda: project, "zoe")
    before, liked, after, disliked = calls(
        server,
        ("taste", {}),
        ("like", {"item": "Heat"}),
        ("taste", {}),
        ("dislike", {"item": "Alien", "user": "amy"}),
    )
    assert before["statements"] == []
    assert liked == {
        "item_id": "heat-1995", "title": "Heat (1995)", "user": "zoe", "recorded": "like"
    }  # fmt: skip
    assert any("Heat (1995)" in one["titles"] for one in after["statements"])
    assert disliked["user"] == "amy"
    assert project.catalog.row("heat-1995") in project.history("zoe").items


def test_what_is_wrong_is_an_error_that_can_be_read(project):
    unknown, many, nobody, stranger, wish, empty = calls(
        mcp_server(lambda: project),
        ("facts", {"item": "Qwertyuiop"}),
        ("recommend", {"k": 99}),
        ("like", {"item": "Heat"}),
        ("recommend", {"user": "nobody knows"}),
        ("recommend", {"filters": ["colour=red"]}),
        ("search", {"query": "  "}),
    )
    assert "No item" in unknown
    assert "50" in many
    assert "--user" in nobody
    assert "No user" in stranger
    assert "colour" in wish
    assert "Give some words" in empty


def test_a_server_leaves_the_log_of_its_process_alone(project):
    log = logging.getLogger()
    before = (log.handlers[:], log.level)
    mcp_server(lambda: project)
    assert (log.handlers, log.level) == before


def test_the_command_serves_over_a_pipe(home):
    env = {**os.environ, "TASTEMATE_HOME": str(home), "TASTEMATE_ENCODER__NAME": "words"}
    command = StdioServerParameters(command=sys.executable, args=[*RUN, "--user", "p001"], env=env)
    listed, unknown = calls(command, ("recommend", {"query": "a heist", "k": 2}), ("nothing", {}))
    assert len(listed["items"]) == 2
    assert "Unknown tool" in unknown


def test_over_http_behind_the_same_keys(project):
    service = Service(project)
    with served(small_app(service)) as url:
        (found,) = calls(f"{url}/v1/mcp", ("search", {"query": "space", "k": 2}))
        assert len(found["items"]) == 2
    for caller, status in ((None, 401), (Caller("k", "reader", frozenset({"read"})), 403)):
        with served(small_app(service, caller)) as url:
            assert httpx.post(f"{url}/v1/mcp", json={}).status_code == status
    service.stop()
