import numpy as np
import pytest

from tastemate import scope
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, NotFitted
from tastemate.interactions import Interactions
from tastemate.llm.scripted import Scripted
from tastemate.messages import Completion, Generation
from tastemate.retrieve.generated import Generated, Linked
from tastemate.text.encoder import HashedWords
from tastemate.types import Event, Item, Query, Taste, history

TITLES = (
    "Heat (1995)", "The Godfather (1972)", "Alien (1979)", "Toy Story (1995)", "Amélie (2001)",
    "Casablanca (1942)", "Ran (1985)", "Fargo (1996)", "Jaws (1975)", "Brazil (1985)",
    "Up (2009)", "Speed (1994)",
)  # fmt: skip
CATALOG = Catalog.of(Item(str(at), title) for at, title in enumerate(TITLES))


def people(n=6):
    events = [
        Event(f"u{user}", str((user + place) % 12), 5.0 if place != 4 else 1.0, place)
        for user in range(n)
        for place in range(11)
    ]
    return Interactions.of(events, CATALOG)


def fitted(reply, **options):
    model = Scripted(reply if callable(reply) else [reply])
    return model, Generated(model=model, **options).fit(CATALOG, people())


ASK = Query(user="u9", history=history([0, 1, 2], [5.0, 4.0, 0.5]))


def test_named_titles_are_linked_and_scored_by_their_place():
    _, made = fitted(
        "1. Godfather, The\n2. A Film Nobody Made\n3. amelie\n4. Toy Storey (1995)\n5. Godfather",
        titles=10,
    )
    with scope.opened() as said:
        row = made.scores([ASK])[0]
    assert np.flatnonzero(np.isfinite(row)).tolist() == [1, 3, 4]
    assert row[1] == 1.0
    assert row[4] == pytest.approx(0.8)
    assert row[3] == pytest.approx(0.7)
    assert said.errors == []
    assert said.notes == ["generated: 5 titles named, 1 of them not in the catalogue"]
    found = made.linked([ASK])[0]
    assert found.rows == (1, 4, 3)
    assert found.unlinked == ("A Film Nobody Made",)
    assert found.how == ("normalised", "normalised", "edit distance")
    assert len(found.named) == 5
    # seen items are scored like any other and left out by the caller
    assert [one.row for one in made.retrieve([ASK], 5)[0]] == [4, 3]


def test_the_model_hears_likes_and_dislikes_and_who_pays_but_not_who_asks():
    model, made = fitted("Alien", titles=4)
    made.scores([ASK])
    (prompt,) = model.prompts
    assert prompt.user == "u9"
    assert "u9" not in prompt.text
    assert "Heat" in prompt.text
    assert "Alien" in prompt.text
    assert prompt.name.startswith("zero_shot/")


@pytest.mark.parametrize("way", ["zero_shot", "few_shot", "chain_of_thought"])
def test_each_way_of_asking(way):
    answer = "They like crime.\nTITLES:\nFargo" if way == "chain_of_thought" else "Fargo"
    model, made = fitted(answer, prompt=way, titles=1, generation=Generation(9999, 0.7, beams=2))
    found = made.linked([ASK])[0]
    assert found.rows == (7,)
    assert model.prompts[0].name.startswith(f"{way}/")
    ways = model.prompts[0].generation
    assert (ways.temperature, ways.beams) == (0.7, 2)
    assert ways.max_tokens < 9999


def test_examples_are_near_and_never_the_persons_own_history():
    model, made = fitted("Fargo", prompt="few_shot", examples=2)
    past = people().history(2).take(np.arange(8))
    made.scores([Query(history=past)])
    shown = made._nearest(Query(history=past))
    own = set(past.items[people().scale.likes(past.values)].tolist())
    rows = [{CATALOG.row(one.item.id) for one in who.likes} for who, _ in shown]
    assert len(rows) == 2
    assert all(not likes <= own for likes in rows)
    assert all(len(then) == 3 for _, then in shown)


def test_examples_that_share_most_likes_come_first_and_ties_by_their_order():
    _, made = fitted("Fargo", prompt="few_shot", examples=4)
    made._shown = np.array(
        [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11], [0, 1, 2, 6, 7, 8], [6, 7, 8, 9, 10, 5]],
        np.int32,
    )
    made._then = np.tile(np.array([0, 1, 2], np.int32), (4, 1))

    def order(rows, values):
        shown = made._nearest(Query(history=history(rows, values)))
        return [CATALOG.row(who.likes[0].item.id) for who, _ in shown]

    # the third film is no like; who shows likes that are all met is the person's own history
    assert order([0, 6, 9], [5.0, 5.0, 0.5]) == [0, 0, 6, 6]
    likes = made._nearest(Query(history=history([0, 6, 9], [5.0, 5.0, 0.5])))
    assert [CATALOG.row(one.item.id) for one in likes[0][0].likes] == [0, 1, 2, 6, 7, 8]
    assert order(list(range(6)), [5.0] * 6) == [0, 6, 6]
    assert order([], []) == [0, 6, 0, 6]
    made.examples = 0
    assert order([0], [5.0]) == []


def test_who_says_nothing_is_not_asked_about():
    model, made = fitted("Fargo")
    rows = made.scores([Query(), ASK, Query(text="a heist"), Query(taste=Taste(text="crime"))])
    assert np.isneginf(rows[0]).all()
    assert np.isfinite(rows[1:]).any(axis=1).all()
    assert len(model.prompts) == 3


@pytest.mark.parametrize(
    "model", [None, Scripted(lambda _: Completion(error="Too slow.", fault="timeout"))]
)
def test_no_model_or_a_failing_one_is_no_opinion_and_is_said(model):
    made = Generated(model=model).fit(CATALOG, people())
    with scope.opened() as said:
        assert np.isneginf(made.scores([ASK])).all()
    assert len(said.errors) == 1
    assert said.errors[0].startswith("No titles were generated: ")
    assert made.retrieve([ASK], 3) == [[]]


@pytest.mark.parametrize("reply", ["", "\x00" * 50, "[" * 100_000, "no idea\n" * 5000, '{"a": 1}'])
def test_any_reply_gives_only_rows_of_the_catalogue(reply):
    _, made = fitted(reply, titles=5, encoder=HashedWords())
    found = made.linked([ASK])[0]
    assert isinstance(found, Linked)
    assert len(found.named) <= 5
    assert all(0 <= row < len(CATALOG) for row in found.rows)
    assert not np.isnan(made.scores([ASK])).any()


def test_saved_and_loaded_over_a_grown_catalogue(tmp_path):
    model, made = fitted("The New One\nFargo", prompt="few_shot")
    made.save(tmp_path / "g")
    grown = CATALOG.with_items([Item("new", "The New One (2024)")])
    loaded = Generated(model=model, prompt="few_shot").load(tmp_path / "g", grown)
    assert loaded.linked([ASK])[0].rows == (12, 7)
    assert made.linked([ASK])[0].rows == (7,)
    with pytest.raises(NotFitted):
        Generated(model=model).scores([ASK])


def test_options_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="few_shot"):
        Generated(prompt="guess")
    with pytest.raises(ConfigError, match="at least 1"):
        Generated(titles=0)
