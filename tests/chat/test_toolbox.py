"""The tools a model calls: what they find, what they refuse, and in which words."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chat.small import CATALOG, INJECTED, SmallDesk

from tastemate.chat import tools
from tastemate.chat.intent import Intent, Wish
from tastemate.chat.session import Session, Turn
from tastemate.chat.settings import Manners
from tastemate.chat.spelled import Spelled, contrary, counts, names, places
from tastemate.chat.toolbox import TOOLS, Toolbox, canonical
from tastemate.errors import ConfigError
from tastemate.filters import allowed

CRIME = Wish("genres", "is", "Crime")
FRENCH = {"attribute": "country", "operator": "is", "values": ["France"]}


def box(message: str = "something good", *intents: Intent, shown: tuple[str, ...] = ()) -> Toolbox:
    desk = SmallDesk()
    before = [Turn("before", one, shown=shown) for one in intents[:-1]]
    if shown and not before:
        before = [Turn("before", Intent(), shown=shown)]
    now = Turn(message, intents[-1] if intents else Intent())
    return Toolbox(
        desk,
        Session("s", turns=(*before, now)),
        lambda session, now: tools.query_of(desk, None, now, Manners(k=3)),
    )


def wished(*wishes: dict[str, Any], text: str = "", k: int = 0) -> dict[str, Any]:
    return {"wishes": list(wishes), "text": text, "k": k}


def shown_of(lines: tuple[str, ...]) -> list[str]:
    return [line.split("] ")[1].split(" (")[0] for line in lines if line.startswith("[")]


def error(lines: tuple[str, ...]) -> str:
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    return lines[0]


def test_handles_stay_what_they_are():
    mine = box()
    first = mine.call("recommend", wished(k=3))
    assert [line[:3] for line in first] == ["[1]", "[2]", "[3]"]
    again = mine.call("recommend", wished(k=4))
    assert again[:3] == first
    assert again[3].startswith("[4]")
    assert mine.items == ("i0", "i1", "i2", "i3")


def test_what_was_shown_last_has_its_places_for_handles():
    mine = box("the second one?", shown=("i7", "i3"))
    assert (mine.item(1), mine.item(2)) == ("i7", "i3")
    assert mine.handle("i0") == 3


def test_the_session_holds_on_top_of_whatever_is_asked_for():
    mine = box("crime", Intent(wishes=(CRIME,), disliked=("i0",), seen=("i3",)))
    for lines in (
        mine.call("recommend", wished(k=9)),
        mine.call("recommend", wished(FRENCH, k=9)),
        mine.call("search", {"text": "comedy story", "k": 9}),
        mine.call("similar", {"of": "Rififi", "k": 9}),
    ):
        assert {"Thief", "Tampopo"}.isdisjoint(shown_of(lines))
    may, _ = allowed(CATALOG, [CRIME.filter])
    assert all(may[CATALOG.row(one)] for one in mine.items)


def test_wishes_against_the_session_find_nothing_and_say_so():
    mine = box("crime", Intent(wishes=(CRIME,)))
    comedy = {"attribute": "genres", "operator": "is", "values": ["Comedy"]}
    assert "keep to the person's wishes" in error(mine.call("recommend", wished(comedy)))


def test_values_are_linked_by_nearest_spelling():
    mine = box()
    for attribute, value in (("genre", "crime"), ("Genres", "Crimes"), ("genres", "crme")):
        wish = {"attribute": attribute, "operator": "is", "values": [value]}
        assert shown_of(mine.call("recommend", wished(wish))) == ["Thief", "Tampopo", "Solaris"]


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"attribute": "director", "operator": "is", "values": ["Mann"]}, "Attributes are: genres"),
        ({"attribute": "genres", "operator": "is", "values": ["Zydeco"]}, "such as Comedy, Crime"),
        ({"attribute": "year", "operator": "at least", "values": ["old"]}, "holds numbers"),
        ({"attribute": "year", "operator": "at least", "values": ["nan"]}, "holds numbers"),
        ({"attribute": "genres", "operator": "at least", "values": ["Crime"]}, "makes no sense"),
        ({"attribute": "genres", "operator": "is", "values": ["Crime", "Drama"]}, "takes one"),
        ({"attribute": "genres", "operator": "LIKE", "values": ["Crime"]}, "is not one of"),
        ({"attribute": "title", "operator": "is", "values": ["Heat"]}, "by handle or title"),
        ({"attribute": "genres", "operator": "is", "values": []}, "wishes/0/values"),
    ],
)
def test_what_the_catalogue_does_not_decide_is_no_filter(wish, told):
    assert told in error(box().call("recommend", wished(wish)))


def test_numbers_and_alternatives_are_filters():
    mine = box()
    late = {"attribute": "year", "operator": "at least", "values": ["1995"]}
    assert shown_of(mine.call("recommend", wished(late))) == ["Brazil", "Casino", "Heat"]
    either = {"attribute": "genres", "operator": "any of", "values": ["crime", "drama"]}
    assert shown_of(mine.call("recommend", wished(either))) == ["Thief", "Ronin", "Tampopo"]


def test_a_tool_that_is_none_and_arguments_that_fit_none():
    mine = box()
    assert "recommend, search" in error(mine.call("sql", {"query": "SELECT * FROM items"}))
    drop = {"sql": "DROP TABLE items"}
    assert "'sql' was unexpected" in error(mine.call("recommend", drop))
    for arguments in (None, [], "text", 3, {"of": 3, "k": "many"}):
        error(mine.call("similar", arguments))
    for handle in (0, 99, -1, 10**30, "1", True, None, 1.5):
        error(mine.call("detail", {"handle": handle}))
    assert mine.items == ()


def test_arguments_left_out_are_as_the_person_said():
    assert shown_of(box().call("recommend", {})) == ["Thief", "Memento", "Ronin"]
    assert "needs a text" in error(box().call("search", {}))


def test_a_whole_number_is_one_however_it_is_written():
    mine = box(shown=("i7", "i3"))
    assert mine.call("detail", {"handle": 2.0})[0].startswith("[2] Tampopo")


def test_similar_takes_a_handle_or_a_title_and_nothing_invented():
    mine = box(shown=("i7",))
    assert shown_of(mine.call("similar", {"of": "1", "k": 2})) == ["Memento", "Playtime"]
    assert shown_of(mine.call("similar", {"of": "[1]", "k": 2})) == ["Memento", "Playtime"]
    assert shown_of(mine.call("similar", {"of": "Rififi", "k": 2})) == ["Memento", "Playtime"]
    told = error(mine.call("similar", {"of": "The Heist at the End of Time", "k": 2}))
    assert "No item is called that" in told


def test_detail_explains_and_compares_under_the_same_handles():
    mine = box(shown=("i7", "i3"))
    assert "number 7" in mine.call("detail", {"handle": 1})[0]
    assert mine.call("explain", {"handle": 2})[0].startswith("[2] Tampopo")
    both = mine.call("compare", {"handles": [1, 2]})
    assert [line[:3] for line in both] == ["[2]", "[1]"]  # the better one first


def test_a_text_that_gives_orders_never_reaches_the_model():
    mine = box()
    mine.call("recommend", wished(k=9))
    lines = mine.call("detail", {"handle": mine.handle("i4")})
    assert "gnore" not in "".join(lines)
    assert INJECTED in CATALOG["i4"].text


def remember(mine: Toolbox, verdict: str, of: str = "", *wishes: dict[str, Any]) -> str:
    lines = mine.call("remember", {"verdict": verdict, "of": of, "wishes": list(wishes)})
    return lines[0]


def test_what_the_person_says_is_remembered_and_holds_at_once():
    mine = box("I hated Theif, make it french")
    assert remember(mine, "disliked", "Thief") == "remembered"
    assert "Thief" not in shown_of(mine.call("recommend", wished(k=9)))
    assert "i0" in mine.now.disliked
    assert mine.intent.source == "model"
    mine = box("only from France")
    assert remember(mine, "wish", "", FRENCH) == "remembered"
    assert [held.wish for held in mine.now.wishes] == [Wish("country", "is", "France")]
    assert shown_of(mine.call("recommend", wished())) == ["Memento", "Tampopo", "Stalker"]


def test_a_place_of_the_list_is_remembered_too():
    mine = box("the second one was great", shown=("i7", "i3"))
    assert remember(mine, "liked", "2") == "remembered"
    assert mine.intent.liked == ("i3",)
    assert "did not say" in remember(mine, "disliked", "1")


def test_what_the_person_did_not_say_is_not_remembered():
    mine = box("something tense")
    assert "did not say" in remember(mine, "disliked", "Heat")
    assert "did not say" in remember(mine, "wish", "", FRENCH)
    assert "did not say" in remember(mine, "wish")
    assert mine.intent == Intent()


def test_the_contrary_of_what_was_understood_is_not_remembered():
    mine = box("crime like Heat", Intent(wishes=(CRIME,), liked=("i17",)))
    assert "contrary" in remember(mine, "disliked", "Heat")
    away = {"attribute": "genres", "operator": "is not", "values": ["Crime"]}
    assert "contrary" in remember(mine, "wish", "", away)
    assert mine.intent.wishes == (CRIME,)


def test_forgetting_takes_back_what_the_message_speaks_of():
    mine = box("forget about the crime", Intent(wishes=(CRIME,)), Intent())
    assert mine.call("forget", {"line": 1}) == ("forgotten",)
    assert mine.now.wishes == ()
    assert mine.intent.withdrawn == (("genres", "Crime"),)


def test_a_wish_is_not_forgotten_because_a_model_would_like_it():
    mine = box("something short", Intent(wishes=(CRIME,)), Intent())
    assert "did not take that back" in error(mine.call("forget", {"line": 1}))
    assert "no line 7" in error(mine.call("forget", {"line": 7}))
    mine = box("crime please", Intent(wishes=(CRIME,)))
    assert "just now" in error(mine.call("forget", {"line": 1}))
    assert [held.wish for held in mine.now.wishes] == [CRIME]


def test_something_new_is_what_the_fixed_plan_arranges():
    mine = box("something new", Intent(novelty="new"))
    mine.call("recommend", wished())
    assert mine.desk.recommended == 1
    other = box()
    other.call("recommend", wished())
    assert other.desk.recommended == 0


def test_the_same_call_is_written_the_same_way():
    assert canonical("a", {"x": 1, "y": 2}) == canonical("a", {"y": 2, "x": 1})


def test_vocabulary_is_short_and_screened():
    told = Spelled(CATALOG).examples
    assert told["genres"] == ("Comedy", "Crime", "Drama")
    assert told["year"] == ("1980 to 1997",)


def test_passages_of_a_message():
    assert names("I loved the Heat!", "Heat (1995)")
    assert not names("it is a cheat", "Heat (1995)")
    assert not names("anything", "")
    assert places("the third, please", 3)
    assert not places("the third, please", 1)
    assert counts("from the 90s", 1995)
    assert counts("after 1990", 1990)
    assert not counts("after 1990", 1980)
    assert contrary(CRIME, Wish("genres", "none of", ("crime", "Drama")))
    assert not contrary(CRIME, Wish("genres", "is not", "Drama"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["wishes", "text", "k", "of", "handle", "handles", "verdict", "line",
             "attribute", "operator", "values", "x"]
        ),
        inner,
        max_size=3,
    ),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([*TOOLS, "sql", ""]), JSON)
def test_any_call_is_answered_in_lines_and_finds_only_what_may_be_shown(name, arguments):
    mine = box("crime", Intent(wishes=(CRIME,), disliked=("i0",)), shown=("i0",))
    lines = mine.call(name, arguments)
    assert lines
    assert all(isinstance(line, str) for line in lines)
    assert all(mine.may[CATALOG.row(one)] for one in mine.items[1:])


def test_a_catalogue_without_attributes_has_no_wishes():
    from tastemate.catalog import Catalog
    from tastemate.types import Item

    bare = Spelled(Catalog.of([Item("a", "A")]))
    with pytest.raises(ConfigError, match="Attributes are"):
        bare.wish({"attribute": "genres", "operator": "is", "values": ["Crime"]})
