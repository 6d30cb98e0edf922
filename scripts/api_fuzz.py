"""Ask the service all that its OpenAPI allows, and much that it does not: schemathesis, all checks.

    python scripts/api_fuzz.py --examples 200 --out benchmarks/results/api.json

A server is started over a data set in a folder of its own, with a key, so that it is also tried
without one. No check is switched off; `NARROWED` says where one is told more than it assumes.
Exit code 1 where anything fails. Needs `pip install 'tastemate[dev]'`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tastemate import build
from tastemate.benchmark.http import Server, served
from tastemate.evaluate import record
from tastemate.project import Tastemate
from tastemate.store.opening import open_store, sqlite_url

SEEN = 0.5
"""How often an id is one that exists: else only refusals would be tried."""
ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "429", "5xx"]
"""What schemathesis lets a valid request be answered with; 5xx is the affair of another check."""
NARROWED: dict[str, tuple[str, dict[str, Any], str]] = {
    "POST /v1/experiments": (
        "positive_data_acceptance",
        {"expected-statuses": [*ACCEPTED, "422"]},
        "JSON Schema cannot say that shares add up to 1 at most, that arms differ by name, and "
        "that the control is one of them: 422 says it.",
    ),
    "POST /v1/feedback": (
        "positive_data_acceptance",
        {"expected-statuses": [*ACCEPTED, "422"]},
        "JSON Schema cannot say that a rating needs a value, and one on the scale of the data: "
        "422 says it.",
    ),
    "POST /v1/chat/completions": (
        "positive_data_acceptance",
        {"expected-statuses": [*ACCEPTED, "400"]},
        "JSON Schema cannot say that the last message is the user's, that it says something, and "
        "that its parts are text: 400 says it, as in the protocol.",
    ),
    "DELETE /v1/users/{user_id}/taste": (
        "positive_data_acceptance",
        {"expected-statuses": [*ACCEPTED, "422"]},
        "OpenAPI cannot say that `attribute` and `value` come together: 422 says it.",
    ),
}
"""Operations for which one check is told more, with the reason; it still runs on them."""


def main() -> int:
    """Run it; return the exit code."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--dataset", default="films")
    asked.add_argument("--examples", type=int, default=200, help="cases an operation, at least")
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--include", default="", help="only paths that match this expression")
    asked.add_argument("--out", type=Path)
    asked.add_argument("--keep", type=Path, help="a folder for what schemathesis reports")
    said = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="tastemate-api-") as folder:
        place = said.keep or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        home = Path(folder) / "home"
        found = fuzzed(home, said.dataset, place, said.examples, said.seed, said.include)
    text = json.dumps(found, ensure_ascii=False, indent=2)
    if said.out is not None:
        said.out.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")
    return 1 if found["failures"] or found["errors"] or found["untried"] else 0


def fuzzed(
    home: Path, dataset: str, place: Path, examples: int, seed: int, include: str = ""
) -> dict[str, Any]:
    """Start a server at `home`, run schemathesis (its files: in `place`), return what it found."""
    with served(home, dataset):  # once without a key: the first start fits
        project = Tastemate.open(home)
        known = words(project)
        counts = {"items": len(project.catalog), "users": project.interactions.n_users}
    store = open_store(sqlite_url(home / ".tastemate" / "store.db"))
    _, secret = store.keys.make("api_fuzz", ("admin",))
    store.close()
    (place / "schemathesis.toml").write_text(config(known), encoding="utf-8")
    environ = {"TASTEMATE_SERVE__WRONG_KEYS": "0"}  # wrong keys are tried on every operation
    with served(home, dataset, environ=environ) as server:
        code = _run(server, secret, place, examples, seed, include)
    report = json.loads((place / "report.json").read_text(encoding="utf-8"))
    cases = cases_of((place / "report.ndjson").read_text(encoding="utf-8").splitlines())
    return told(report, cases, examples, code) | {"dataset": dataset} | counts


