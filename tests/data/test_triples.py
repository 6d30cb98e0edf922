import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tastemate.catalog import Catalog
from tastemate.data import triples
from tastemate.data.facts import Fact
from tastemate.data.graph import Graph
from tastemate.data.triples import Kept, linked, read_triples
from tastemate.data.validate import Report
from tastemate.errors import DataError, FormatError, NotFound, NothingUsable, TastemateError
from tastemate.types import Item

CATALOG = Catalog.of([Item("1", "Heat (1995)"), Item("2", "Ronin (1998)", "", {"cast": ("Bo",)})])


@pytest.fixture
def file(tmp_path):
    def write(content, name="facts.tsv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_triples_with_broken_lines(file):
    report = Report()
    path = file(
        'head\trelation\ttail\n1\tset in\t"L.A."\n1\tset in\n1\ta\tb\tc\n\tx\ty\n'
        f"1\tx\t{'y' * 201}\n1\tx\tred\x1b[31m\n1\tx\t\u202eback\n\n"
        " 2 \tset in\t Paris\r\n2\tset in\tParis\n"
    )
    facts = read_triples(path, CATALOG, report)
    assert facts == [
        Fact("1", "set in", '"L.A."', "facts.tsv"),
        Fact("2", "set in", "Paris", "facts.tsv"),
    ]
    assert (report.accepted, report.duplicates) == (2, 1)
    assert [(one.line, one.field, one.reason) for one in report.first(9)] == [
        (3, "line", "has fewer than 3 columns with tabs"),
        (4, "line", "has more than 3 columns with tabs"),
        (5, "head", "is empty"),
        (6, "tail", "is longer than 200 characters"),
        (7, "tail", "holds control characters"),
        (8, "tail", "holds control characters"),
    ]
    assert "\x1b" not in "".join(report.frame["value"])


def test_columns_may_stand_in_another_order(file):
    path = file("tail\thead\trelation\nParis\t1\tset in\n")
    assert read_triples(path, CATALOG, Report()) == [Fact("1", "set in", "Paris", "facts.tsv")]


def test_recbole_files(file):
    report = Report()
    file("item_id:token\tentity_id:token\n1\tm.1\n2\tm.2\n9\tm.9\n2\tm.1\n", "ml.link")
    path = file(
        "head_id:token\trelation_id:token\ttail_id:token\n"
        "m.1\tfilm.film.directed_by\tm.7\nm.7\tpeople.born\tm.8\nm.1\tfilm.film.sequel\tm.2\n1\tx\t2\n",
        "ml.kg",
    )
    facts = read_triples(path, CATALOG, report)
    assert facts == [
        Fact("1", "film.film.directed_by", "m.7", "ml.kg", "item", "entity"),
        Fact("m.7", "people.born", "m.8", "ml.kg", "entity", "entity"),
        Fact("1", "film.film.sequel", "2", "ml.kg", "item", "item"),
        Fact("1", "x", "2", "ml.kg", "entity", "entity"),
    ]
    assert [(one.line, one.field) for one in report.first(9)] == [(4, "item_id"), (5, "entity_id")]
    graph = Graph.of(CATALOG, facts)
    assert graph.find(0, "film.film.sequel", 1)
    (person,) = graph.entities("m.7")
    assert graph.kinds[person] == "person"
    assert graph.find(person, "people.born", graph.entities("m.8")[0])
    named = read_triples(path, CATALOG, Report(), links=path.with_suffix(".link"))
    assert named == facts
    path.with_suffix(".link").unlink()
    with pytest.raises(NotFound, match="--links"):
        read_triples(path, CATALOG, Report())


@pytest.mark.parametrize(
    ("content", "name", "error", "message"),
    [
        ("", "f.tsv", NothingUsable, "empty"),
        ("a,b,c\n", "f.tsv", NothingUsable, "tabs between"),
        ("x", "f.tsv.gz", FormatError, "Unpack it first"),
        (b"a\tb\t\0\n", "f.tsv", FormatError, "not a text file"),
        ("head\trelation\ttail\n", "f.tsv", NothingUsable, "No line"),
    ],
)
def test_useless_files(file, content, name, error, message):
    with pytest.raises(error, match=message):
        read_triples(file(content, name), CATALOG, Report())


def test_huge_files_are_bounded(file, monkeypatch):
    monkeypatch.setattr(triples, "MOST", 3)
    report = Report()
    path = file("".join(f"1\tx\tt{at}\n" for at in range(50)))
    assert len(read_triples(path, CATALOG, report)) == 3
    assert "the first 3 were read" in report.notes[0]
    monkeypatch.setattr(triples, "LARGEST", 100)
    with pytest.raises(FormatError, match="larger than"):
        read_triples(path, CATALOG, Report())


def test_names_are_linked_for_good():
    facts = [
        Fact("Heat", "set in", "L.A."),
        Fact("1", "with", "Bo"),
        Fact("Bo", "knows", "Ronin"),
        Fact("x", "y", "z", head_is="entity", tail_is="item"),
    ]
    titles = {"Heat": 0, "Ronin": 1, "Bo": 1}
    graph = Graph.of(CATALOG)

    def entity(name):
        return next(iter(graph.entities(name)), -1)

    found = linked(facts, CATALOG, lambda name: titles.get(name, -1), entity)
    assert found[0] == Fact("1", "set in", "L.A.", "given", "item", "entity")
    assert found[1] == Fact("1", "with", "Bo", "given", "item", "entity")
    assert found[2] == Fact("2", "knows", "2", "given", "item", "item")
    assert found[3] == facts[3]


def test_facts_are_kept(tmp_path, monkeypatch):
    kept = Kept(tmp_path / "deep" / "graph.tsv")
    assert (kept.read(), kept.key) == ((), "")
    one = Fact("1", "x", "y", "f", "item", "entity")
    assert kept.add([one, one]) == 1
    first = kept.key
    assert kept.add([one]) == 0
    assert kept.key == first
    assert kept.add([Fact("Heat", "a b", '"quoted"', "f")]) == 1
    assert kept.key != first
    assert kept.read() == (one, Fact("Heat", "a b", '"quoted"', "f"))
    monkeypatch.setattr(triples, "MOST", 2)
    with pytest.raises(DataError, match="can be kept"):
        kept.add([Fact("2", "x", "y")])
    kept.path.write_text(kept.path.read_text()[:-20])
    with pytest.raises(FormatError, match="damaged"):
        kept.read()
    kept.path.write_text("")
    assert kept.read() == ()
    assert Kept().read() == ()
    with pytest.raises(DataError, match="no folder"):
        Kept().write([one])
    (tmp_path / "flat").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        Kept(tmp_path / "flat" / "graph.tsv").write([one])


name = st.text(min_size=1, max_size=12)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.binary(max_size=120)
    | st.lists(st.tuples(name, name, name)).map(
        lambda rows: "\n".join("\t".join(row) for row in rows).encode("utf-8", "replace")
    )
)
def test_any_bytes_give_facts_or_our_error(file, content):
    for suffix in ("tsv", "kg"):
        file(b"item_id\tentity_id\n1\ta\n", "f.link")
        report = Report()
        try:
            facts = read_triples(file(content, f"f.{suffix}"), CATALOG, report)
        except TastemateError:
            continue
        assert len(facts) == report.accepted == len(set(facts)) > 0
        for fact in facts:
            for said in (fact.head, fact.relation, fact.tail):
                assert said.strip() == said != ""
                assert all(ord(c) >= 32 for c in said)
        kept = Kept(file(b"", "graph.tsv"))
        kept.write(facts)
        assert kept.read() == tuple(facts)
        assert Graph.of(CATALOG, facts).n_items == 2
