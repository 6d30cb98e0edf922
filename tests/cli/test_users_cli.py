"""`tastemate users`: listing, exporting, erasing."""

import json

from typer.testing import CliRunner

from tastemate.cli.main import app
from tastemate.errors import UnknownUser

RUN = CliRunner()


def asked(*words: str, said: str = "") -> str:
    done = RUN.invoke(app, [*words, "--dataset", "films"], input=said)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_what_is_held_of_somebody_can_be_read_and_removed() -> None:
    asked("like", "--user", "eve", "Heat")
    asked("like", "--user", "p012", "Heat")
    assert asked("users", "list").split() == ["eve", "p012"]
    told = json.loads(asked("users", "export", "p012"))
    assert told["events"][0]["item"] == "heat-1995"
    assert len(told["data"]) > 10
    refused = RUN.invoke(app, ["users", "erase", "p012", "--dataset", "films"], input="n\n")
    assert refused.exit_code == 1
    gone = json.loads(asked("users", "erase", "p012", "--yes", "--json"))
    assert gone["erased"]["events"] == 1
    assert asked("users", "list").split() == ["eve"]
    again = RUN.invoke(app, ["users", "export", "p012", "--dataset", "films"])
    assert isinstance(again.exception, UnknownUser)
