import json

import pytest
import typer
from typer.testing import CliRunner

from tastemate.cli import features
from tastemate.errors import ConfigError
from tastemate.features.vocabulary import read_vocabulary
from tastemate.project import Tastemate

app = typer.Typer()
app.command()(features.features)


@pytest.fixture
def project(tmp_path):
    """A project of six items that reads by hashed words, so that no weights are needed."""
    (tmp_path / "data").mkdir()
    lines = ["id,title,text,genres"]
    lines += [f"{at},Film {at},A western about revenge.,Western" for at in range(6)]
    (tmp_path / "data" / "items.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "data" / "ratings.csv").write_text("user,item,rating,timestamp\nu,1,5,1\n")
    (tmp_path / "tastemate.toml").write_text(
        '[data]\ndataset = "./data"\n[encoder]\nname = "words"\n'
    )
    return tmp_path


def run(*words, code=0):
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def test_it_estimates_reads_and_goes_on(project):
    asked = ("--dataset", str(project), "--llm", "none", "--json")
    told = json.loads(run(*asked, "--estimate").stdout)
    assert told["estimate"]["items"] == 6
    assert told["estimate"]["cost"] == 0.0
    assert "outcome" not in told
    assert told["sample"] == []
    first = json.loads(run(*asked, "--limit", "4").stdout)
    assert first["outcome"]["read"] == 4
    assert first["outcome"]["left"] == 2
    assert first["sample"][0] == {
        "item_id": "0",
        "title": "Film 0",
        "features": "Genre: western. Themes: revenge.",
        "by": "words of the text",
    }
    rest = json.loads(run(*asked).stdout)
    assert (rest["outcome"]["read"], rest["outcome"]["kept"]) == (2, 4)
    with open(rest["file"]) as kept:
        assert len(kept.readlines()) == 6


def test_a_person_reads_what_it_took_and_a_sample(project):
    shown = run("--dataset", str(project), "--llm", "none", "--sample", "1")
    assert "6 items to read by words of the text (0 are kept)" in shown.output
    assert "6 items read" in shown.output
    assert "Film 0" in shown.stdout
    assert "Film 1" not in shown.stdout


def test_another_vocabulary(project, tmp_path):
    path = tmp_path / "v.toml"
    path.write_text('[plot]\nmost = 1\n[plot.values]\nrevenge = "getting even"\n')
    asked = ("--dataset", str(project), "--llm", "none", "--json", "--vocabulary", str(path))
    told = json.loads(run(*asked).stdout)
    assert told["sample"][0]["features"] == "Plot: revenge."


def test_a_model_that_cannot_be_reached_is_said_and_nothing_is_lost(project):
    asked = ("--dataset", str(project), "--json")
    run(*asked, "--llm", "none", "--limit", "2")
    told = json.loads(run(*asked, "--llm", "local:/nowhere", code=1).stdout)
    assert told["outcome"]["read"] == 0
    assert told["outcome"]["stopped"]
    assert len(told["sample"]) == 2


def test_a_scripted_model_reads_them(project, monkeypatch):
    from tastemate.config import LanguageModel
    from tastemate.language import Language
    from tastemate.llm.prompts import Style
    from tastemate.llm.scripted import Scripted

    model = Scripted(['{"genre": ["western", "opera"], "mood": ["tense"]}'], name="reader")
    language = Language(model, LanguageModel(), Style())
    monkeypatch.setattr(Tastemate, "language", language)
    told = json.loads(run("--dataset", str(project), "--json").stdout)
    assert told["outcome"]["by"] == "scripted:reader"
    assert told["outcome"]["dropped"] == {"genre": 6}
    assert told["sample"][0]["features"] == "Genre: western. Mood: tense."
    assert told["estimate"]["prompt_tokens"] > 0
    assert told["estimate"]["cost"] is None


def test_the_check_needs_meanings_and_a_pair(project):
    with pytest.raises(ConfigError, match="MiniLM"):
        run("--dataset", str(project), "--check", "genres=genre")
    with pytest.raises(ConfigError, match="ATTRIBUTE=FEATURE"):
        run("--dataset", str(project), "--check", "genres")


def test_the_bundled_thresholds_hold_on_the_sample():
    from tastemate.data.datasets import open_dataset
    from tastemate.errors import Unavailable
    from tastemate.features.calibration import check
    from tastemate.features.zeroshot import ZeroShot
    from tastemate.text.encoder import MiniLM

    try:
        reader = ZeroShot(read_vocabulary(), MiniLM())
    except Unavailable:
        pytest.skip("MiniLM's weights are not installed")
    found = check(open_dataset("films").catalog, reader, "themes", "themes", limit=120)
    assert found.own.precision > 3 * found.rate
    assert found.own.recall > found.words.recall
