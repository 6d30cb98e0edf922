"""What a prompt is told of candidates by the knowledge graph."""

import numpy as np

from tastemate.catalog import Catalog
from tastemate.data.facts import Fact
from tastemate.data.graph import Graph
from tastemate.explain.ties import ties
from tastemate.llm.cards import Tie
from tastemate.types import Item

CATALOG = Catalog.of(
    [
        Item("heat", "Heat", "", {"directors": ("Mann",), "cast": ("Pacino", "Kilmer")}),
        Item("insider", "The Insider", "", {"directors": ("Mann",), "cast": ("Pacino",)}),
        Item("one", "Part 1", "", {"franchise": "P", "year": 1990}),
        Item("two", "Part 2", "", {"franchise": "P", "year": 1991}),
        Item("bare", "Bare"),
    ]
)
GRAPH = Graph.of(CATALOG, [Fact("heat", "based_on", "L.A. Takedown", "mine.tsv")])
HEAT, INSIDER, ONE, TWO, BARE = range(5)


def test_what_candidates_share_names_both_and_each_other():
    heat, insider, bare = ties(GRAPH, [HEAT, INSIDER, BARE])
    assert heat[:2] == (Tie("directors", ("Mann",), (2,)), Tie("cast", ("Pacino",), (2,)))
    assert set(heat[2:]) == {Tie("cast", ("Kilmer",)), Tie("based on", ("L.A. Takedown",))}
    assert insider == (Tie("directors", ("Mann",), (1,)), Tie("cast", ("Pacino",), (1,)))
    assert bare == ()


def test_edges_between_items_come_first():
    one, two = ties(GRAPH, [ONE, TWO])
    assert one[0] == Tie("sequel", (), (2,))
    assert two[0] == Tie("sequel of", (), (1,))
    ((alone, *_),) = ties(GRAPH, [ONE])
    assert alone == Tie("sequel", ("Part 2",))


def test_likeness_is_to_be_among_the_nearest_of_all_items():
    angles = np.array([0.0, 1.0, 0.1, 1.6, 3.1])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    heat, bare = ties(GRAPH, [HEAT, BARE], vectors)
    assert "similar to" not in {tie.relation for tie in (*heat, *bare)}
    heat, one, _ = ties(GRAPH, [HEAT, ONE, BARE], vectors)
    assert heat[0] == Tie("similar to", (), (2,))
    assert Tie("similar to", (), (1,)) in one
    crowded = Catalog.of(Item(str(at), str(at)) for at in range(30))
    near = np.tile(np.array([[1.0, 0.0]], np.float32), (30, 1))
    near[1] = [0.9, 0.43589]
    assert ties(Graph.of(crowded), [0, 1], near)[0] == ()
    assert ties(Graph.of(crowded), [0, 1], near * 0) == [(), ()]


def test_what_nearly_everything_has_is_no_tie():
    items = [Item(str(at), str(at), "", {"genres": ("Drama",)}) for at in range(20)]
    assert ties(Graph.of(Catalog.of(items)), [0, 1]) == [(), ()]
    assert ties(GRAPH, []) == []
    assert ties(GRAPH, [HEAT, HEAT])[0] == ties(GRAPH, [HEAT])[0]
