"""One rule for ids, wherever they come from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import TypeAdapter, ValidationError

from tastemate import ids
from tastemate.errors import DataError, UnknownUser
from tastemate.project import Tastemate
from tastemate.serve.schemas import Id
from tastemate.store.checked import check_ids

CATS = "\N{CAT FACE}" * ids.LONGEST


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TASTEMATE_ENCODER__NAME", "words")
        yield Tastemate.open("films", home=tmp_path_factory.mktemp("ids"))


@given(st.text(min_size=1, max_size=300))
def test_what_http_takes_the_store_takes(text):
    try:
        TypeAdapter(Id).validate_python(text, strict=True)
    except ValidationError:
        assert ids.wrong(text)
    else:
        check_ids(text)
        assert not text.strip() or not ids.wrong(text)


@pytest.mark.parametrize("odd", ["", " ", "a\nb", "a\0b", "\x7f", "a\ud800", "x" * 257])
def test_odd_ids_are_refused_by_the_library_and_by_mcp(project, odd):
    from tastemate.serve.mcp import mcp_server

    assert ids.wrong(odd)
    with pytest.raises(DataError if odd.strip() else UnknownUser):
        project.like(odd, "Heat")
    if odd.strip():
        import anyio

        async def liked():
            await mcp_server(lambda: project).call_tool("like", {"item": "Heat", "user": odd})

        with pytest.raises((ToolError, Exception), match=r"user|character"):
            anyio.run(liked)
    assert project.store.events.count() == 0


def test_an_id_of_any_letters_fits(project):
    assert not ids.wrong(CATS)
    assert len(CATS.encode()) == 1_024
    project.like(CATS, "Heat")
    assert len(project.store.events.of(CATS)) == 1
    project.erase(CATS)
