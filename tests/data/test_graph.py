import numpy as np
import polars as pl
import pytest

from tastemate.catalog import Catalog
from tastemate.data.assembly import DERIVED, SEQUEL
from tastemate.data.datasets import open_dataset
from tastemate.data.facts import Fact, folded, kind_of
from tastemate.data.graph import Edge, Graph
from tastemate.data.joined import Source
from tastemate.data.walks import pagerank, transitions
from tastemate.types import Item


@pytest.fixture
def catalog():
    return Catalog.of(
        [
            Item("a", "Alpha (1990)", "", {"directors": ("Ann Lee",), "cast": ("Bo",)}),
            Item("b", "Beta (1992)", "", {"directors": ("Cy",), "cast": ("ANN LEE", "Bo")}),
            Item("c", "Gamma (1999)", "", {"genres": ("War",), "year": 1999}),
            Item("d", "Delta", "", {}),
        ]
    )


def named(graph, edges):
    return {(graph.names[e.head], e.relation, graph.names[e.tail]) for e in edges}


def test_one_person_is_one_node_whatever_they_did(catalog):
    graph = Graph.of(catalog)
    (ann,) = graph.entities("ann lee")
    assert graph.kinds[ann] == "person"
    assert named(graph, graph.edges(ann)) == {
        ("Alpha (1990)", "directors", "Ann Lee"),
        ("Beta (1992)", "cast", "Ann Lee"),
    }
    assert graph.degrees[ann] == 2
    assert graph.kinds[:4] == ("item",) * 4
    assert graph.n_items == 4
    assert list(graph.edges(3)) == []
    assert graph.count() == {
        "nodes": {"item": 4, "person": 3, "genre": 1, "era": 1},
        "edges": {"directors": 2, "cast": 3, "genres": 1, "year": 1},
        "sources": {"catalogue": 7},
    }


def test_every_edge_says_who_said_it(catalog):
    one = Source("one", pl.DataFrame({"id": ["a", "z"], "cast": [["BO", None], ["Bo"]]}))
    two = Source(
        "two",
        pl.DataFrame(
            {"id": ["a", "b"], "cast": [["Bo", "Nobody"], None], "directors": ["x", "Cy"]}
        ),
    )
    graph = Graph.of(catalog, [Fact("b", "cast", "Bo", "file.tsv")], sources=[one, two])
    bo, cy = graph.entities("Bo")[0], graph.entities("Cy")[0]
    assert graph.find(0, "cast", bo) == Edge(0, "cast", bo, ("one", "two"))
    assert set(graph.find(1, "cast", bo).sources) == {"catalogue", "file.tsv"}
    assert graph.find(1, "directors", cy).sources == ("two",)
    assert graph.find(1, "cast", cy) is None
    assert graph.find(3, "cast", bo) is None


def test_facts_join_items_entities_and_each_other(catalog):
    facts = [
        Fact("d", "film.film.directed_by", "Ann Lee"),
        Fact("Ann Lee", "born in", "Oslo"),
        Fact("Gamma", "set in", "Oslo"),
        Fact("c", "set in", "oslo"),
        Fact("b", "follows", "a"),
        Fact("War", "broader", "History"),
        Fact("gone", "follows", "a", head_is="item"),
        Fact("a", "follows", "a"),
        Fact("a", "follows", "Beta", tail_is="entity"),
    ]
    graph = Graph.of(catalog, facts)
    (ann,), (oslo,), (war,) = map(graph.entities, ("Ann Lee", "Oslo", "War"))
    assert graph.find(3, "film.film.directed_by", ann)
    assert graph.find(ann, "born in", oslo)
    assert graph.find(2, "set in", oslo)
    assert graph.find(1, "follows", 0).sources == ("given",)
    assert graph.kinds[war] == "genre"
    assert graph.find(war, "broader", graph.entities("History")[0])
    assert graph.find(graph.entities("Gamma")[0], "set in", oslo)
    assert graph.entities("gone") == []
    assert graph.find(0, "follows", graph.entities("Beta")[0])
    assert int((graph.head == graph.tail).sum()) == 0


def test_what_comes_next_in_a_series_needs_clear_years():
    catalog = Catalog.of(
        Item(name, name, "", {"year": year, "franchise": franchise})
        for name, year, franchise in [
            ("third", 1990, "X"),
            ("first", 1970, "X"),
            ("second", 1980, "X"),
            ("twin", 2000, "Y"),
            ("other twin", 2000, "Y"),
            ("late", 2010, "Y"),
        ]
    )
    graph = Graph.of(catalog)
    sequels = [edge for row in range(6) for edge in graph.edges(row) if edge.relation == SEQUEL]
    assert named(graph, sequels) == {("first", SEQUEL, "second"), ("second", SEQUEL, "third")}
    assert {edge.sources for edge in sequels} == {(DERIVED,)}


