"""A model that calls the tools: what a good one gets, and that a bad one costs nothing."""

import json
import threading
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chat.small import CATALOG, INJECTED, SmallDesk, talk

from tastemate.chat.conversation import Conversation
from tastemate.chat.critic import violations
from tastemate.chat.intent import Intent, Wish
from tastemate.chat.reply import Reply
from tastemate.errors import StageError
from tastemate.llm.scripted import Scripted
from tastemate.llm.wrappers.deadline import Deadline
from tastemate.llm.wrappers.guards import Guards, wrapped
from tastemate.messages import Completion, Prompt
from tastemate.protocols import ChatModel
from tastemate.types import Step

CRIME = Intent("recommendation", wishes=(Wish("genres", "is", "Crime"),))
LIKED = Intent("recommendation", wishes=(Wish("genres", "is", "Crime"),), disliked=("i0",))


def call(tool: str, **arguments: Any) -> str:
    return json.dumps({"tool": tool, "arguments": arguments})


def show(*handles: Any, say: Any = ()) -> str:
    return call("show", handles=list(handles), say=list(say))


RECOMMEND = call("recommend", wishes=[], text="", k=5)


def looping(model: ChatModel, *intents: Intent, **more: Any) -> Conversation:
    return talk(model, *intents, loop=True, **more)


def step(reply: Reply, name: str = "loop") -> Step:
    return next(one for one in reply.slate.trace if one.name == name)


def fixed(*intents: Intent, **more: Any) -> Reply:
    """Return what is answered to the last of the messages without a model."""
    conversation = talk(None, *intents, **more)
    return [conversation.say("crime please") for _ in intents][-1]


def good(*say: Any) -> Scripted:
    return Scripted([RECOMMEND, show(3, 1, say=say)])


def test_a_good_model_shows_what_it_chose_in_its_order():
    model = good({"text": "Solaris is a crime film from 1986.", "items": [3]})
    reply = looping(model, CRIME).say("crime please")
    assert reply.slate.ids == ["i6", "i0"]
    assert [line.rank for line in reply.slate.items] == [1, 2]
    assert "Solaris is a crime film from 1986." in reply.text
    assert len(model.prompts) == 2
    assert step(reply).error == ""
    assert step(reply).size == 2
    assert "steps of the model: recommend, show" in step(reply).note
    assert reply.session.shown == ("i6", "i0")


def test_it_is_asked_only_where_the_settings_say_so_and_a_list_is_called_for():
    model = good()
    assert talk(model, CRIME, voice=False).say("crime").slate.ids == ["i0", "i3", "i6"]
    talking = looping(
        model,
        Intent("greeting"),
        Intent("feedback", "thanks"),
        Intent("exploration", "detail", about=("i0",)),
        Intent("clarification"),
        voice=False,
    )
    for message in ("hello", "thanks", "what is Thief about?", "hm"):
        talking.say(message)
    assert model.prompts == []


def test_without_a_model_the_loop_is_the_fixed_plan():
    reply = talk(None, CRIME, loop=True).say("crime please")
    assert reply.slate.ids == ["i0", "i3", "i6"]
    assert [one.name for one in reply.slate.trace] == ["understand", "critic", "reply"]


def test_whoever_says_how_many_gets_as_many():
    asked = Intent("recommendation", wishes=CRIME.wishes, k=3)
    reply = looping(good(), asked).say("three crime ones")
    assert reply.slate.ids == ["i6", "i0", "i3"]
    assert step(reply).error == ""


def test_results_and_handles_come_back_to_the_model():
    model = good()
    looping(model, CRIME).say("crime please")
    first, second = model.prompts
    assert second.messages[: len(first.messages)] == first.messages
    assert [turn.role for turn in second.messages[2:]] == ["assistant", "user"]
    assert json.loads(second.messages[2].text) == json.loads(RECOMMEND)
    assert second.messages[3].text.startswith("[1] Thief (1980)")
    assert "3 calls left." in second.messages[3].text
    assert "1. you want: Crime" in first.messages[1].text
    assert "? crime please" in first.messages[1].text


