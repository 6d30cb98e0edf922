"""The process that does one job: `python -m tastemate.serve.worker --open … --job ID …`.

It yields the processor to the server (nice), says every two seconds how far it is, and ends when
it is told to or when its job is no longer its own.
"""

import argparse
import contextlib
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tastemate import scope
from tastemate.errors import ConfigError, TastemateError
from tastemate.serve.opening import Opening, damaged, missing, needed

if TYPE_CHECKING:
    from tastemate.project import Tastemate
    from tastemate.store.jobs import Jobs

Tell = Callable[[str, float], None]
BEAT = 2.0
"""Seconds between two words to the store."""
_NICE = 19
"""As little of the processor as can be asked for, while anybody waits for an answer."""


class Beat:
    """Says in the store how far a job is, from a thread of its own."""

    def __init__(self, queue: "Jobs", job: str, worker: str, *, every: float = BEAT) -> None:
        self.queue, self.job, self.worker, self.every = queue, job, worker, every
        self._said = (0.0, "")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="beat", daemon=True)

    def __enter__(self) -> "Beat":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)

    def tell(self, what: str, share: float) -> None:
        """Note what is being done and the share finished, 0 to 1."""
        self._said = (min(max(share, 0.0), 1.0), what[:400])

    def _run(self) -> None:
        while True:
            with contextlib.suppress(TastemateError):  # a store that is busy is told next time
                if not self.queue.tell(self.job, self.worker, *self._said):
                    os.kill(os.getpid(), signal.SIGTERM)
                    return
            if self._stop.wait(self.every):
                return


def train(project: "Tastemate", asked: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Fit on everything known by now; with `missing`, only what was never fitted, or is damaged."""
    start = time.perf_counter()
    for folder in damaged(project) if asked.get("missing") else ():
        shutil.rmtree(folder)
    lacking = missing(project)
    with scope.opened() as account:
        if not asked.get("missing") or len(lacking) == len(needed(project)):
            took = fitted(project)
        else:
            took = {}
            for name in lacking:
                tell(f"fitting {name}", 0.0)
                begun = time.perf_counter()
                project.retriever(name)
                took[name] = time.perf_counter() - begun
    return {
        "model_version": project.model_version,
        "seconds": {name: round(value, 3) for name, value in took.items()},
        "took_seconds": round(time.perf_counter() - start, 3),
    } | ({"degraded": account.errors} if account.errors else {})


def fitted(project: "Tastemate") -> dict[str, float]:
    """Fit what a service needs and what was fitted before, as one generation; return seconds.

    All of them: a server that serves the new generation would have to fit what it lacks itself.
    """
    return project.fit(also=needed(project))


def evaluate(project: "Tastemate", asked: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Measure what is served on the validation cuts of the next item."""
    options = {name: asked[name] for name in ("limit_users", "seed") if name in asked}
    found = project.evaluate(asked.get("model") or None, progress=tell, **options).as_json()
    kept = ("protocol", "model", "split", "metrics", "users", "items", "events", "chance")
    return {"model_version": project.model_version} | {name: found[name] for name in kept}


def export(project: "Tastemate", asked: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Write events, impressions and added items into a folder of their own."""
    import json
    from dataclasses import asdict

    folder = project.work.folder / "exports" / time.strftime("%Y%m%d-%H%M%S")
    private(folder)
    store = project.store
    tell("events", 0.1)
    events = store.events.frame()
    events.write_parquet(private(folder, "events.parquet"))
    tell("impressions", 0.5)
    impressions = store.impressions.frame()
    impressions.write_parquet(private(folder, "impressions.parquet"))
    tell("items", 0.9)
    items = store.items.all()
    lines = "".join(json.dumps(asdict(item), ensure_ascii=False) + "\n" for item in items)
    private(folder, "items.jsonl").write_text(lines, encoding="utf-8", errors="replace")
    return {
        "path": str(folder),
        "events": len(events),
        "impressions": len(impressions),
        "items": len(items),
    }


def backup(project: "Tastemate", asked: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Write a backup of the store beside it."""
    from tastemate.store.backup import backup as write

    tell("backup", 0.1)
    folder = project.work.folder / "backups"
    private(folder)
    suffix = "db" if project.store.url.startswith("sqlite") else "zip"
    path = folder / f"store-{time.strftime('%Y%m%d-%H%M%S')}.{suffix}"
    write(project.store, path)
    return {"path": str(path), "bytes": path.stat().st_size}


def private(folder: Path, name: str = "") -> Path:
    """Return an empty file in a folder, or the folder, made for its owner alone to read."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    if not name:
        return folder
    (folder / name).touch(mode=0o600)
    (folder / name).chmod(0o600)
    return folder / name


DO: Mapping[str, Callable[["Tastemate", Mapping[str, Any], Tell], dict[str, Any]]] = {
    "train": train,
    "evaluate": evaluate,
    "export": export,
    "backup": backup,
}


class Fitting:
    """Progress of a fit over several models, from the words of each: "fitting NAME", 0 and 1."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self.models = 1
        self._done = 0

    def __call__(self, what: str, share: float) -> None:
        """Pass on what is being done, with the share of all models."""
        within = share if what.startswith("fitting ") and ":" in what else 0.0
        if what.startswith("fitting ") and not within and share >= 1.0:
            self._done += 1
        self._tell(what, min((self._done + within) / max(self.models, 1), 0.99))


def run(opening: Opening, job: str, worker: str) -> int:
    """Do a job claimed as `worker`; return the exit code: 0 once the store says how it ended."""
    said: list[Beat] = []
    fitting = Fitting(lambda what, share: said[0].tell(what, share) if said else None)
    project = opening.open(fitting)
    queue = project.store.jobs
    claimed = queue.get(job)
    fitting.models = len(needed(project))
    with Beat(queue, job, worker) as beat:
        said.append(beat)
        try:
            if claimed.kind not in DO:
                raise ConfigError(f"No worker knows the job {claimed.kind!r}.")
            tell = fitting if claimed.kind == "train" else beat.tell
            result = DO[claimed.kind](project, claimed.asked, tell)
        except (TastemateError, OSError) as error:
            queue.fail(job, worker, str(error))
            return 0
        except MemoryError:
            why = "There is not enough memory for it. Free some, or use fewer models."
            queue.fail(job, worker, why)
            return 0
    queue.finish(job, worker, result)
    return 0


def _give_way() -> None:
    """Run when nobody else wants to."""
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    # Where Linux groups processes by session it weighs the groups, whatever is nice within one.
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(_NICE), encoding="ascii")


def main(given: list[str] | None = None) -> int:
    """Read the command line and do the job."""
    parser = argparse.ArgumentParser(prog="tastemate.serve.worker")
    parser.add_argument("--open", required=True, help="the project, as Opening.written says it")
    parser.add_argument("--job", required=True, help="the id of the job")
    parser.add_argument("--worker", required=True, help="as whom the job was claimed")
    said = parser.parse_args(given)
    signal.signal(signal.SIGTERM, _end)
    _give_way()
    try:
        return run(Opening.read(said.open), said.job, said.worker)
    except TastemateError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _end(_signal: int, _frame: object) -> None:
    # What is half written has another name; a fit inside native code would not hear an exception.
    os._exit(143)


if __name__ == "__main__":
    sys.exit(main())
