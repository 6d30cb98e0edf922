import json

import pytest
import typer
from typer.testing import CliRunner

from tastemate import build
from tastemate.cli import evaluate as verb
from tastemate.cli.request import DEFAULT_MODELS, Request
from tastemate.errors import ConfigError
from tastemate.evaluate.baselines import ContentNeighbours, Popular, Together
from tastemate.evaluate.bootstrap import Interval

MODELS = {"popular": Popular, "content": ContentNeighbours, "item-knn": Together}


@pytest.fixture(autouse=True)
def _known_models(monkeypatch, tmp_path):
    def factory(model, shared=None, /, **options):
        assert set(options) <= {"seed"}
        return MODELS.get(model, Together)

    monkeypatch.setattr(build, "factory", factory)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TASTEMATE_DATA", raising=False)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A small MovieLens folder: 30 people, 30 films, 12 ratings each."""
    folder = tmp_path_factory.mktemp("tiny")
    films = [f'{i},"Film {i} (19{50 + i})",{"Drama" if i % 2 else "Comedy|War"}' for i in range(30)]
    (folder / "movies.csv").write_text("movieId,title,genres\n" + "\n".join(films) + "\n")
    ratings = [
        f"{user},{(user * 7 + place * (1 + user % 3)) % 30},{'55452'[(user + place) % 5]}.0,"
        f"{1_000_000_000 + place * 40 + user}"
        for user in range(1, 31)
        for place in range(10)
    ]
    (folder / "ratings.csv").write_text(
        "userId,movieId,rating,timestamp\n" + "\n".join(ratings) + "\n"
    )
    return folder


def run(*arguments):
    app = typer.Typer()
    app.command()(verb.evaluate)
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    assert result.exit_code == 0, result.stderr or result.exception
    return result.stdout


def test_next_item_keeps_the_contract(people, tmp_path):
    page = tmp_path / "page.html"
    arguments = ("--dataset", people, "-m", "item-knn", "-m", "popular", "--seed", 3)
    out = json.loads(run(*arguments, "--json", "--report", page))
    for metric in ("ndcg@10", "recall@10", "mrr@10"):
        assert set(out["metrics"][metric]) == {"value", "low", "high"}
    assert {"slices", "users", "items", "seconds", "ties", "fingerprint", "command"} <= set(out)
    assert out["split"] == "validation"
    assert out["model"] == "item-knn"
    assert out["seed"] == 3
    assert "popular" in out["compared"]
    assert out["hardware"] in page.read_text()
    shown = run(*arguments)
    assert "minus popular" in shown
    assert "gap: under a minute" in shown
    assert not (tmp_path / "benchmarks").exists()


def test_the_test_figure_leaves_a_line(people, tmp_path):
    out = json.loads(run("--dataset", people, "--final", "--ties", "shuffle-1", "--json"))
    assert out["split"] == "test"
    (line,) = (tmp_path / "benchmarks" / "results" / "final.log").read_text().splitlines()
    assert json.loads(line)["ties"] == "shuffle-1"
    assert json.loads(line)["model"] == out["model"] == "fast"


def test_several_fits_of_a_model_that_draws(people):
    out = json.loads(
        run("--dataset", people, "--fit-seed", 1, "--fit-seed", 2, "--cut", 1, "--fresh", "--json")
    )
    assert set(out["seeds"]) == {"1", "2"}
    assert set(out["cuts"]) == {"1"}


@pytest.mark.parametrize("protocol", ["cold-item", "cold-user", "global-time", "beyond-accuracy"])
def test_tables_have_rows(people, protocol, tmp_path):
    talk = tmp_path / "talk.jsonl"
    wish = {
        "conversationId": "1",
        "initiatorWorkerId": 1,
        "movieMentions": {"9": "Film 3 (1953)"},
        "initiatorQuestions": {"9": {"liked": 1}},
        "messages": [
            {"senderWorkerId": 1, "text": "Something funny for a long evening"},
            {"senderWorkerId": 2, "text": "@9"},
        ],
    }
    talk.write_text(json.dumps(wish))
    arguments = ["--dataset", people, "--protocol", protocol, "--min-events", 0]
    arguments += ["--dialogues", talk] if protocol == "cold-user" else []
    out = json.loads(run(*arguments, "--json", "--report", tmp_path / "page.html"))
    key = "slice" if protocol == "beyond-accuracy" else "k"
    assert {"model", key, "metrics"} <= set(out["rows"][0])
    assert {"command", "data", "hardware", "program", "commit", "date"} <= set(out)
    assert (tmp_path / "page.html").exists()
    if protocol == "cold-user":
        assert [row["k"] for row in out["rows"]][-1] == "sentence"
    assert DEFAULT_MODELS[protocol][0] in run(*arguments)


def test_an_unknown_protocol_is_misuse(people):
    result = CliRunner()
    app = typer.Typer()
    app.command()(verb.evaluate)
    assert result.invoke(app, ["--protocol", "nonsense"]).exit_code == 2


def test_intervals_are_plain_numbers():
    assert Interval(1.0, 0.5, 1.5).as_json() == {"value": 1.0, "low": 0.5, "high": 1.5}


def test_an_option_of_another_protocol_is_not_ignored(people):
    app = typer.Typer()
    app.command()(verb.evaluate)
    asked = ["--dataset", str(people), "--protocol", "cold-item", "--final"]
    with pytest.raises(ConfigError, match="--final belongs to --protocol next-item"):
        CliRunner().invoke(app, asked, catch_exceptions=False)


def test_what_decides_a_ranker_decides_where_its_figures_are_kept(tmp_path, monkeypatch):
    monkeypatch.delenv("TASTEMATE_LLM_PATH", raising=False)
    said = dict.fromkeys(Request.__dataclass_fields__) | {"shared": build.resources()}
    said |= {"keep": tmp_path, "models": ("fast",)}

    def kept(name, **more):
        own = build.profile(name) if name else None
        return Request(**(said | {"own": own} | more)).kept()

    plain = kept("fast+learned")
    assert len({plain, kept("fast+hybrid"), kept("fast"), kept("")}) == 4
    letters = {"models": ("fast+letters",)}
    before = kept("fast", **letters)
    assert before == kept("fast")
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    monkeypatch.setenv("TASTEMATE_LLM_PATH", str(tmp_path / "one"))
    one = kept("fast", **letters), kept("fast+letters")
    monkeypatch.setenv("TASTEMATE_LLM_PATH", str(tmp_path / "other"))
    assert len({before, *one, kept("fast", **letters), kept("fast+letters")}) == 5
    assert kept("fast+learned") == plain
