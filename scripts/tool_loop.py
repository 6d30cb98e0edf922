"""Count what a reply costs by the fixed plan, by the same with a model's words, and by a tool loop.

    python scripts/tool_loop.py [PEOPLE]

Scripted people talk with the films sample. The model is scripted as well and says so by its name:
it recommends, compares the first three, and shows what came first. Counted are its calls and the
tokens (estimated) that they would have; seconds are those of everything but the model.
"""

import json
import re
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tastemate import config
from tastemate.benchmark.room import Room
from tastemate.data.datasets import FILMS, open_dataset
from tastemate.language import Language
from tastemate.llm.prompts import PLAIN
from tastemate.llm.scripted import Scripted
from tastemate.llm.wrappers.guards import Guards, wrapped
from tastemate.messages import Prompt
from tastemate.project import Tastemate

WAYS = {
    "fixed plan": {"word": False, "loop": False},
    "fixed plan, words": {"word": True, "loop": False},
    "tool loop": {"word": True, "loop": True},
}
_CARD = re.compile(r"^\[(\d+)\]\*? (.+?) \((\d{4})\)", re.MULTILINE)


def capable(prompt: Prompt) -> str:
    """Recommend, compare, show; or word what was found."""
    found = _CARD.findall(prompt.messages[-1].text)
    if prompt.name.startswith("reply/"):
        return "\n".join(f"{at}: {name} came out in {year}." for at, name, year in found[:2])
    if not prompt.name.startswith("agent/"):
        return ""
    handles = [int(at) for at, _, _ in found]
    if len(prompt.messages) == 2:
        step = {"tool": "recommend", "arguments": {"wishes": [], "text": "", "k": 8}}
    elif len(prompt.messages) == 4 and len(handles) > 2:
        step = {"tool": "compare", "arguments": {"handles": handles[:3]}}
    else:
        said = [{"text": f"{n} came out in {y}.", "items": [int(at)]} for at, n, y in found[:2]]
        step = {"tool": "show", "arguments": {"handles": handles, "say": said}}
    return json.dumps(step)


def main() -> None:
    """Print a line for each way."""
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    data = open_dataset(FILMS)
    with tempfile.TemporaryDirectory() as folder:
        room = Room(data, Path(folder) / "room")
        scripts = [room.script(number, 0) for number in range(people)]
        for name, manners in WAYS.items():
            settings = config.Settings(
                encoder=config.EncoderChoice("words"),
                llm=config.LanguageModel(rank="none"),
                chat={"understand": False, **manners},
            )
            project = Tastemate(data, Path(folder) / "room" / "project", settings)
            script = Scripted(capable, name="capable")
            model = wrapped(script, Path(folder) / name, Guards(cache=False))
            project.__dict__["language"] = Language(model, settings, PLAIN)
            calls, tokens, seconds, failed = [], [], [], 0
            for said in scripts:
                talks = project.chat(None)
                for line in said:
                    before, start = len(script.prompts), time.perf_counter()
                    reply = talks.say(line.text)
                    if not reply.slate.items:
                        continue  # words alone: no way differs
                    seconds.append(time.perf_counter() - start)
                    calls.append(len(script.prompts) - before)
                    tokens.append(sum(one.tokens for one in reply.slate.trace))
                    failed += any(one.name == "loop" and one.error for one in reply.slate.trace)
            middle, slow = np.percentile(np.array(seconds) * 1e3, (50, 95))
            print(
                f"{name:18} lists {len(calls):4}  calls {np.mean(calls):.2f}  "
                f"tokens {np.mean(tokens):7.1f}  ms p50 {middle:.1f} p95 {slow:.1f}  "
                f"given up {failed}"
            )


if __name__ == "__main__":
    main()
