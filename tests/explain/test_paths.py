from tastemate.catalog import Catalog
from tastemate.data.facts import Fact
from tastemate.data.graph import Graph
from tastemate.explain.paths import Path, Paths
from tastemate.types import Item

CATALOG = Catalog.of(
    [
        Item(
            "heat",
            "Heat (1995)",
            "",
            {"directors": ("Mann",), "cast": ("Pacino", "Eastwood"), "genres": ("Crime",)},
        ),
        Item("insider", "The Insider (1999)", "", {"directors": ("Mann",), "cast": ("Pacino",)}),
        Item("scarface", "Scarface (1983)", "", {"cast": ("Pacino",), "directors": ("Palma",)}),
        Item("carrie", "Carrie (1976)", "", {"directors": ("Palma",), "genres": ("Horror",)}),
        Item("torino", "Gran Torino (2008)", "", {"directors": ("Eastwood",)}),
        Item("alone", "Alone (2000)", "", {"cast": ("Nobody",)}),
        Item("a", "Part A", "", {"franchise": "P", "year": 1990}),
        Item("b", "Part B", "", {"franchise": "P", "year": 1991}),
    ]
)
FACTS = [
    Fact("carrie", "based on", "A novel", "books.tsv"),
    Fact("alone", "based on", "A novel", "books.tsv"),
    Fact("Mann", "born in", "Chicago", "places.tsv"),
    Fact("carrie", "set in", "Chicago", "places.tsv"),
    Fact("alone", "answer", "heat", "books.tsv", tail_is="item"),
    Fact("Horror", "parent", "Dark", "kinds.tsv"),
]
GRAPH = Graph.of(CATALOG, FACTS)
PATHS = Paths(GRAPH)


def rows(*names):
    return [CATALOG.row(name) for name in names]


def said(item, other, value=None, n=1):
    (node,), (end,) = rows(item), rows(other)
    found = PATHS.find(node, {end: value}, n)
    assert all(PATHS.holds(path) for path in found)
    assert all(path.nodes[0] == node and path.nodes[-1] == end for path in found)
    assert [p.weight for p in found] == sorted((p.weight for p in found), reverse=True)
    return [path.text for path in found]


def test_what_two_items_share_is_said_plainly():
    assert said("insider", "heat", 5.0, 2) == [
        "by Mann, as Heat (1995), which you gave 5",
        "with Pacino, as Heat (1995), which you gave 5",
    ]
    assert said("torino", "heat") == ["by Eastwood, one of the cast of Heat (1995)"]
    assert said("heat", "torino", 4.5) == [
        "with Eastwood, one of the directors of Gran Torino (2008), which you gave 4.5"
    ]


def test_long_ways_pass_through_other_items():
    assert said("insider", "carrie", n=9)[-1] == (
        "with Pacino, one of the cast of Scarface (1983), by Palma, one of the directors of "
        "Carrie (1976)"
    )


def test_entities_lead_to_entities():
    assert said("insider", "carrie") == ["by Mann, born in Chicago, in which Carrie (1976) is set"]
    assert said("carrie", "insider") == [
        "set in Chicago, in which Mann is born, one of the directors of The Insider (1999)"
    ]
    assert said("carrie", "alone") == ["based on A novel, as Alone (2000)"]


def test_items_lead_to_items():
    assert said("b", "a")[0] == "after Part A in its series"
    assert said("a", "b")[0] == "before Part B in its series"
    assert said("alone", "heat") == ["whose answer is Heat (1995)"]
    assert said("heat", "alone") == ["answer of Alone (2000)"]


def test_paths_may_end_at_an_entity():
    (dark,) = GRAPH.entities("Dark")
    (carrie,) = rows("carrie")
    (path,) = PATHS.find(carrie, {dark: None}, 1)
    assert path.text == "of the genre Horror, whose parent is Dark"


