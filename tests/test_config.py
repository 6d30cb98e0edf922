"""Settings: read, overridden, checked against signatures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest

from tastemate import config, settings_file
from tastemate.errors import ConfigError


class Model:
    def __init__(
        self,
        *,
        rank: int = 8,
        decay: float = 0.5,
        by: Literal["count", "recent"] = "count",
        names: tuple[str, ...] = (),
        note: str | None = None,
        anything: Any = None,
    ) -> None:
        self.made = (rank, decay, by, names, note, anything)


def test_a_model_beside_the_settings_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "said.jsonl").write_text("")
    (tmp_path / "tastemate.toml").write_text('[llm]\nmodel = "scripted:said.jsonl"')
    monkeypatch.chdir(tmp_path.parent)
    said = config.settings(tmp_path / "tastemate.toml", {})
    assert said.llm.model == f"scripted:{tmp_path.resolve()}/said.jsonl"


def test_what_fits_the_signature_is_taken() -> None:
    given = {"rank": 3, "decay": 1, "by": "recent", "names": ["a"], "note": "x", "anything": []}
    assert Model(**config.arguments(Model, given, "[model]")).made == (
        3,
        1,
        "recent",
        ("a",),
        "x",
        (),
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rnak": 3}, "Did you mean 'rank'"),
        ({"rank": 1.5}, "a whole number"),
        ({"rank": True}, "a whole number"),
        ({"decay": "fast"}, "a number"),
        ({"by": "luck"}, "one of 'count', 'recent'"),
        ({"names": [1]}, "a list of texts"),
        ({"note": 4}, "text or nothing"),
    ],
)
def test_what_does_not_fit_is_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.arguments(Model, given, "[model]")
    assert said in str(caught.value)
    assert "[model]" in str(caught.value)


def test_a_file_is_read_and_the_environment_overrides(tmp_path: Path) -> None:
    path = tmp_path / "tastemate.toml"
    path.write_text("\ufeff[recommend]\nk = 5\n")
    env = {"TASTEMATE_RECOMMEND__K": "7", "TASTEMATE_DATA__DATASET": "films", "TASTEMATE_HOME": "x"}
    assert settings_file.read(path, env) == {"recommend": {"k": 7}, "data": {"dataset": "films"}}
    assert settings_file.read(tmp_path / "none.toml", {}) == {}


def test_bad_toml_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "tastemate.toml"
    path.write_text("[recommend\n")
    with pytest.raises(ConfigError, match="tastemate.toml is not valid TOML"):
        settings_file.read(path, {})


def test_an_override_through_a_value_is_refused() -> None:
    with pytest.raises(ConfigError, match="names a table"):
        settings_file.override({"recommend": 3}, {"TASTEMATE_RECOMMEND__K": "7"})


def test_types_are_spelled_in_words() -> None:
    def made(
        *,
        many: Mapping[str, float] = {},
        at: int | None = None,
        client: Path = Path(),
        pair: tuple[float, float] = (0.0, 0.0),
    ) -> None: ...

    for name, said in {
        "many": "it must be a table.",
        "at": "it must be a whole number or nothing.",
        "client": "in Python only.",
        "pair": "it must be a list of numbers.",
    }.items():
        with pytest.raises(ConfigError) as caught:
            config.arguments(made, {name: "x"}, "[made]")
        assert str(caught.value).endswith(said)


def test_what_is_nested_too_deeply_is_said(tmp_path: Path) -> None:
    deep = "[" * 5_000 + "]" * 5_000
    with pytest.raises(ConfigError, match="too deeply"):
        settings_file.read(tmp_path / "none.toml", {"TASTEMATE_LLM__DEPTH": deep})
    with pytest.raises(ConfigError, match="tables within"):
        settings_file.read(tmp_path / "none.toml", {"TASTEMATE_LLM" + "__A" * 5_000: "1"})
    path = tmp_path / "tastemate.toml"
    path.write_text(f"[llm]\ndepth = {deep}\n")
    with pytest.raises(ConfigError, match="too deeply"):
        settings_file.read(path, {})
    path.write_text(f"[llm.depth{'.a' * 5_000}]\nb = 1\n")
    with pytest.raises(ConfigError, match="whole number") as caught:
        config.settings(path, {})
    assert len(str(caught.value)) < 300
