"""Jobs are done by processes of their own, once, and whatever happens to those is told."""

import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.serve.projects import small

from tastemate.errors import ConfigError
from tastemate.project import Tastemate
from tastemate.serve import jobs, worker
from tastemate.serve.opening import Opening, damaged, missing
from tastemate.types import Signal


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    return small(tmp_path / "project")


@pytest.fixture
def project(opening: Opening) -> Tastemate:
    return opening.open()


@pytest.fixture
def run(project: Tastemate, opening: Opening, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Start a runner whose workers are a Python script, or the real one."""
    started: list[jobs.Runner] = []

    def begin(script: str = "", **said: float) -> None:
        command = (sys.executable, "-c", script) if script else None
        more = {"command": command} if command else {}
        runner = jobs.Runner(
            lambda: project.store.jobs, opening, tmp_path, poll=0.05, **more, **said
        )
        runner.start()
        started.append(runner)

    yield begin
    for one in started:
        one.close()


def ended(project: Tastemate, job: str, seconds: float = 30.0) -> object:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = project.store.jobs.get(job)
        if found.state not in jobs.UNFINISHED:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{job} did not end: {project.store.jobs.get(job)}")


def test_one_fit_at_a_time(project: Tastemate) -> None:
    queue = project.store.jobs
    first = jobs.ask(queue, "train")
    with pytest.raises(jobs.Busy, match=first) as busy:
        jobs.ask(queue, "train")
    assert busy.value.job == first
    assert jobs.ask(queue, "backup") != first
    queue.cancel(first)
    assert jobs.training(queue) == ""
    assert jobs.ask(queue, "train") != first


def test_an_unknown_job_is_said_with_the_nearest(project: Tastemate) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'train'"):
        jobs.ask(project.store.jobs, "trian")


def test_a_fit_in_a_process_of_its_own(project: Tastemate, run: Callable[..., None]) -> None:
    assert missing(project)
    before = project.store.versions.all()["model"]
    project.record([Signal("e1", "new", "i1", "like", timestamp=1)])
    run()
    job = ended(project, jobs.ask(project.store.jobs, "train"), 60)
    assert job.state == "done", job.error
    assert (job.progress, job.message) == (1, "")
    assert job.result["seconds"]["ease"] >= 0
    assert project.store.versions.all()["model"] > before
    again = Opening(str(project.work.folder.parent)).open()
    assert not missing(again)
    assert job.result["model_version"] == again.model_version


def test_a_worker_that_cannot_begin_says_why(project: Tastemate, run: Callable[..., None]) -> None:
    run("import sys; sys.exit('the project is gone')")
    job = ended(project, jobs.ask(project.store.jobs, "evaluate"))
    assert job.state == "failed"
    assert "the project is gone" in job.error


def test_a_worker_that_cannot_be_started_at_all(
    project: Tastemate, run: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "jobs").write_text("no folder")
    run("pass")
    job = ended(project, jobs.ask(project.store.jobs, "evaluate"))
    assert job.state == "failed"
    assert "No worker could be started" in job.error


def test_a_worker_that_dies_is_tried_again_and_then_given_up(
    project: Tastemate, run: Callable[..., None], tmp_path: Path
) -> None:
    tries = tmp_path / "tries"
    run(
        f"import os, signal; open({str(tries)!r}, 'a').write('x'); os.kill(os.getpid(), 9)",
        silent=0.3,
    )
    job = ended(project, jobs.ask(project.store.jobs, "evaluate"))
    assert job.state == "failed"
    assert "died" in job.error
    assert len(tries.read_text()) == 2  # a second time, not a third


def test_a_cancelled_job_ends_its_worker_even_one_that_will_not_hear(
    project: Tastemate, run: Callable[..., None], tmp_path: Path
) -> None:
    here = tmp_path / "here"
    run(
        "import signal, time, os; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"open({str(here)!r}, 'w').write(str(os.getpid())); time.sleep(60)",
        grace=0.3,
    )
    job = jobs.ask(project.store.jobs, "train")
    until(lambda: here.exists() and bool(here.read_text()))
    project.store.jobs.cancel(job)
    until(lambda: not alive(int(here.read_text())))
    assert project.store.jobs.get(job).state == "cancelled"


def test_closing_ends_the_workers_and_leaves_the_job_to_be_done_again(
    project: Tastemate, opening: Opening, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    script = f"import time, os; open({str(here)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    runner = jobs.Runner(
        lambda: project.store.jobs,
        opening,
        tmp_path,
        poll=0.05,
        command=(sys.executable, "-c", script),
    )
    runner.start()
    job = jobs.ask(project.store.jobs, "train")
    until(lambda: here.exists() and bool(here.read_text()))
    runner.close()
    assert not alive(int(here.read_text()))
    assert project.store.jobs.get(job).state == "queued"


def test_a_worker_ends_when_its_job_is_no_longer_its_own(
    project: Tastemate, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = threading.Event()
    monkeypatch.setattr(worker.os, "kill", lambda pid, signal: killed.set())
    queue = project.store.jobs
    job = queue.make("evaluate", {})
    queue.claim("here")
    with worker.Beat(queue, job, "here", every=0.02) as beat:
        beat.tell("half of it", 0.5)
        until(lambda: queue.get(job).progress == 0.5)
        assert not killed.is_set()
        queue.cancel(job)
        assert killed.wait(5)


def test_what_is_damaged_is_fitted_again_and_nothing_else(tmp_path: Path) -> None:
    opening = small(tmp_path / "fitted", fitted=True)
    place = next((tmp_path / "fitted" / ".tastemate" / "models").glob("transition-*"))
    (place / "meta.json").write_bytes(b"{}")
    assert list(damaged(opening.open())) == [place]
    done = worker.train(opening.open(), {"missing": True}, lambda what, share: None)
    assert list(done["seconds"]) == ["transition"]
    assert not damaged(opening.open())


def test_export_and_backup_write_what_is_there(project: Tastemate) -> None:
    import polars as pl

    project.record([Signal("e1", "new", "i1", "like", timestamp=1)])
    told = worker.export(project, {}, lambda what, share: None)
    assert told["events"] == 1
    places = [Path(told["path"]), *Path(told["path"]).iterdir()]
    assert [stat.S_IMODE(one.stat().st_mode) for one in places] == [0o700, 0o600, 0o600, 0o600]
    assert pl.read_parquet(Path(told["path"]) / "events.parquet")["id"].to_list() == ["e1"]
    kept = worker.backup(project, {}, lambda what, share: None)
    assert Path(kept["path"]).stat().st_size == kept["bytes"] > 0
    assert stat.S_IMODE(Path(kept["path"]).parent.stat().st_mode) == 0o700


def test_an_evaluation_tells_its_figures(project: Tastemate) -> None:
    told = worker.evaluate(project, {"model": "popular"}, lambda what, share: None)
    assert 0 <= told["metrics"]["ndcg@10"]["value"] <= 1
    assert told["split"] == "validation"


def until(true: Callable[[], bool], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return "zombie" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