def test_the_best_few_of_several_likes():
    insider, heat, scarface, alone = rows("insider", "heat", "scarface", "alone")
    found = PATHS.find(insider, {heat: 5.0, scarface: 4.0, insider: 3.0, alone: None}, 2)
    assert [path.nodes[-1] for path in found] == [scarface, heat]
    assert PATHS.find(insider, {}, 2) == []
    assert len({path.nodes for path in PATHS.find(insider, {heat: None}, 50)}) == len(
        PATHS.find(insider, {heat: None}, 50)
    )


def test_a_path_that_is_not_in_the_graph_does_not_hold():
    insider, heat, scarface = rows("insider", "heat", "scarface")
    (path,) = PATHS.find(insider, {heat: None}, 1)
    assert PATHS.holds(path)
    (other,) = PATHS.find(scarface, {heat: None}, 1)
    assert not PATHS.holds(Path(path.nodes, other.edges, 1.0))
    assert not PATHS.holds(Path(path.nodes[:2], path.edges, 1.0))
    wrong = Graph.of(Catalog.of(list(CATALOG)), [Fact("insider", "directors", "Mann", "liar")])
    (mann,) = wrong.entities("Mann")
    (claimed,) = Paths(wrong).find(insider, {mann: None}, 1)
    assert claimed.edges[0].sources == ("catalogue", "liar")
    assert not PATHS.holds(claimed)


def test_what_everything_leads_to_is_no_stop_of_a_long_way():
    items = [Item(f"i{at}", f"I{at}", "", {"genres": ("Drama",)}) for at in range(500)]
    items += [Item("x", "X", "", {"genres": ("Drama",), "cast": ("P",)})]
    items += [Item("y", "Y", "", {"cast": ("P",)})]
    catalog = Catalog.of(items)
    paths = Paths(Graph.of(catalog))
    assert paths.find(catalog.row("i0"), {catalog.row("y"): None}, 3) == []
    assert paths.find(catalog.row("i0"), {catalog.row("i1"): None}, 1)[0].text == (
        "of the genre Drama, as I1"
    )


def test_paths_are_told_as_sentences():
    def told(item, other, value=None, n=1):
        (node,), (end,) = rows(item), rows(other)
        return PATHS.told(node, {end: value}, n)

    assert told("insider", "heat", 5.0, 2) == [
        "It is by Mann, as Heat (1995), which you gave 5.",
        "It is with Pacino, as Heat (1995), which you gave 5.",
    ]
    assert told("alone", "heat") == ["Its answer is Heat (1995)."]
    assert told("heat", "alone", 4.0) == ["It is the answer of Alone (2000), which you gave 4."]
    assert told("a", "b") == ["It is before Part B in its series."]
    assert told("b", "a") == ["It is after Part A in its series."]
    assert told("insider", "heat", n=0) == []
    late = len(GRAPH)
    assert PATHS.told(late, {0: None}) == PATHS.told(0, {late: None}) == []
    inspired = Graph.of(CATALOG, [Fact("heat", "inspired by", "torino", tail_is="item")])
    torino, heat = rows("torino", "heat")
    assert Paths(inspired).told(torino, {heat: None}, 1) == [
        "It is what Heat (1995) is inspired by."
    ]


def test_only_what_holds_is_told(monkeypatch):
    insider, heat = rows("insider", "heat")
    mann = GRAPH.entities("Mann")[0]
    monkeypatch.setattr(PATHS, "holds", lambda path: mann not in path.nodes)
    told = PATHS.told(insider, {heat: None}, 5)
    assert "It is with Pacino, as Heat (1995)." in told
    assert not any("Mann" in sentence for sentence in told)


def test_what_nearly_everything_has_is_not_told():
    drama = [Item(f"i{at}", f"I{at}", "", {"genres": ("Drama",)}) for at in range(20)]
    pair = [Item(i, i.upper(), "", {"genres": ("Drama",), "cast": ("P",)}) for i in "xy"]
    catalog = Catalog.of([*drama, *pair])
    paths, (x, y) = Paths(Graph.of(catalog)), (catalog.row("x"), catalog.row("y"))
    assert len(paths.find(x, {y: None})) == 2
    assert paths.told(x, {y: None}) == ["It is with P, as Y."]
    assert paths.told(x, {catalog.row("i0"): None}) == []
