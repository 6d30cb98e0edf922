"""The process of a local model, started by `client.LocalChat` as `python -m` of this module.

It is a process of its own so that a hang can be killed and a crash is survived, and so that torch
is never imported beside a server. It ends when its standard input does: with its parent.
"""

import os
import queue
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from tastemate.llm.local.frames import completion_value, line, prompt_of
from tastemate.messages import Completion, Fault

if TYPE_CHECKING:
    from tastemate.llm.local.causal import Causal

Request: TypeAlias = Mapping[str, Any]


class Desk:
    """Where requests come in, in order, and replies go out; cancelling overtakes the queue."""

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._queued: set[int | None] = set()
        self._cancelled: set[int] = set()
        self._order = threading.Lock()
        self._writing = threading.Lock()

    def open(self) -> None:
        """Begin to read, in a thread of its own."""
        threading.Thread(target=self._read, name="requests", daemon=True).start()

    def next(self) -> Request:
        """Return the next request that nobody cancelled, waiting for it."""
        while True:
            request = self._requests.get()
            with self._order:
                if request.get("id") in self._queued:
                    self._queued.discard(request.get("id"))
                    return request

    def cancelled(self, request: Request) -> bool:
        """Return whether nobody waits for the reply any longer."""
        return request.get("id") in self._cancelled

    def say(self, **value: Any) -> None:
        """Send one line."""
        with self._writing:
            self._outgoing.write(line(value))
            self._outgoing.flush()

    def done(self, request: Request, completions: list[Completion], count: int = 0) -> None:
        """Send the end of a reply."""
        self._cancelled.discard(request["id"])
        values = [completion_value(completion) for completion in completions]
        self.say(id=request["id"], done=values, count=count)

    def _read(self) -> None:
        import json

        for text in self._incoming:
            value = json.loads(text)
            if value["op"] == "cancel":
                self._cancel(value)
            else:
                with self._order:
                    self._queued.add(value.get("id"))
                self._requests.put(value)
        # The parent is gone, or wants this process to be: whatever is being computed is for nobody.
        os._exit(0)

    def _cancel(self, value: Request) -> None:
        """Confirm at once what has not begun: behind a long batch it would pass for a hang."""
        with self._order:
            waits = value["id"] in self._queued
            self._queued.discard(value["id"])
            if not waits:
                self._cancelled.add(value["id"])
        if waits:
            self.done(value, [])


def serve(desk: Desk) -> None:
    """Load the model, then answer requests until standard input ends."""
    settings = dict(desk.next())
    settings.pop("op")
    try:
        from tastemate.llm.local.causal import Causal

        model = Causal(**settings)
    # Loading runs the code of several libraries; what they raise is told, then it ends.
    except Exception as error:
        fault, told = told_of(error, str(settings["model"]))
        desk.say(failed=fault, error=told)
        return
    desk.say(ready=True)
    while True:
        answer(desk, model, desk.next())


def answer(desk: Desk, model: "Causal", request: Request) -> None:
    """Answer one request; an error of the model is a completion with a fault."""
    if request["op"] == "count":
        desk.done(request, [], model.count(request["text"]))
        return
    prompts = [prompt_of(value) for value in request["prompts"]]

    def piece(text: str) -> None:
        desk.say(id=request["id"], piece=text)

    try:
        found = model.complete(
            prompts,
            lambda: desk.cancelled(request),
            piece if request["op"] == "stream" else None,
        )
    except Exception as error:
        told = f"The local model failed: {_first_line(error)}"
        if "out of memory" in str(error).lower():
            told += " Lower `batch`, or set `quantise`."
        found = [Completion(error=told, fault="server")] * len(prompts)
    desk.done(request, found)


def told_of(error: Exception, model: str) -> tuple[Fault, str]:
    """Return the fault of a model that could not be loaded, and what to do."""
    said = _first_line(error)
    if isinstance(error, ImportError):
        if "bitsandbytes" in str(error):
            return "unable", "quantise needs bitsandbytes: pip install bitsandbytes"
        return "unable", (
            f"A local model needs a package that is missing ({said}). Run: "
            "pip install torch==2.13.0, then pip install 'tastemate[train]'"
        )
    if "out of memory" in str(error).lower():
        return (
            "server",
            f"{model} does not fit into memory: {said} Set `quantise`, or a smaller one.",
        )
    if Path(model).expanduser().is_dir():
        return "refused", (
            f"{model} cannot be read as a causal language model: {said} It must hold config.json, "
            "a tokenizer and safetensors weights."
        )
    if isinstance(error, OSError):
        return "unreachable", (
            f"{model} could not be fetched from the hub: {said} Check the name and the network, "
            f"or fetch it elsewhere (hf download {model}) and give the folder."
        )
    return "refused", f"{model} cannot be used as a causal language model: {said}"


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    said = f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
    return said if said.endswith(".") else f"{said}."


def main() -> None:
    """Serve on standard input and output, which libraries can no longer write to."""
    # An interrupt at the keyboard is the parent's to handle; this process ends with its pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    outgoing = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # Waiting threads that spin would take the processor from everything else.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    desk = Desk(sys.stdin.buffer, outgoing)
    desk.open()
    serve(desk)


if __name__ == "__main__":
    main()