def test_names_and_kinds():
    assert folded("  Amélie   POULAIN ") == "amelie poulain"
    kinds = {
        "directors": "person",
        "film.film.directed_by": "person",
        "genre:token": "genre",
        "publication_year": "era",
        "countries": "country",
        "series": "franchise",
        "moods": "mood",
        "based_on": "thing",
        "": "thing",
        "...": "thing",
    }
    assert {name: kind_of(name.removesuffix(":token")) for name in kinds} == kinds


def test_an_empty_and_a_bare_catalogue():
    empty = Graph.of(Catalog.of([]))
    assert (len(empty), empty.n_items, list(empty.edges(0))) == (0, 0, [])
    bare = Graph.of(Catalog.of([Item("a", "A")]))
    assert transitions(bare).shape == (1, 1)
    assert bare.count()["edges"] == {}
    only = Graph.of(Catalog.of([Item("a", "A")]), [Fact("a", "cast", "Bo"), Fact("x", "y", "z")])
    assert len(only) == 4


def test_a_text_is_no_name():
    graph = Graph.of(Catalog.of([Item("a", "A", "", {"notes": "x" * 300, "mood": "calm"})]))
    assert graph.names == ("A", "calm")


def test_many_sources_share_the_last_place(catalog):
    facts = [Fact("a", "cast", f"P{at}", f"s{at}") for at in range(80)]
    graph = Graph.of(catalog, facts)
    assert len(graph.sources) == 63
    assert graph.find(0, "cast", graph.entities("P79")[0]).sources == ("other sources",)


def test_pagerank_is_the_known_one():
    # A path of three: i - p - j, with d = .5 from i. By hand: x = .5 r + .5 P'x.
    graph = Graph.of(
        Catalog.of([Item("i", "I", "", {"cast": ("P",)}), Item("j", "J", "", {"cast": ("P",)})])
    )
    walk = transitions(graph)
    np.testing.assert_allclose(walk.toarray(), [[0, 0, 1], [0, 0, 1], [0.5, 0.5, 0]])
    restart = np.array([[1], [0], [0]], dtype=np.float32)
    ranks = pagerank(walk.T.tocsr(), restart, 0.5, 60).ravel()
    np.testing.assert_allclose(ranks, [7 / 12, 1 / 12, 1 / 3], atol=1e-6)
    assert ranks.sum() == pytest.approx(1.0)


def test_pagerank_agrees_with_the_linear_system():
    rng = np.random.default_rng(0)
    items = [
        Item(f"i{at}", f"I{at}", "", {"cast": tuple(f"p{p}" for p in rng.integers(0, 9, 3))})
        for at in range(12)
    ]
    walk = transitions(Graph.of(Catalog.of(items)))
    size = walk.shape[0]
    restart = np.eye(size, dtype=np.float32)
    ranks = pagerank(walk.T.tocsr(), restart, 0.7, 100)
    solved = np.linalg.solve(np.eye(size) - 0.7 * walk.T.toarray(), 0.3 * np.eye(size))
    np.testing.assert_allclose(ranks, solved, atol=1e-5)


def test_who_is_connected_with_one_item_only_leads_nowhere():
    catalog = Catalog.of(
        [
            Item("i", "I", "", {"cast": ("P", "Alone"), "genres": ("G",)}),
            Item("j", "J", "", {"cast": ("P",), "genres": ("G",)}),
            Item("k", "K", "", {"genres": ("G",)}),
        ]
    )
    graph = Graph.of(catalog)
    walk = transitions(graph, {"genres": 0.5}).toarray()
    (alone,), (p,), (g,) = map(graph.entities, ("Alone", "P", "G"))
    assert walk[0, alone] == 0
    assert walk[0, p] / walk[0, g] == pytest.approx(np.log(2) / (0.5 * np.log(3)), rel=1e-5)
    np.testing.assert_allclose(walk.sum(axis=1)[[0, 1, 2, p, g]], 1.0, rtol=1e-6)


def test_the_films_sample():
    graph = Graph.of(open_dataset("films").catalog)
    counts = graph.count()
    assert counts["nodes"]["item"] == 405
    assert {"person", "genre", "theme", "franchise", "era", "country"} <= set(counts["nodes"])
    assert counts["sources"].keys() == {"catalogue", "derived"}
    eastwood = graph.entities("Clint Eastwood", "person")
    assert len(eastwood) == 1
    assert {edge.relation for edge in graph.edges(eastwood[0])} == {"directors", "cast"}


def test_real_credits_say_who_said_what(data_dir, monkeypatch):
    if not (data_dir / "redial" / "movies.json").is_file():
        pytest.skip("real data: redial/movies.json is not there")
    monkeypatch.setenv("TASTEMATE_DATA", str(data_dir))
    dataset = open_dataset("ml-latest-small", text="movie-text,redial")
    graph = Graph.of(dataset.catalog, sources=dataset.sources)
    heat = dataset.catalog.row("6")
    (mann,) = graph.entities("Michael Mann", "person")
    assert graph.find(heat, "directors", mann).sources == ("movie-text", "redial")
    assert graph.find(heat, "writers", mann).sources == ("redial",)
    assert graph.find(heat, "cast", graph.entities("Wes Studi")[0]).sources == ("movie-text",)
