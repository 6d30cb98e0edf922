import json
from pathlib import Path
from typing import Any

import pytest
from tests.experiment.frames import impressions, signals
from typer.testing import CliRunner

from tastemate.cli.experiments import app
from tastemate.errors import TastemateError

ASKED: dict[str, Any] = {
    "id": "calm", "metric": {"signals": ["click"], "measure": "any"},
    "arms": [
        {"name": "a", "share": 0.4}, {"name": "b", "share": 0.4, "overrides": {"novelty": 0.5}},
    ],
}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "tastemate.toml").write_text('[data]\ndataset = "films"\n', encoding="utf-8")
    monkeypatch.setenv("TASTEMATE_HOME", str(tmp_path / "home"))
    return folder


def tell(*words: str) -> Any:
    done = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=True)
    if done.exception is not None and isinstance(done.exception, TastemateError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def written(folder: Path, value: object, name: str = "asked.json") -> str:
    (folder / name).write_text(json.dumps(value), encoding="utf-8")
    return str(folder / name)


def test_made_changed_shown_and_stopped(home: Path) -> None:
    on = ("--dataset", str(home))
    made = tell("make", written(home, ASKED), *on)
    assert made["started"] > 0
    grown = json.loads(json.dumps(ASKED))
    grown["arms"][1]["share"] = 0.6
    changed = tell("make", written(home, grown), *on)
    assert changed["ranges"] == [["a", 0, 4000], ["b", 4000, 10000]]
    assert changed["changed"] >= changed["started"] == made["started"]
    assert [one["id"] for one in tell("list", *on)] == ["calm"]
    assert tell("show", "calm", *on) == changed
    with pytest.raises(TastemateError, match="only shares and the note"):
        tell("make", written(home, ASKED | {"unit": "session"}), *on)
    with pytest.raises(TastemateError, match="both set novelty"):
        tell("make", written(home, ASKED | {"id": "other"}), *on)
    assert tell("stop", "calm", *on)["state"] == "stopped"
    assert tell("analyse", "calm", *on)["comparisons"][0]["verdict"] == "too early"
    with pytest.raises(TastemateError, match="unknown-one"):
        tell("show", "unknown-one", *on)


MIX: dict[str, Any] = {
    "id": "mix", "kind": "interleave", "metric": {"signals": ["click"]},
    "arms": [{"name": "old"}, {"name": "new", "overrides": {"novelty": 0.5}}],
}  # fmt: skip


def said(*words: str) -> str:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, done.output
    return " ".join(done.stdout.split())


def test_an_interleaving_is_made_thinned_shown_and_stopped(home: Path) -> None:
    on = ("--dataset", str(home))
    assert "begin it: tastemate experiments make FILE.json" in said("list", *on)
    told = said("make", written(home, MIX), *on)
    assert "old and new in every list of 100% of the users" in told
    assert "tastemate experiments analyse mix" in told
    less = tell("make", written(home, MIX | {"traffic": 0.25}), *on)
    assert (less["traffic"], less["held_out"]) == (0.25, 0.75)
    assert less["ranges"] == [["interleaved", 0, 2500]]
    assert "every list" in said("show", "mix", *on)
    with pytest.raises(TastemateError, match="its traffic"):
        tell("make", written(home, MIX | {"kind": "split"} | {"arms": ASKED["arms"]}), *on)
    told = said("analyse", "mix", *on)
    assert "0 lists were drafted" in told
    assert "too early" in told
    assert "analyse mix" in said("stop", "mix", *on)


def test_a_model_that_is_not_fitted_is_refused(home: Path) -> None:
    arms = [MIX["arms"][0], {"name": "new", "overrides": {"model": "bpr"}}]
    with pytest.raises(TastemateError, match="tastemate fit -m bpr"):
        tell("make", written(home, MIX | {"arms": arms}), "--dataset", str(home))
    assert tell("list", "--dataset", str(home)) == []


def test_what_could_show_nothing_is_refused(home: Path) -> None:
    on = ("--dataset", str(home))
    with pytest.raises(TastemateError, match="Did you mean 'click'"):
        tell("make", written(home, ASKED | {"metric": {"signals": ["clikc"]}}), *on)
    arms = [MIX["arms"][0], {"name": "new", "overrides": {"rerank": "none"}}]
    with pytest.raises(TastemateError, match="both arms answer alike"):
        tell("make", written(home, MIX | {"arms": arms}), *on)
    assert tell("list", *on) == []


def test_an_interleaving_from_files(tmp_path: Path) -> None:
    shown, given = [], []
    for at in range(300):
        named = {"recommendation": f"r{at}", "user": str(at)}
        for place, arm in enumerate(("old", "new") if at % 2 else ("new", "old"), start=1):
            line = {"item": arm, "position": place, "arm": f"mix={arm}", "at": at}
            shown.append(named | line)
        item = "old" if at % 4 == 0 else "new"
        given.append(named | {"item": item, "timestamp": at + 5})
    impressions(*shown).write_csv(tmp_path / "shown.csv")
    signals(*given).write_csv(tmp_path / "given.csv")
    files = ("--impressions", str(tmp_path / "shown.csv"), "--signals", str(tmp_path / "given.csv"))
    found = tell("analyse", written(tmp_path, MIX), *files)
    assert found["comparisons"][0]["wins"] == 225
    told = said("analyse", written(tmp_path, MIX), *files)
    for words in ("300 lists were drafted", "225, 75, 0", "75.0%", "50% is even", "Draft: even"):
        assert words in told, words


def test_analysed_from_files(tmp_path: Path) -> None:
    shown, given = [], []
    for at in range(800):
        arm = "ab"[at % 2]
        shown.append(
            {
                "recommendation": f"r{at}",
                "user": str(at),
                "item": "7",
                "arm": f"calm={arm}",
                "at": at,
            }
        )
        if at % (10 if arm == "a" else 3) == 0:
            given.append({"user": str(at), "item": "7", "timestamp": at + 5})
    impressions(*shown).write_csv(tmp_path / "shown.csv")
    signals(*given).write_parquet(tmp_path / "given.parquet")
    files = (
        "--impressions",
        str(tmp_path / "shown.csv"),
        "--signals",
        str(tmp_path / "given.parquet"),
    )
    found = tell("analyse", written(tmp_path, ASKED), *files)
    assert [one["units"] for one in found["arms"]] == [400, 400]
    assert found["comparisons"][0]["fixed"]["value"] > 0
    plain = CliRunner().invoke(app, ["analyse", str(tmp_path / "asked.json"), *files])
    assert plain.exit_code == 0
    assert "as planned" in plain.stdout


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(TastemateError, match="no JSON"):
        tell("analyse", str(tmp_path / "x.json"), "--impressions", "a.csv", "--signals", "b.csv")
    with pytest.raises(TastemateError, match="together"):
        tell("analyse", "x", "--signals", "b.csv")
    asked = written(tmp_path, ASKED)
    with pytest.raises(TastemateError, match="cannot be read"):
        tell("analyse", asked, "--impressions", str(tmp_path / "a.csv"), "--signals", "b.csv")
    with pytest.raises(TastemateError, match="name a .csv"):
        tell("analyse", asked, "--impressions", "a.xlsx", "--signals", "b.csv")
    (tmp_path / "bad.parquet").write_text("no")
    with pytest.raises(TastemateError, match="not what its name says"):
        tell("analyse", asked, "--impressions", str(tmp_path / "bad.parquet"), "--signals", "b.csv")
