"""Clocks: seconds of a call, of a batch of calls, and of a whole process with its peak memory."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tastemate.errors import StageError

ENOUGH = 10.0
"""Seconds of one call after which another repeat would say nothing new."""

_CHILD = """
import json, pathlib, sys
note = pathlib.Path(sys.argv.pop(1))
try:
    from tastemate.cli.main import run
    run()
finally:
    import re
    try:
        peak = re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())
    except OSError:
        peak = None
    note.write_text(json.dumps(int(peak[1]) / 1024 if peak else 0.0))
"""
"""Runs the command line and leaves its own peak memory behind, in MiB.

A child's `ru_maxrss` would hold its parent's peak as well: Linux carries it over `exec`.
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished process: wall seconds, peak memory in MiB (0 where unknown), its stdout."""

    seconds: float
    peak: float
    output: str


def seconds(call: Callable[[], object], repeats: int = 1) -> float:
    """Return the best wall time of a call: what it costs when nothing else is in the way.

    No call is repeated once `ENOUGH` seconds were spent on it.
    """
    took: list[float] = []
    while len(took) < repeats and sum(took) < ENOUGH:
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    return min(took)


def latencies(calls: Sequence[Callable[[], object]], warm: int = 0) -> NDArray[np.float64]:
    """Return the milliseconds of each call after the first `warm` were made untimed, (calls,)."""
    for call in calls[:warm]:
        call()
    took = np.empty(len(calls))
    for at, call in enumerate(calls):
        start = time.perf_counter_ns()
        call()
        took[at] = (time.perf_counter_ns() - start) / 1e6
    return took


def interpreter(code: str, repeats: int) -> float:
    """Return the median seconds of a fresh interpreter that runs `code`, bytecode cached."""
    command = [sys.executable, "-c", code]
    _run(command, os.environ)
    return statistics.median(_run(command, os.environ).seconds for _ in range(repeats))


def command_line(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Ran:
    """Run `tastemate` with these arguments in a process of its own.

    Raises `StageError` with what it said when it does not end well.
    """
    with tempfile.TemporaryDirectory() as folder:
        note = Path(folder) / "peak.json"
        ran = _run(
            [sys.executable, "-c", _CHILD, str(note), *arguments],
            {**os.environ, **(environment or {})},
        )
        return Ran(ran.seconds, float(json.loads(note.read_text())), ran.output)


def _run(command: Sequence[str], environment: Mapping[str, str]) -> Ran:
    start = time.perf_counter()
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True)
    took = time.perf_counter() - start
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or ["nothing"]
        raise StageError(
            f"A timed process ended with {done.returncode} and said: {said[0][:300]} "
            "Mend that and run the benchmark again."
        )
    return Ran(took, 0.0, done.stdout)