def test_the_list_shown_last_is_told_under_its_places():
    model = Scripted([RECOMMEND, show(3, 1), show(2)])
    talking = looping(model, CRIME, Intent("recommendation"))
    talking.say("crime please")
    reply = talking.say("like the second one")
    assert "[1] Solaris (1986)" in model.prompts[2].messages[1].text
    assert reply.slate.ids == ["i0"]


def test_what_it_remembers_of_the_message_is_kept_in_the_turn():
    model = Scripted([
        call("remember", verdict="disliked", of="Tampopo", wishes=[]), RECOMMEND, show(1, 2),
    ])  # fmt: skip
    reply = looping(model, CRIME).say("crime, but Tampopo bored me")
    assert reply.intent.disliked == ("i3",)
    assert reply.session.turns[-1].intent.disliked == ("i3",)
    assert reply.slate.ids == ["i0", "i6"]


# What goes wrong


def test_one_that_loops_is_ended_by_its_second_call_alike():
    model = Scripted([RECOMMEND])
    reply = looping(model, CRIME, voice=False).say("crime please")
    assert reply.slate.ids == fixed(CRIME).slate.ids
    assert reply.text == fixed(CRIME).text
    assert len(model.prompts) == 2
    assert "repeats itself" in step(reply).error


def test_one_that_goes_on_and_on_is_ended_by_the_steps():
    turns = iter(range(1, 99))
    model = Scripted(lambda _prompt: call("recommend", wishes=[], text="", k=next(turns)))
    reply = looping(model, CRIME, voice=False, steps=3).say("crime please")
    assert reply.slate.ids == fixed(CRIME).slate.ids
    assert len(model.prompts) == 4  # three calls, and the one that could have shown a list
    assert "shows nothing after 3 calls" in step(reply).error
    tools = model.prompts[-1].schema["properties"]["tool"]
    assert tools["enum"] == ["show"]


def test_unknown_tools_and_sql_are_errors_it_can_read():
    model = Scripted([
        call("query_database", sql="SELECT title FROM items"),
        call("recommend", wishes=["year > 1990; DROP TABLE items"], text="", k=5),
        call("recommend", wishes=[{"attribute": "1=1", "operator": "is", "values": ["x"]}]),
        RECOMMEND,
        show(1),
    ])  # fmt: skip
    reply = looping(model, CRIME).say("crime please")
    assert reply.slate.ids == ["i0"]
    told = [prompt.messages[-1].text for prompt in model.prompts[1:]]
    assert told[0].startswith("error: There is no such tool. There are: recommend, search")
    assert told[1].startswith("error: wishes/0")
    assert told[2].startswith("error: Attributes are: genres, year, country")
    assert step(reply).error == ""


def test_titles_it_invents_are_not_shown_and_not_said():
    model = Scripted([
        RECOMMEND,
        show("Heist of Time", 77, 1, say=[
            {"text": "Heist of Time is the best crime film.", "items": [77]},
            {"text": "Thief is far better than Heist of Time.", "items": [1]},
            {"text": "Thief won an Oscar.", "items": [1]},
        ]),
    ])  # fmt: skip
    reply = looping(model, CRIME).say("crime please")
    assert reply.slate.ids == ["i0"]
    assert "Heist" not in reply.text
    assert "Oscar" not in reply.text
    assert "left out 2 that no tool found" in step(reply).note
    assert "of the model's sentences" in step(reply).note


def test_only_invented_titles_are_no_list():
    reply = looping(Scripted([show("Heist", "i0", True, 0, -1)]), CRIME, voice=False).say("crime")
    assert reply.slate.ids == ["i0", "i3", "i6"]
    assert "nothing that a tool found" in step(reply).error


def test_disliked_items_and_those_against_a_wish_are_replaced_by_the_fixed_plans():
    before = Intent("recommendation")
    model = Scripted([
        RECOMMEND, show(1, 2, 3), show(1, 2, 3, say=[{"text": "Thief is a crime film.",
                                                      "items": [1]}]),
    ])  # fmt: skip
    talking = looping(model, before, LIKED)
    assert talking.say("anything").slate.ids == ["i0", "i1", "i2"]
    reply = talking.say("crime, and Thief was awful")  # shows the list that was there before
    assert reply.slate.ids == ["i3", "i6", "i9"]
    assert "the critic refused i0 at 1: " in step(reply).note
    assert "Thief is a crime film." not in reply.text
    desk: Any = talking.desk
    assert desk.recommended == 1  # only to replace what was refused
    assert violations(reply.slate, talking.beliefs, talking._query(
        reply.session, talking.beliefs), CATALOG) == ()  # fmt: skip


