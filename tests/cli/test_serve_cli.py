"""`tastemate serve` before there is a server: what is opened, and who may reach it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tastemate import config
from tastemate.cli import keys
from tastemate.cli.main import app
from tastemate.cli.serve import opened
from tastemate.errors import ConfigError, TastemateError, UnknownDataset
from tastemate.serve.opening import Opening


def test_a_new_home_becomes_a_project_of_the_sample(tmp_path: Path) -> None:
    for home in (tmp_path / "new", tmp_path / "empty"):
        if home.name == "empty":
            home.mkdir()
        assert opened(home, None) == str(home)
        assert config.settings(home / "tastemate.toml").data.dataset == "films"
        assert opened(home, "films") == str(home)  # the next start finds it
        with pytest.raises(ConfigError, match="is of films, not of goodbooks"):
            opened(home, "goodbooks")


def test_a_home_of_a_data_set_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("r.csv").write_text("user,item\nu,i\n")
    opened(tmp_path / "new", "r.csv")
    assert config.settings(tmp_path / "new" / "tastemate.toml").data.dataset == str(
        tmp_path / "r.csv"
    )


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(ConfigError, match="tastemate init"):
        opened(tmp_path, None)
    with pytest.raises(ConfigError, match="holds something"):
        opened(tmp_path / "thesis.tex", None)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_without_a_home_it_is_the_project_here_or_the_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert opened(None, None) == "films"
    (tmp_path / "tastemate.toml").write_text("")
    assert opened(None, None) == "."


def test_without_a_key_it_is_not_shown_to_others(tmp_path: Path) -> None:
    said = CliRunner().invoke(app, ["serve", "--home", str(tmp_path / "new"), "--host", "0.0.0.0"])
    assert isinstance(said.exception, ConfigError)
    assert "tastemate keys make" in str(said.exception)


@pytest.mark.parametrize(
    ("toml", "what"),
    [
        ("[signals.weights]\nlike = 3\n", "between -1 and 1"),
        ("[serve]\nbatches = 3\n", "batch"),
        ("[chat]\nnouns = 3\n", "noun"),
        ("[explore]\npolicy = 3\n", "policy"),
        ('[serve]\nlog_file = "/proc/none/all.log"\n', "cannot be written"),
    ],
)
def test_settings_that_make_no_sense_are_said_before_anything_is_served(tmp_path, toml, what):
    (tmp_path / "tastemate.toml").write_text('[data]\ndataset = "films"\n' + toml)
    with pytest.raises(TastemateError, match=what):
        Opening(str(tmp_path)).check()


def test_a_data_set_that_is_not_there_leaves_no_project_and_no_key_behind(tmp_path):
    with pytest.raises(UnknownDataset):
        opened(tmp_path / "new", "nope")
    assert not (tmp_path / "new").exists()
    with pytest.raises(UnknownDataset):
        opened(None, "nope")
    with pytest.raises(UnknownDataset):
        keys.kept_url(str(tmp_path / "nowhere"))
