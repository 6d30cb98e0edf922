from dataclasses import replace

import numpy as np
import pytest

from tastemate import build
from tastemate.catalog import Catalog
from tastemate.data.datasets import open_dataset
from tastemate.data.facts import Fact
from tastemate.data.triples import Kept
from tastemate.errors import ConfigError
from tastemate.interactions import Interactions
from tastemate.project import Tastemate
from tastemate.retrieve.knowledge import Knowledge, wanted_parts
from tastemate.types import Event, Item, Leaning, Query, Statement, Taste, history

CATALOG = Catalog.of(
    [
        Item("heat", "Heat", "", {"directors": ("Mann",), "cast": ("Pacino", "Kilmer")}),
        Item("insider", "The Insider", "", {"directors": ("Mann",), "cast": ("Pacino",)}),
        Item("scarface", "Scarface", "", {"directors": ("De Palma",), "cast": ("Pacino",)}),
        Item("carrie", "Carrie", "", {"directors": ("De Palma",), "cast": ("Spacek",)}),
        Item("alone", "Alone", "", {"directors": ("Nobody",)}),
    ]
)
EVENTS = Interactions.of(
    [Event("u", "heat", 5, 1), Event("u", "carrie", 1, 2), Event("v", "scarface", 3, 3)], CATALOG
)


@pytest.fixture
def model():
    return Knowledge().fit(CATALOG, EVENTS)


def best(model, query, n=9):
    return [CATALOG.ids[one.row] for one in model.retrieve([query], n)[0]]


def test_the_nearest_in_the_graph_comes_first(model):
    assert best(model, Query(history=history([0], [5]))) == ["insider", "scarface", "carrie"]
    assert [c.row for c in model.similar(np.array([0, 4]), 9)[0]] == [1, 2, 3]
    assert model.similar(np.array([4]), 9) == [[]]


def test_nobody_connected_is_no_opinion(model):
    scores = model.scores([Query(history=history([0], [5])), Query(history=history([4], [5]))])
    assert np.isneginf(scores[0, 4])
    assert np.isneginf(scores[1]).all()


def test_dislikes_pull_down(model):
    likes = Query(history=history([0], [5]))
    both = Query(history=history([0, 3], [5, 1]))
    one, two = model.scores([likes, both])
    assert two[2] < one[2]


def test_shares_add_up_to_the_score(model):
    query = Query(history=history([0, 3, 2], [5, 1, 3]))
    rows = np.array([1, 2, 4])
    shares = model.contributions(query, rows)
    assert shares.shape == (3, 3)
    scores = model.scores([query])[0]
    np.testing.assert_allclose(shares.sum(axis=1)[:2], scores[[1, 2]], rtol=1e-5)
    assert shares[2].tolist() == [0, 0, 0]


def test_imported_facts_lead_somewhere():
    facts = [Fact("alone", "based on", "A novel"), Fact("Mann", "wrote", "A novel")]
    model = Knowledge(facts=facts, steps=6).fit(CATALOG, EVENTS)
    assert "alone" in best(model, Query(history=history([0], [5])))
    assert "alone" not in best(Knowledge(steps=6).fit(CATALOG, EVENTS), Query(history=history([0])))


def test_relations_and_kinds_have_weights():
    likes = Query(history=history([2], [5]))
    assert best(Knowledge(weights={"cast": 0}).fit(CATALOG, EVENTS), likes) == ["carrie"]
    cast = best(Knowledge(weights={"directors": 0}).fit(CATALOG, EVENTS), likes)
    assert cast == ["heat", "insider"]
    assert best(Knowledge(weights={"person": 0}).fit(CATALOG, EVENTS), likes) == []


def test_somebody_new_may_name_a_person(model):
    taste = Taste((Statement("x", "directors", "mann", True, 2.0, ()),))
    assert set(best(model, Query(taste=taste), 2)) == {"heat", "insider"}
    leaning = Leaning("cast", "any of", ("Spacek", "Nobody known"))
    assert best(model, Query(leanings=(leaning,)), 1) == []
    leaning = Leaning("directors", "is", "De Palma")
    assert set(best(model, Query(leanings=(leaning,)), 2)) == {"scarface", "carrie"}
    assert best(model, Query()) == []
    assert best(model, Query(leanings=(replace(leaning, value=3.0),))) == []


def test_a_text_may_name_somebody(model):
    assert set(best(model, Query(text="Something by De Palma, but not with pacino"), 2)) == {
        "scarface",
        "carrie",
    }
    assert best(model, Query(text="something good to watch")) == []
    history_only = Query(history=history([0], [5]))
    both = model.scores([history_only, replace(history_only, text="de palma?")])
    assert np.argmax(both[1][[1, 2, 3]]) == 1
    assert both[1][3] > both[0][3]