def words(project: Tastemate) -> dict[str, list[str]]:
    """Return ids and names that exist, by parameter."""
    users, items = list(project.interactions.users)[:20], list(project.catalog.ids)[:20]
    models = ["tastemate", *build.PROFILES, "popular", "content"]
    return {"user_id": users, "item_id": items, "after": items[:5], "model": models}


def config(known: Mapping[str, Sequence[str]]) -> str:
    """Return the configuration of schemathesis: ids that exist, and what `NARROWED` says."""
    lines = []
    for name, values in known.items():
        if values:
            lines += [f"[dictionaries.{name}]", f"values = {json.dumps(list(values))}"]
    lines += ["[parameters]"]
    for name in known:
        if known[name]:
            binding = f'{{ dictionary = "{name}", probability = {SEEN} }}'
            lines += [f'"{place}.{name}" = {binding}' for place in ("path", "query", "body")]
    # Deleting what earlier answers named runs out of names after a few cases; sequences do that.
    lines += ["[[operations]]", 'include-method = "DELETE"']
    lines += ["phases.fuzzing.extra-data-sources.responses = false"]
    for operation, (check, more, _) in NARROWED.items():
        lines += ["[[operations]]", f"include-name = {json.dumps(operation)}"]
        lines += [f"checks.{check}.{key} = {json.dumps(value)}" for key, value in more.items()]
    return "\n".join(lines) + "\n"


def _run(server: Server, secret: str, place: Path, examples: int, seed: int, include: str) -> int:
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file"]
    command += [str(place / "schemathesis.toml"), "run"]
    command += [f"http://127.0.0.1:{server.port}/openapi.json", "--checks", "all"]
    command += ["--mode", "all", "--max-examples", str(examples), "--seed", str(seed)]
    command += ["--header", f"Authorization: Bearer {secret}", "--continue-on-failure"]
    command += ["--no-shrink", "--no-color", "--generation-database", "none"]
    command += ["--request-timeout", "60", "--warnings", "off"]
    command += ["--report", "json,ndjson", "--report-json-path", str(place / "report.json")]
    command += ["--report-ndjson-path", str(place / "report.ndjson")]
    if include:
        command += ["--include-path-regex", include]
    with (place / "output.txt").open("w", encoding="utf-8") as output:
        done = subprocess.run(command, stdout=output, stderr=output, check=False, cwd=place)
    if not (place / "report.json").exists():
        sys.stderr.write((place / "output.txt").read_text(encoding="utf-8")[-2000:])
        raise SystemExit(f"schemathesis did not run (exit code {done.returncode}).")
    return done.returncode


def cases_of(lines: Iterable[str]) -> Counter[str]:
    """Return how many cases there were of each operation, from the log of a run.

    Those of sequences, where one answer leads to the next request, are counted together.
    """
    found: Counter[str] = Counter()
    for line in lines:
        ended = json.loads(line).get("ScenarioFinished")
        if ended is None:
            continue
        recorder = ended["recorder"]
        found[recorder["label"]] += len(recorder.get("cases", {}))
    return found


def told(
    report: Mapping[str, Any], cases: Mapping[str, int], examples: int, code: int
) -> dict[str, Any]:
    """Return what a run found, with its circumstances."""
    ran = report["operations"] or {"selected": 0, "tested": 0}
    failures = [
        {"what": one["title"], "count": one["count"], "operations": one["operations"]}
        for one in report["failures"]
    ]
    return {
        "operations": ran["selected"],
        "untried": ran["selected"] - ran["tested"],
        "examples_asked": examples,
        "cases": report["test_cases"]["generated"],
        "cases_by_operation": dict(sorted(cases.items())),
        "failures": failures,
        "errors": report["errors"] or ([] if code in (0, 1) else [{"exit_code": code}]),
        "phases": {name: one["status"] for name, one in (report["phases"] or {}).items()},
        "narrowed": {name: {"check": one[0], "why": one[2]} for name, one in NARROWED.items()},
        "schemathesis": report["schemathesis_version"],
        "seed": report["seed"],
        "seconds": round(report["running_time"] or 0.0, 1),
    } | record.circumstances()


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    raise SystemExit(main())
