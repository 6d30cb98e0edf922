"""The command line as a person or a script meets it: data on stdout, talk on stderr, exit codes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tastemate.cli.main import app, run

HEADER = "user,item,rating,time\n"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One state folder for the module, so that the sample is fitted once."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(autouse=True)
def _somewhere(state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASTEMATE_HOME", str(state))
    monkeypatch.chdir(tmp_path)


def ask(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), catch_exceptions=False)


def answer(*words: str) -> Any:
    result = ask(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def failing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str
) -> str:
    monkeypatch.setattr(sys, "argv", ["tastemate", *words])
    with pytest.raises(SystemExit) as stopped:
        run()
    assert stopped.value.code == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    return said.err


def test_demo_shows_a_taste_ten_films_and_why() -> None:
    shown = ask("demo")
    assert shown.exit_code == 0
    assert "What p012 likes" in shown.stdout
    assert "10 films for p012" in shown.stdout
    found = answer("demo")
    assert found["simulated"] is True
    assert len(found["items"]) == 10
    assert all(item["reason"]["text"] for item in found["items"])


def test_recommend_keeps_the_contract() -> None:
    found = answer("recommend", "--user", "p012", "-k", "5", "--query", "tense heist")
    assert set(found) >= {"dataset", "user", "degraded", "took_ms", "items"}
    assert found["dataset"] == "films"
    assert [item["rank"] for item in found["items"]] == [1, 2, 3, 4, 5]
    for item in found["items"]:
        assert set(item) >= {"rank", "item_id", "title", "score", "sources", "reason"}
        assert item["reason"]["evidence"]
    again = answer("recommend", "--user", "p012", "-k", "5", "--query", "tense heist")
    assert again["items"] == found["items"]


def test_that_people_are_simulated_is_said_where_it_matters_and_not_each_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TASTEMATE_HOME", str(tmp_path / "fresh"))
    note = "The people and ratings of films are simulated."
    like = ("recommend", "--user", "p012", "--model", "ease")
    first, again = ask(*like), ask(*like)
    assert first.stderr.count(note) == 1  # before the first fit
    assert first.stderr.index(note) < first.stderr.index("fitting ease")
    assert note not in again.stderr
    for _ in range(2):  # before every measurement, and where the data are told of
        measured = ask("evaluate", "--model", "popular", "--limit-users", "5")
        assert measured.stderr.count(note) == 1
    assert note in ask("data", "describe", "films").stderr
    assert note in " ".join(ask("doctor").stdout.replace("│", " ").split())


def test_recommend_for_a_person_to_read() -> None:
    shown = ask(
        "recommend", "--like", "Heat", "--genre", "Crime", "--where", "year>=1990", "--why", "1"
    )
    assert shown.exit_code == 0
    assert "found by" in shown.stdout
    assert "There is no line 99" in ask("recommend", "--why", "99").stderr


def test_the_other_questions_answer_in_json() -> None:
    assert len(answer("similar", "Heat", "-k", "3")["items"]) == 3
    assert answer("search", "heist films by Michael Mann")["items"][0]["item_id"] == "heat-1995"
    assert answer("predict", "-u", "p012", "Heat")["items"][0]["rating"] > 3
    assert answer("explain", "-u", "p012", "Heat")["item_id"] == "heat-1995"
    assert len(answer("compare", "-u", "p012", "Heat", "Memento")["items"]) == 2
    assert answer("taste", "-u", "p012")["statements"]
    assert answer("items", "show", "Heat")["year"] == 1995
    assert answer("doctor")["checks"]


@pytest.mark.parametrize(
    "words",
    [
        ("similar", "Heat"),
        ("search", "heist"),
        ("predict", "-u", "p012", "Heat"),
        ("explain", "-u", "p012", "Heat"),
        ("compare", "-u", "p012", "Heat", "Memento"),
        ("taste", "-u", "p012"),
        ("taste",),
        ("items", "show", "Heat"),
        ("data", "list"),
    ],
)
def test_the_other_questions_answer_in_words(words: tuple[str, ...]) -> None:
    shown = ask(*words)
    assert shown.exit_code == 0
    assert shown.stdout.strip()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("recommend", "--user", "p0012"), "p012"),
        (("recommend", "--dataset", "filmz"), "films"),
        (("recommend", "--where", "yeer=1990"), "year"),
        (("recommend", "--where", "genre=Crimee"), "Crime"),
        (("recommend", "--model", "eese"), "ease"),
        (("similar", "no such film at all"), "tastemate search"),
        (("items", "add"), "JSONL"),
        (("items", "add", "missing.jsonl"), "missing.jsonl"),
        (("import",), "--items"),
        (("import", "missing.csv"), "missing.csv"),
    ],
)
def test_misuse_is_one_sentence_and_exit_code_one(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    said: str,
) -> None:
    assert said in failing(capsys, monkeypatch, *words)


@pytest.mark.parametrize("words", [("recommend", "-k", "0"), ("recommend", "--nope"), ("nope",)])
def test_wrong_usage_is_exit_code_two(words: tuple[str, ...]) -> None:
    assert ask(*words).exit_code == 2


def test_a_csv_becomes_a_project_that_answers() -> None:
    rows = [f"u{u},i{i},{1 + (u + i) % 5},{1000 + i}" for u in range(8) for i in range(9) if u != i]
    Path("r.csv").write_text(HEADER + "\n".join([*rows, "u1,,3,1000", "u2,i1,nan,1000"]) + "\n")
    titles = "\n".join(f"i{i},Item {i},{'a|b' if i % 2 else 'b'}" for i in range(9))
    Path("i.csv").write_text(f"id,title,kinds\n{titles}\n")
    kept = answer(
        "import", "r.csv", "--items", "i.csv", "--item-id-col", "id", "--rejected", "no.jsonl"
    )
    assert kept["items"] == 9
    assert kept["rejected"] == 2
    assert len(Path("no.jsonl").read_text().splitlines()) == 2
    slate = answer("recommend", "--user", "u3", "-k", "1")
    assert slate["items"][0]["item_id"] == "i3"
    assert answer("like", "-u", "u3", "i3")["like"] == "i3"
    assert answer("recommend", "--user", "u3")["items"] == []
    assert (
        "fresh"
        in answer("items", "add", "--id", "fresh", "--title", "Fresh", "--set", "kinds=a|c")[
            "added"
        ]
    )
    assert answer("recommend", "--user", "u3")["items"][0]["item_id"] == "fresh"
    assert "ease" in answer("fit")["seconds"]
    assert ask("dislike", "-u", "u3", "Item 2").stdout == "u3 dislikes Item 2.\n"


def test_an_import_without_a_usable_line_changes_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("r.csv").write_text(HEADER + "u1,i1,5,1000\nu2,i1,5,1000\n")
    assert ask("import", "r.csv").exit_code == 0
    Path("bad.csv").write_text(HEADER + ",,,\n")
    failing(capsys, monkeypatch, "import", "bad.csv")
    assert answer("recommend", "-k", "1", "--allow-seen")["items"][0]["item_id"] == "i1"


def test_init_writes_settings_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "tastemate import" in ask("init", "mine").stderr
    assert "already" in failing(capsys, monkeypatch, "init", "mine")
    assert Path(answer("init", "other", "--dataset", "films")["project"]).is_file()
    assert len(answer("recommend", "-d", "other", "-k", "2")["items"]) == 2
    assert "no data yet" in failing(capsys, monkeypatch, "recommend", "-d", "mine")


def test_items_are_added_from_a_file_or_not_at_all(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("init", ".", "--dataset", "films")
    Path("new.jsonl").write_text('{"id": "n1", "title": "New one", "genres": ["Crime"]}\n\n')
    assert answer("items", "add", "new.jsonl")["added"] == ["n1"]
    Path("bad.jsonl").write_text('{"id": "n2", "title": "New"}\nnonsense\n')
    assert "line 2" in failing(capsys, monkeypatch, "items", "add", "bad.jsonl")
    Path("bad.jsonl").write_text("[1]\n")
    assert "not an object" in failing(capsys, monkeypatch, "items", "add", "bad.jsonl")
    assert "NAME=VALUE" in failing(
        capsys, monkeypatch, "items", "add", "--id", "x", "--title", "X", "--set", "year"
    )
    assert answer("items", "show", "n1")["title"] == "New one"


def test_the_deletion_test_runs() -> None:
    found = answer("benchmark", "deletion", "--users", "20")
    assert found["share"] > 0.7
    assert found["problems"] == 0
    assert "20 users" in ask("benchmark", "deletion", "--users", "20").stdout


def test_importing_the_package_stays_light() -> None:
    heavy = [
        *("numpy", "polars", "scipy", "torch", "transformers", "lightgbm", "onnxruntime"),
        *("implicit", "matplotlib", "pyspark", "fastapi"),
    ]
    code = (
        "import sys, tastemate, tastemate.cli.main\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_version_and_help() -> None:
    assert ask("--version").stdout.startswith("tastemate 0.")
    assert "recommend" in ask("--help").stdout
