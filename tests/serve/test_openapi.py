"""What the service says of itself in OpenAPI holds: schemathesis, all checks, few cases.

`scripts/api_fuzz.py` does the same with many: `--examples 200`.
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.serve.projects import small
from tests.serve.rest_app import opened, running

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "api_fuzz.py"
OUTSIDE = {"/", "/operator", "/metrics", "/openapi.json", "/docs", "/mcp", "/v1/mcp"}
"""Pages, and protocols that OpenAPI cannot say."""


@pytest.fixture(scope="module")
def fuzz() -> ModuleType:
    spec = importlib.util.spec_from_file_location("api_fuzz", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is said of a service without a key."""
    folder = tmp_path_factory.mktemp("described")
    opening = small(folder / "project", fitted=True)
    with running(opened(None, opening.source)) as (client, _):
        told: dict[str, Any] = client.get("/openapi.json").json()
    return told


def test_everything_openapi_says_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("schemathesis")
    monkeypatch.setenv("TASTEMATE_ENCODER__NAME", "words")
    small(tmp_path / "project")
    command = [sys.executable, str(SCRIPT), "--dataset", str(tmp_path / "project" / "data")]
    command += ["--examples", "4", "--keep", str(tmp_path / "kept")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    told = (tmp_path / "kept" / "output.txt").read_text(encoding="utf-8")
    assert found["failures"] == [], told
    assert found["errors"] == [], told
    assert found["untried"] == 0
    assert found["operations"] >= 58
    assert found["cases"] > 10 * found["operations"]
    assert {"coverage", "fuzzing", "stateful"} <= {
        name for name, status in found["phases"].items() if status == "success"
    }
    assert done.returncode == 0


def test_every_route_is_described(described: dict[str, Any], tmp_path: Path) -> None:
    opening = small(tmp_path / "project", fitted=True)
    with running(opened(None, opening.source)) as (client, _):
        there = {getattr(route, "path_format", "") for route in client.app.routes} - {""}
    hidden = {path for path in there - set(described["paths"]) if not path.startswith("/static")}
    assert hidden <= OUTSIDE


def test_a_key_is_asked_for_once_there_is_one(tmp_path: Path) -> None:
    opening = small(tmp_path / "project", fitted=True)
    with running(opened(None, opening.source)) as (client, service):
        before = client.get("/openapi.json").json()
        service.store.keys.make("someone", ("read",))
        after = client.get("/openapi.json").json()
    for told, needed in ((before, [{}, {"key": []}]), (after, [{"key": []}])):
        assert told["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
        for path, methods in told["paths"].items():
            for one in methods.values():
                assert one.get("security") == (needed if path.startswith("/v1") else None)


def test_every_error_is_a_problem_and_no_schema_is_left_open(described: dict[str, Any]) -> None:
    for path, methods in described["paths"].items():
        for method, one in methods.items():
            where = f"{method} {path}"
            for status, answer in one["responses"].items():
                content = answer.get("content", {})
                if status.startswith("2"):
                    assert status == "204" or content, where
                    for kind, said in content.items():
                        assert kind != "application/json" or said["schema"], where
                elif path.startswith("/v1"):
                    shapes = [one["schema"].get("$ref", "") for one in content.values()]
                    named = {shape.rpartition("/")[2] for shape in shapes}
                    assert named <= {"Problem", "OpenAIError"}, f"{where} {status}"
                    assert named, f"{where} {status}"


def test_failures_of_a_run_are_failures_of_the_command(fuzz: ModuleType) -> None:
    report = {
        "operations": {"selected": 2, "tested": 1},
        "test_cases": {"generated": 7},
        "failures": [{"title": "Server error", "count": 3, "operations": ["GET /x"]}],
        "errors": [], "phases": {"fuzzing": {"status": "failure"}}, "schemathesis_version": "4",
        "seed": 1, "running_time": 2.0,
    }  # fmt: skip
    lines = [
        json.dumps({"ScenarioFinished": {"recorder": {"label": "GET /x", "cases": {"a": {}}}}}),
        json.dumps({"ScenarioFinished": {"recorder": {"label": "GET /x"}}}),
        json.dumps({"EngineFinished": {}}),
    ]
    found = fuzz.told(report, fuzz.cases_of(lines), 200, 1)
    assert found["failures"] == [{"what": "Server error", "count": 3, "operations": ["GET /x"]}]
    assert found["untried"] == 1
    assert found["cases_by_operation"] == {"GET /x": 1}
    assert fuzz.told(report, {}, 200, 3)["errors"] == [{"exit_code": 3}]
    assert {"commit", "hardware", "date", "command"} <= set(found)


def test_no_check_is_switched_off(fuzz: ModuleType) -> None:
    import tomllib

    said = tomllib.loads(fuzz.config({"user_id": ["u1"], "item_id": []}))
    assert said["dictionaries"]["user_id"]["values"] == ["u1"]
    assert said["parameters"]["path.user_id"]["dictionary"] == "user_id"
    assert "path.item_id" not in said["parameters"]
    assert "enabled = false" not in fuzz.config({"user_id": ["u1"]})
    narrowed = [one for one in said["operations"] if "checks" in one]
    assert [one["include-name"] for one in narrowed] == list(fuzz.NARROWED)
    for operation, (check, more, why) in fuzz.NARROWED.items():
        assert set(more) == {"expected-statuses"}, f"{operation}: {check}"
        assert why
