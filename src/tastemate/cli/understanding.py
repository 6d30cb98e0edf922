"""`tastemate evaluate --protocol understanding`: how well annotated messages are understood."""

from collections import defaultdict
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tastemate.cli.output import emit, page, plain, table

if TYPE_CHECKING:
    from tastemate.chat.intent import Intent
    from tastemate.data.datasets import Dataset
    from tastemate.evaluate.understanding import Reader


def understanding(messages: Path | None, seed: int, *, as_json: bool) -> None:
    """Read the messages of a file over the catalogues they name, and show precision and recall."""
    from tastemate.data.datasets import find_folder, open_dataset
    from tastemate.errors import ConfigError
    from tastemate.evaluate import record
    from tastemate.evaluate import understanding as measured

    if messages is None:
        raise ConfigError("--protocol understanding needs --messages FILE, annotated JSON lines.")
    asked = defaultdict(list)
    for message in measured.messages(messages):
        asked[message.catalog].append(message)
    found: list[measured.Outcome] = []
    absent: list[str] = []
    data: dict[str, str] = {}
    for name in sorted(asked):
        if name != "films" and find_folder(name) is None:
            absent.append(name)
            continue
        dataset = open_dataset(name)
        data[name] = dataset.catalog.fingerprint
        found += measured.outcomes(asked[name], _reader(dataset), dataset.catalog)
    result: dict[str, Any] = measured.report(found, seed=seed)
    result |= {"left_out": absent, "data": data, "file": sha256(messages.read_bytes()).hexdigest()}
    result |= record.circumstances()
    if as_json:
        emit(result)
    else:
        _show(result)


def _reader(dataset: "Dataset") -> "Reader":
    import numpy as np

    from tastemate.chat.lexicon import Lexicon
    from tastemate.chat.understand import understand

    events = dataset.interactions
    counts = np.bincount(events.item, minlength=len(dataset.catalog)) if len(events) else None
    lexicon = Lexicon.of(dataset.catalog, popularity=counts)

    def read(text: str, shown: Sequence[str], before: "Sequence[Intent]") -> "Intent":
        return understand(text, lexicon, shown=shown, before=before)

    return read


def _show(result: dict[str, Any]) -> None:
    page().print(plain(f"understanding: {result['messages']} messages"))
    for name in result["left_out"]:
        page().print(plain(f"Left out, as {name} is not on this machine (set TASTEMATE_DATA)."))
    parts = {"all": result["all"]} | result["kinds"] | result["catalogs"] | result["slots"]
    table(
        (
            {"part": name, "messages": one["messages"]}
            | {key: one[key]["value"] for key in ("precision", "recall", "f1")}
            | {"low": one["f1"]["low"], "high": one["f1"]["high"]}
            for name, one in parts.items()
        ),
        "Slots found exactly, with the 95% interval of F1",
    )
    for error in result["errors"]:
        page().print(plain(f"{error['id']} {error['text']}"))
        for side in ("extra", "missing"):
            if error[side]:
                said = ", ".join(f"{slot} {value}" for slot, value in error[side])
                page().print(plain(f"    {side}: {said}"))