def test_all_that_is_wished_comes_before_half_of_it(model):
    assert best(model, Query(text="de palma and pacino"), 1) == ["scarface"]
    taste = Taste((Statement("x", "cast", "Pacino", True, 2.0, ()),))
    mann = (Leaning("directors", "is", "Mann"),)
    assert set(best(model, Query(taste=taste, leanings=mann), 2)) == {"heat", "insider"}
    dislikes = Taste((Statement("x", "cast", "Pacino", False, 2.0, ()),))
    assert best(model, Query(taste=dislikes)) == []


def test_what_is_refused_is_not_wished():
    assert wanted_parts("Crime, not war; a heist but no horror. I don't like gore") == [
        "Crime", " ", " a heist ", " ", " I "
    ]  # fmt: skip
    catalog = Catalog.of(
        [Item("c", "C", "", {"genres": ("Comedy",)}), Item("h", "H", "", {"genres": ("Horror",)})]
        + [Item(f"x{at}", "X", "", {"genres": ("Comedy", "Horror")[at : at + 1]}) for at in (0, 1)]
    )
    model = Knowledge().fit(catalog, Interactions.empty(catalog))
    found = model.retrieve([Query(text="two comedies without horror")], 9)[0]
    assert {catalog.ids[one.row] for one in found} == {"c", "x0"}


def test_new_items_and_facts_are_there_when_loaded(model, tmp_path):
    model.save(tmp_path / "kept")
    new = Item("new", "New", "", {"directors": ("Mann",)})
    grown = CATALOG.with_items([new])
    loaded = Knowledge(facts=[Fact("alone", "cast", "Pacino")]).load(tmp_path / "kept", grown)
    found = [c.row for c in loaded.retrieve([Query(history=history([0], [5]))], 9)[0]]
    assert found[0] in (1, 5)
    assert {4, 5} <= set(found)


def test_settings_that_make_no_sense():
    for options in (
        {"damping": 1.0},
        {"steps": 1},
        {"half_life": 0},
        {"discount": -1},
        {"weights": {"cast": -1}},
        {"weights": {"cast": "much"}},
        {"weights": {"cast": float("nan")}},
    ):
        with pytest.raises(ConfigError):
            Knowledge(**options)


def test_a_wide_batch_is_walked_in_parts(model, monkeypatch):
    queries = [Query(history=history([row], [5])) for row in range(5)] * 3
    rows = np.arange(5, dtype=np.int32)
    whole = model.scores(queries), model.contributions(queries[0], rows), model.similar(rows, 3)
    monkeypatch.setattr("tastemate.retrieve.knowledge._CELLS", 25)
    np.testing.assert_allclose(model.scores(queries), whole[0], rtol=1e-6)
    np.testing.assert_allclose(model.contributions(queries[0], rows), whole[1], rtol=1e-6)
    assert [[c.row for c in line] for line in model.similar(rows, 3)] == [
        [c.row for c in line] for line in whole[2]
    ]


def test_the_workspace_keeps_facts_and_answers_follow(tmp_path):
    project = Tastemate.open("films", home=tmp_path)
    resources = project.work.resources
    before = build.options_key("knowledge", resources), build.options_key("ease", resources)
    likes = ["heat-1995"]
    first = project.recommend(likes=likes, k=5, model="knowledge").ids
    far = next(i for i in reversed(project.catalog.ids) if i not in first)
    resources.facts.add([Fact("heat-1995", "inspired", far, "mine.tsv", "item", "item")])
    assert build.options_key("knowledge", resources) != before[0]
    assert build.options_key("ease", resources) == before[1]
    again = Tastemate.open("films", home=tmp_path)
    assert far in again.recommend(likes=likes, k=5, model="knowledge").ids
    graph = build.graph(again.work.resources, again.catalog)
    edge = graph.find(again.catalog.row("heat-1995"), "inspired", again.catalog.row(far))
    assert edge.sources == ("mine.tsv",)
    assert Kept(project.work.folder / "graph.tsv").read() == resources.facts.read()


def test_films_by_the_same_people_are_similar():
    dataset = open_dataset("films")
    model = Knowledge().fit(dataset.catalog, dataset.interactions)
    near = model.similar(np.array([dataset.catalog.row("the-godfather-1972")]), 3)[0]
    assert dataset.catalog.ids[near[0].row].startswith("the-godfather-part-ii")


def test_books_without_any_interactions(data_dir, monkeypatch):
    monkeypatch.setenv("TASTEMATE_DATA", str(data_dir))
    if not (data_dir / "goodbooks").is_dir():
        pytest.skip("real data: goodbooks is not there")
    dataset = open_dataset("goodbooks")
    model = Knowledge().fit(dataset.catalog, dataset.interactions)
    hunger = dataset.catalog.titles.index("The Hunger Games")
    found = model.retrieve([Query(history=history([hunger]))], 2)[0]
    assert {dataset.catalog.titles[c.row] for c in found} == {"Catching Fire", "Mockingjay"}
