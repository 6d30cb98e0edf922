import json
import sys

import pytest
from typer.testing import CliRunner

from tastemate.cli.main import app, run
from tastemate.errors import FormatError, NothingUsable, UnknownItem

FACTS = (
    "Heat (1995)\tbased on\tL.A. Takedown\nMichael Mann\tborn in\tChicago\n"
    "the-fugitive-1993\tset in\tChicago\nHeet\tset in\tNowhere\nx\ty\n\tset in\tRome\n"
    "Heat (1995)\tbased on\tL.A. Takedown\n"
)


@pytest.fixture
def facts(tmp_path):
    path = tmp_path / "facts.tsv"
    path.write_text(FACTS)
    return path


def ask(*words):
    done = CliRunner().invoke(app, ["graph", *map(str, words)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout) if "--json" in words else done.stdout


def test_facts_are_imported_shown_and_walked(facts, tmp_path):
    rejected = tmp_path / "rejected.jsonl"
    told = ask("import", facts, "--json", "--rejected", rejected)
    assert (told["facts"], told["new"], told["items"]) == (4, 4, 2)
    assert (told["rejected"], told["duplicates"]) == (2, 1)
    assert len(rejected.read_text().splitlines()) == 2
    assert ask("import", facts, "--json")["new"] == 0
    edges = ask("show", "Heat", "--json")["edges"]
    assert {
        "relation": "based on",
        "forward": True,
        "name": "L.A. Takedown",
        "kind": "thing",
        "sources": ["facts.tsv"],
    } in edges
    mann = ask("show", "michael mann", "--json", "-k", "1")
    assert mann["node"] == {"name": "Michael Mann", "kind": "person"}
    assert (mann["total"], len(mann["edges"])) == (2, 1)
    (best,) = ask("path", "The Fugitive", "Heat", "--json", "-k", "1")["paths"]
    assert best["text"] == (
        "set in Chicago, in which Michael Mann is born, one of the directors of Heat (1995)"
    )
    assert [node["name"] for node in best["nodes"]][1:3] == ["Chicago", "Michael Mann"]
    assert best["edges"][0]["sources"] == ["facts.tsv"]
    assert ask("path", "Heat", "L.A. Takedown", "--json")["paths"][0]["text"] == (
        "based on L.A. Takedown"
    )
    counts = ask("stats", "--json")
    assert counts["nodes"]["item"] == 405
    assert counts["sources"]["facts.tsv"] == 4
    assert counts["edges"]["born in"] == 1


def test_it_reads_well(facts):
    said = ask("import", facts)
    assert "4 facts about 2 items; 4 are new." in said
    assert "← set in" in ask("show", "Chicago")
    assert "as The Godfather" in ask("path", "Heat", "The Godfather")
    assert "Nothing connects them" in ask("path", "Nowhere", "Alien")
    assert "franchise" in ask("stats")


def test_what_cannot_be_done_is_said(tmp_path):
    with pytest.raises(UnknownItem):
        ask("show", "no such thing at all")
    broken = tmp_path / "b.tsv"
    broken.write_text("one,two,three\n")
    with pytest.raises(NothingUsable, match="tabs"):
        ask("import", broken)
    with pytest.raises(FormatError, match="Unpack"):
        ask("import", tmp_path / "b.tsv.gz")


def test_errors_are_one_sentence(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", ["tastemate", "graph", "import", str(tmp_path / "none.tsv")])
    with pytest.raises(SystemExit) as left:
        run()
    assert left.value.code == 1
    assert "no file" in capsys.readouterr().err