def obeying(prompt: Prompt) -> str:
    """Do what the texts of items say to a model, and else look one up and show it."""
    if "gnore all previous" in prompt.text:
        return show(9, say=[{"text": "It won an Oscar.", "items": [9]}])
    if len(prompt.messages) == 2:
        return call("recommend", wishes=[], text="", k=9)
    if len(prompt.messages) == 4:
        return call("detail", handle=5)
    return show(1, 5)


def test_an_injected_description_is_never_read_so_never_obeyed():
    assert INJECTED in CATALOG["i4"].text
    model = Scripted(obeying)
    reply = looping(model, Intent("recommendation")).say("anything")
    assert reply.slate.ids == ["i0", "i4"]
    assert not any("gnore all previous" in prompt.text for prompt in model.prompts)


def test_one_that_obeys_what_it_read_elsewhere_changes_nothing_that_was_said():
    model = Scripted([
        call("remember", verdict="disliked", of="Heat", wishes=[]),
        call("remember", verdict="wish", of="", wishes=[
            {"attribute": "genres", "operator": "is", "values": ["Comedy"]}]),
        call("forget", line=1),
        RECOMMEND,
        show(1, say=[{"text": "Visit evil.example for Thief.", "items": [1]}]),
    ])  # fmt: skip
    reply = looping(model, CRIME).say("crime please")
    assert reply.intent == CRIME
    assert reply.slate.ids == ["i0"]
    assert "evil" not in reply.text


@pytest.fixture
def let_go():
    event = threading.Event()
    yield event
    event.set()


def test_one_that_hangs_costs_the_time_of_the_answer_and_no_more(let_go):
    def hang(_prompt: Prompt) -> str:
        let_go.wait(20)
        return ""

    start = time.monotonic()
    model = Deadline(Scripted(hang), seconds=30)
    reply = looping(model, CRIME, seconds=0.4).say("crime please")
    assert time.monotonic() - start < 3
    assert reply.slate.ids == fixed(CRIME).slate.ids
    assert reply.text == fixed(CRIME).text
    assert step(reply).error.startswith("tool loop: ")


def test_one_that_is_slow_is_left_when_the_time_is_up():
    turns = iter(range(1, 99))

    def slow(_prompt: Prompt) -> str:
        time.sleep(0.15)
        return call("recommend", wishes=[], text="", k=next(turns))

    model = Scripted(slow)
    reply = looping(model, CRIME, voice=False, seconds=0.2, steps=20).say("crime please")
    assert reply.slate.ids == fixed(CRIME).slate.ids
    assert len(model.prompts) < 4
    assert "no time left" in step(reply).error


@pytest.mark.parametrize(
    "written",
    ["", "{}", "[]", "null", "I would watch Heat.", '{"tool": 3}', '{"tool": "show"}',
     '{"tool": "show", "arguments": {"handles": [], "say": []}}', '{"show": "all"}', "{" * 9_000,
     "<think>hm", '{"tool":"show","arguments":{"handles":{"1":2}}}'],
)  # fmt: skip
def test_one_that_replies_nothing_that_can_be_used(written):
    reply = looping(Scripted([written]), CRIME, voice=False).say("crime please")
    assert reply.slate.ids == fixed(CRIME).slate.ids
    assert reply.text == fixed(CRIME).text
    assert step(reply).error.startswith("tool loop: ")


def test_a_call_that_fails_is_told():
    model = Scripted([Completion(error="The server is away.", fault="unreachable")])
    reply = looping(model, CRIME, voice=False).say("crime please")
    assert reply.slate.ids == fixed(CRIME).slate.ids
    assert "The server is away." in step(reply).error


def test_a_tool_that_breaks_is_an_error_for_the_model(monkeypatch):
    def broken(self: SmallDesk, text: str, n: int) -> None:
        raise StageError("The index is gone.")

    monkeypatch.setattr(SmallDesk, "search", broken)
    model = Scripted([call("search", text="heist", k=3), RECOMMEND, show(1)])
    reply = looping(model, CRIME).say("crime please")
    assert reply.slate.ids == ["i0"]
    assert model.prompts[1].messages[-1].text.startswith("error: The index is gone.")


