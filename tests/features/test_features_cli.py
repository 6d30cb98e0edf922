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
    nobody = "openai-compatible:x@http://127.0.0.1:9/v1"
    told = json.loads(run(*asked, "--llm", nobody, code=1).stdout)
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


@pytest.fixture
def encoded(monkeypatch):
    """Counts the texts that are encoded."""
    from tastemate.text.encoder import HashedWords

    texts = []
    plain = HashedWords.encode

    def counted(self, given):
        texts.extend(given)
        return plain(self, given)

    monkeypatch.setattr(HashedWords, "encode", counted)
    return texts


READS = ("content", "search", "worded")


def test_after_features_no_other_process_encodes_again(project, encoded):
    opened = Tastemate.open(project)
    for name in READS:
        opened.retriever(name)
    asked = ("--dataset", str(project), "--llm", "none", "--json")
    told = json.loads(run(*asked).stdout)
    assert told["refreshed"] == list(READS)
    assert any("Genre: western." in text for text in encoded)
    encoded.clear()
    again = Tastemate.open(project)
    vectors = [again.retriever(name) for name in READS]
    assert encoded == []
    assert all(part.encoded() == 0 for part in vectors)
    assert json.loads(run(*asked).stdout)["refreshed"] == list(READS)
    assert encoded == []


def test_what_is_read_without_the_command_is_kept_too(project, encoded):
    Tastemate.open(project).retriever("content")
    opened = Tastemate.open(project)
    opened.add_items([{"id": "new", "title": "New", "text": "A heist."}])
    encoded.clear()
    first = opened.retriever("content")
    assert len(encoded) == 1
    encoded.clear()
    second = Tastemate.open(project).retriever("content")
    assert encoded == []
    assert second.encoded() == 0
    assert (second.vectors == first.vectors).all()


def test_a_folder_that_cannot_be_written_is_read(project, encoded, monkeypatch):
    from tastemate import artifacts
    from tastemate.errors import Unavailable

    Tastemate.open(project).retriever("content")
    Tastemate.open(project).add_items([{"id": "new", "title": "New", "text": "A heist."}])

    def refused(*_):
        raise Unavailable("read-only")

    monkeypatch.setattr(artifacts, "write", refused)
    for _ in range(2):
        encoded.clear()
        assert len(Tastemate.open(project).retriever("content").vectors) == 7
        assert len(encoded) == 1


def test_answers_made_before_are_not_those_of_other_texts(project):
    from tastemate.blend import Blend

    opened = Tastemate.open(project)
    plain, read = Blend(weights={"popular": 1.0}), Blend(weights={"content": 1.0})
    before = [opened.work.answers(mix, 10).model for mix in (plain, read)]
    run("--dataset", str(project), "--llm", "none")
    after = [opened.work.answers(mix, 10).model for mix in (plain, read)]
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_generated_is_not_given_texts_with_features(project):
    from tastemate import build

    opened = Tastemate.open(project)
    run("--dataset", str(project), "--llm", "none")
    reading = {name for name in build.RETRIEVERS if build.reads_text(name)}
    assert set(READS) < reading
    assert "generated" not in reading
    read = opened.work._models.read_by("generated", opened.catalog)
    assert read is opened.catalog
    assert opened.work._models.read_by("content", opened.catalog) is not opened.catalog


def test_a_model_without_a_key_is_said_and_the_words_are_read(project, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    asked = ("--dataset", str(project), "--llm", "openai:some-model")
    shown = run(*asked, "--limit", "2")
    assert "without openai:some-model: There is no key" in shown.stderr
    assert "reading with words of the text" in shown.stderr
    told = json.loads(run(*asked, "--json").stdout)
    assert told["outcome"]["read"] == 4
    assert told["outcome"]["by"] == "words of the text"
    assert "OPENAI_API_KEY" in told["degraded"][0]
    assert "degraded" not in json.loads(
        run("--dataset", str(project), "--llm", "none", "--json").stdout
    )


def test_the_estimate_knows_the_prices(project, monkeypatch, tmp_path):
    from tastemate.config import DEFAULTS
    from tastemate.language import Language
    from tastemate.llm.prompts import Style
    from tastemate.llm.scripted import Scripted
    from tastemate.llm.wrappers.guards import Guards, wrapped

    guards = Guards(prices={"scripted:reader": (1000.0, 0.0)})
    model = wrapped(Scripted(["{}"], name="reader"), tmp_path / "llm", guards)
    monkeypatch.setattr(Tastemate, "language", Language(model, DEFAULTS, Style()))
    told = json.loads(run("--dataset", str(project), "--json", "--estimate").stdout)["estimate"]
    assert told["cost"] == pytest.approx(told["prompt_tokens"] / 1000)
    model.close()


def test_embeddings_of_items_and_people(project, tmp_path):
    import numpy as np

    (project / "data" / "ratings.csv").write_text(
        "user,item,rating,timestamp\nu,1,5,1\nv,2,5,1\nv,3,5,2\n"
    )
    opened = Tastemate.open(project)
    opened.like("newcomer", "4")
    path = tmp_path / "vectors.npz"
    asked = ("--dataset", str(project), "--embeddings", str(path))
    told = json.loads(run(*asked, "--json").stdout)
    assert (told["items"], told["users"], told["dimensions"]) == (6, 3, 512)
    assert told["degraded"] == []
    with np.load(path, allow_pickle=False) as kept:
        assert kept["item_ids"].tolist() == list(opened.catalog.ids)
        assert kept["user_ids"].tolist() == ["u", "v", "newcomer"]
        assert kept["items"].dtype == kept["users"].dtype == np.float32
        assert kept["items"].shape == (6, 512)
        cosines = kept["users"] @ kept["items"].T
        lengths = np.linalg.norm(kept["users"], axis=1)
    assert np.isclose(lengths[lengths > 0], 1, atol=1e-5).all()
    assert cosines.argmax(axis=1).tolist()[0] == 1
    assert cosines.argmax(axis=1).tolist()[2] == 4
    assert "6 items and 3 people" in run(*asked).stdout
    assert not (project / ".tastemate" / "features.jsonl").exists()


def test_embeddings_that_cannot_be_written_are_an_error(project, tmp_path):
    from tastemate.errors import Unavailable

    with pytest.raises(Unavailable, match="cannot be written"):
        run("--dataset", str(project), "--embeddings", str(tmp_path / "no" / "v.npz"))


def test_two_jobs_at_once_do_not_pay_twice(project):
    from tastemate.artifacts import locked
    from tastemate.errors import Unavailable
    from tastemate.project import Tastemate

    opened = Tastemate.open(str(project))
    with locked(opened.work.folder, "features.lock"), pytest.raises(Unavailable, match="Another"):
        with locked(opened.work.folder, "features.lock", wait=False):
            pass
