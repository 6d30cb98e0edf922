"""`tastemate evaluate --protocol understanding`: figures as JSON, and what it needs."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tastemate.cli.main import app
from tastemate.errors import ConfigError


def test_messages_are_measured(tmp_path: Path) -> None:
    file = tmp_path / "messages.jsonl"
    truth = {"state": "recommendation", "wanted": [["genres", "Comedy"]]}
    lines = [
        {"id": "1", "catalog": "films", "kind": "plain", "text": "a comedy", "slots": truth},
        {"id": "2", "catalog": "films", "kind": "hard", "text": "a western", "slots": truth},
    ]
    file.write_text("\n".join(map(json.dumps, lines)))
    words = ["evaluate", "--protocol", "understanding", "--messages", str(file)]
    done = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
    got = json.loads(done.stdout)
    assert got["kinds"]["plain"]["f1"]["value"] == 1.0
    assert got["kinds"]["hard"]["f1"]["value"] == 0.5
    assert got["errors"][0]["missing"] == [["wanted", "genres=Comedy"]]
    shown = CliRunner().invoke(app, words, catch_exceptions=False)
    assert "a western" in shown.stdout


def test_it_asks_for_messages() -> None:
    with pytest.raises(ConfigError, match="--messages"):
        CliRunner().invoke(app, ["evaluate", "--protocol", "understanding"], catch_exceptions=False)