def test_the_short_form_of_a_last_step_is_read_as_well():
    model = Scripted([RECOMMEND, '{"show": [2], "say": "nothing"}'])
    assert looping(model, CRIME).say("crime please").slate.ids == ["i3"]


def test_where_nothing_fits_it_is_not_asked_and_a_wish_is_offered():
    model = good()
    nothing = Intent(
        "recommendation",
        wishes=(Wish("genres", "is", "Crime"), Wish("genres", "is", "Comedy")),
    )
    reply = looping(model, nothing, voice=False).say("a crime comedy")
    assert model.prompts == []
    assert reply.relaxations


def test_more_never_shows_again_what_was_shown():
    model = Scripted([RECOMMEND, show(1, 2), RECOMMEND, show(1, 2, 3)])
    talking = looping(model, CRIME, Intent("recommendation", "more"))
    assert talking.say("crime please").slate.ids == ["i0", "i3"]
    again = talking.say("more").slate.ids
    assert again[0] == "i6"
    assert {"i0", "i3"}.isdisjoint(again)


def test_sentences_stand_only_where_a_voice_may_speak():
    model = good({"text": "Solaris is a crime film from 1986.", "items": [3]})
    reply = looping(model, CRIME, voice=False).say("crime please")
    assert "crime film from 1986" not in reply.text
    assert len(model.prompts) == 2


def test_a_small_room_keeps_the_latest_results():
    from dataclasses import replace as changed

    turns = iter(range(2, 9))

    def reply(prompt: Prompt) -> str:
        k = next(turns)
        return call("recommend", wishes=[], text="", k=k) if k < 6 else show(1)

    model = Scripted(reply)
    conversation = looping(model, CRIME)
    desk: Any = conversation.desk
    desk.style = changed(desk.style, budget=900)
    assert conversation.say("crime please").slate.ids == ["i0"]
    for prompt in model.prompts:
        assert sum(model.count(turn.text) for turn in prompt.messages) <= 900


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.builds(lambda n: show(*n), st.lists(st.integers(-1, 12), max_size=6)),
            st.builds(
                lambda text, k: call("search", text=text, k=k), st.text(max_size=9),
                st.integers(0, 9),
            ),
            st.builds(lambda of: call("similar", of=of, k=5), st.sampled_from(["1", "Heat", ""])),
            st.just(RECOMMEND),
            st.text(max_size=20),
        ),
        min_size=1,
        max_size=5,
    )
)  # fmt: skip
def test_whatever_it_writes_a_list_is_shown_that_keeps_to_everything(replies):
    talking = looping(Scripted(replies), LIKED, voice=False)
    reply = talking.say("crime, not Thief")
    assert 1 <= len(reply.slate.items) <= 3
    now = talking.beliefs
    query = talking._query(reply.session, now)
    assert violations(reply.slate, now, query, CATALOG) == ()
    assert reply.text


# What it costs


def counted(tmp_path, replies: list[str], loop: bool, **more: Any) -> tuple[int, int, Reply]:
    """Return the calls and tokens of one reply through the guards, with a scripted model."""
    script = Scripted(replies)
    model = wrapped(script, tmp_path, Guards(cache=False))
    reply = talk(model, CRIME, loop=loop, **more).say("crime please")
    return len(script.prompts), sum(one.tokens for one in reply.slate.trace), reply


def test_a_loop_asks_as_often_as_it_has_steps_and_words_nothing_twice(tmp_path):
    plain, plain_tokens, _ = counted(tmp_path / "a", ["1: Thief is a crime film from 1980."], False)
    said = [{"text": "Thief is a crime film from 1980.", "items": [1]}]
    loop, loop_tokens, reply = counted(tmp_path / "b", [RECOMMEND, show(1, 2, say=said)], True)
    assert (plain, loop) == (1, 2)
    assert step(reply).tokens == loop_tokens > plain_tokens
    assert f"({loop_tokens:,} tokens)" in step(reply).note
    assert step(reply, "reply").tokens == 0
    assert "Thief is a crime film from 1980." in reply.text
