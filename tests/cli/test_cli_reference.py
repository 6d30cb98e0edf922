"""docs/cli.md says what the command line says."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def made() -> ModuleType:
    """The script, loaded from its file: scripts are no package."""
    spec = importlib.util.spec_from_file_location(
        "cli_reference", ROOT / "scripts" / "cli_reference.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_program_says(
    made: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert made.main(["--check"]) == 0, capsys.readouterr().err


def test_a_stale_or_missing_page_is_noticed(
    made: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "cli.md"
    assert made.main(["--check"], page) == 1
    assert "cli.md is stale" in capsys.readouterr().err
    assert made.main([], page) == 0
    assert made.main(["--check"], page) == 0
    page.write_text(page.read_text(encoding="utf-8") + "more\n", encoding="utf-8")
    assert made.main(["--check"], page) == 1


@pytest.mark.parametrize("columns", ["20", "400"])
def test_the_width_of_the_terminal_does_not_matter(
    made: ModuleType, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    usual = made.reference()
    monkeypatch.setenv("COLUMNS", columns)
    assert made.reference() == usual


def test_limits_choices_defaults_and_repeats_are_told(made: ModuleType) -> None:
    page = made.reference()
    assert "| `-k`, `--count` | whole number, 1 to 10000 | `10` |" in page
    assert "| `--ties` | `id`, `shuffle-1`, `shuffle-2` | `id` |" in page
    assert "| `--like` + | text |  |" in page
    assert "| `-u`, `--user` * | text |  |" in page
    assert "| `--sides` / `--no-sides` |  | `--sides` |" in page
    assert "    tastemate compare [OPTIONS] ITEMS...\n" in page
    assert "    tastemate import [OPTIONS] [RATINGS]\n" in page


def test_every_verb_and_option_has_its_help(made: ModuleType) -> None:
    rows = [line for line in made.reference().splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    for row in rows:
        assert not row.endswith("|  |"), f"no help: {row}"
