"""A causal language model of transformers, in the process that calls it: `worker` is that process.

Prompts go through the tokenizer's chat template, where it has one. Marks of the template in a
message (an item's title that holds an end-of-turn token) are taken out before: data stays data.
"""

import inspect
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tastemate.llm.local.constrain import Grammars, Held
from tastemate.llm.local.writing import Row, Searching, Writing
from tastemate.messages import Completion, Prompt

REACH = 5.0
"""Seconds within which the hub must take a connection."""
SPACES = ("", "\u0120", "\u2581")
"""What stands before a word in vocabularies: nothing, byte-level BPE's space, SentencePiece's."""


class Causal:
    """Writes replies and scores labels; `window` is how many tokens it sees, None for unknown."""

    def __init__(
        self,
        model: str,
        *,
        dtype: str = "auto",
        quantise: int | None = None,
        device: str = "auto",
        context: int | None = None,
    ) -> None:
        import torch

        library: Any = import_module("transformers")

        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        options: dict[str, Any] = {"dtype": dtype, "use_safetensors": True}
        if quantise is not None:
            options |= _quantised(quantise, device)
        self.tokenizer: Any = _opened(library.AutoTokenizer, model)
        network = _opened(library.AutoModelForCausalLM, model, **options)
        self.network = (network if quantise is not None else network.to(device)).eval()
        self.ends = _ends(self.network, self.tokenizer)
        # A model's own defaults (temperature, penalties) would change what was asked for.
        self.network.generation_config = library.GenerationConfig()
        self.window = _window(self.network.config, self.tokenizer, context)
        self._size = int(self.network.get_output_embeddings().weight.shape[0])
        self._pad = self.tokenizer.pad_token_id or next(iter(sorted(self.ends)), 0)
        self._marks = sorted(
            {token.content for token in self.tokenizer.added_tokens_decoder.values()}, key=len
        )[::-1]
        self._grammars: Grammars | None = None
        self._keeps = "logits_to_keep" in inspect.signature(self.network.forward).parameters
        self._places = "position_ids" in inspect.signature(self.network.forward).parameters

    def count(self, text: str) -> int:
        """Return how many tokens a text has."""
        return len(self.tokenizer.encode(_clean(text), add_special_tokens=False))

    def complete(
        self,
        prompts: Sequence[Prompt],
        cancelled: Callable[[], bool] = lambda: False,
        piece: Callable[[str], None] | None = None,
    ) -> list[Completion]:
        """Answer prompts of like generation in one batch; all with labels, or all without."""
        coded = [self._code(prompt) for prompt in prompts]
        failed = {at: ids for at, ids in enumerate(coded) if isinstance(ids, Completion)}
        open_ones = {
            at: (prompts[at], ids)
            for at, ids in enumerate(coded)
            if not isinstance(ids, Completion)
        }
        answer = self._score if prompts and prompts[0].labels else self._write
        found = failed | answer(open_ones, cancelled, piece)
        return [found[at] for at in range(len(prompts))]

    def _code(self, prompt: Prompt) -> list[int] | Completion:
        """Return the tokens of a prompt; too many are refused, never cut."""
        ids = self._tokens(prompt)
        if not ids:
            return Completion(error="The prompt is empty. Give it a message.", fault="refused")
        if self.window is not None and len(ids) + (not prompt.labels) > self.window:
            return Completion(
                prompt_tokens=len(ids),
                error=f"The prompt has {len(ids)} tokens and the model sees {self.window}, the "
                "reply included. Lower the prompt's token budget, or take a longer model.",
                fault="refused",
            )
        return ids

    def _tokens(self, prompt: Prompt) -> list[int]:
        turns = [{"role": turn.role, "content": self._data(turn.text)} for turn in prompt.messages]
        if not self.tokenizer.chat_template:
            text = "\n\n".join(turn["content"] for turn in turns)
            return list(self.tokenizer.encode(f"{text}\n" if text else ""))
        if not turns:
            return []
        text = self._rendered(turns)
        return list(self.tokenizer.encode(text, add_special_tokens=False))

    def _rendered(self, turns: list[dict[str, str]]) -> str:
        from jinja2 import TemplateError

        # Models that think aloud would spend the tokens of a short reply on it.
        options = {"tokenize": False, "add_generation_prompt": True, "enable_thinking": False}
        try:
            return str(self.tokenizer.apply_chat_template(turns, **options))
        except TemplateError:
            # Some templates know no system turn: what it says goes before the first user turn.
            system = "\n\n".join(turn["content"] for turn in turns if turn["role"] == "system")
            others = [turn for turn in turns if turn["role"] != "system"]
            if not system or not others:
                raise
            first = {**others[0], "content": f"{system}\n\n{others[0]['content']}"}
            return str(self.tokenizer.apply_chat_template([first, *others[1:]], **options))

    def _data(self, text: str) -> str:
        text = _clean(text)
        for mark in self._marks:
            if mark.strip():
                text = text.replace(mark, " ")
        return text

    def _write(
        self,
        asked: Mapping[int, tuple[Prompt, list[int]]],
        cancelled: Callable[[], bool],
        piece: Callable[[str], None] | None,
    ) -> dict[int, Completion]:
        found: dict[int, Completion] = {}
        rows: dict[int, Row] = {}
        for at, (prompt, ids) in asked.items():
            try:
                held = self._hold(prompt)
            except ValueError as error:
                found[at] = Completion(
                    error=f"The schema of {prompt.name} cannot be held: {error}. Simplify it.",
                    fault="unable",
                )
                continue
            room = max(prompt.generation.max_tokens, 1)
            if self.window is not None:
                room = min(room, self.window - len(ids))
            rows[at] = Row(ids, prompt.generation, room, self.ends, self._decode, held)
        if rows:
            self._generate(list(rows.values()), asked[next(iter(rows))][0], cancelled, piece)
        return found | {at: row.completion() for at, row in rows.items()}

    def _generate(
        self,
        rows: list[Row],
        prompt: Prompt,
        cancelled: Callable[[], bool],
        piece: Callable[[str], None] | None,
    ) -> None:
        import torch

        library: Any = import_module("transformers")

        ids, mask = self._padded([row.prompt for row in rows])
        width = ids.shape[1]
        # What is held to a schema is written straight on: a search would need a grammar a beam.
        straight = prompt.generation.temperature > 0 or any(row.held for row in rows)
        beams = 1 if straight else max(prompt.generation.beams, 1)
        guide: Any = (
            Writing(rows, width, cancelled, piece)
            if beams == 1
            else Searching(rows, width, cancelled, self._decode)
        )
        settings = library.GenerationConfig(
            max_new_tokens=max(row.room for row in rows),
            do_sample=False,
            num_beams=beams,
            eos_token_id=sorted(self.ends) or None,
            pad_token_id=self._pad,
        )
        with torch.inference_mode():
            written = self.network.generate(
                ids,
                attention_mask=mask,
                generation_config=settings,
                logits_processor=library.LogitsProcessorList([guide]),
                stopping_criteria=library.StoppingCriteriaList([guide.ended]),
            )
        for row, line in zip(rows, written[:, width:].tolist(), strict=True):
            row.follow(line)
            if beams > 1 and piece is not None:
                piece(row.read())

    def _score(
        self,
        asked: Mapping[int, tuple[Prompt, list[int]]],
        cancelled: Callable[[], bool],
        piece: Callable[[str], None] | None,
    ) -> dict[int, Completion]:
        """Score labels as the first token of the reply: one forward pass, nothing written.

        A label is worth the sum of the probabilities of its spellings, with and without the space
        that vocabularies put before a word.
        """
        import torch

        found: dict[int, Completion] = {}
        spelt: dict[int, list[list[int]]] = {}
        for at, (prompt, _) in asked.items():
            spelling = [self._first(label) for label in prompt.labels]
            if clash := _clash(prompt.labels, spelling):
                error = f"This model's tokenizer cannot tell {clash}: they begin with one token. "
                found[at] = Completion(error=error + "Use other labels.", fault="unable")
            else:
                spelt[at] = spelling
        if not spelt:
            return found
        ids, mask = self._padded([asked[at][1] for at in spelt])
        options: dict[str, Any] = {"logits_to_keep": 1} if self._keeps else {}
        if self._places:
            options["position_ids"] = (mask.cumsum(-1) - 1).clamp(min=0)
        with torch.inference_mode():
            logits = self.network(
                input_ids=ids, attention_mask=mask, use_cache=False, **options
            ).logits
            logs = logits[:, -1].float().log_softmax(-1)
        for row, (at, spelling) in enumerate(spelt.items()):
            scores = [float(logs[row, tokens].logsumexp(0)) for tokens in spelling]
            labels = asked[at][0].labels
            best = labels[max(range(len(scores)), key=scores.__getitem__)]
            found[at] = Completion(best, tuple(scores), prompt_tokens=len(asked[at][1]))
        return found

    def _first(self, label: str) -> list[int]:
        """Return the tokens that a reply saying this label may begin with."""
        coded = [
            self.tokenizer.encode(f"{space}{label}", add_special_tokens=False)
            for space in ("", " ")
        ]
        whole = (self.tokenizer.convert_tokens_to_ids(f"{space}{label}") for space in SPACES)
        tokens = {ids[0] for ids in coded if ids} | {token for token in whole if token is not None}
        tokens.discard(self.tokenizer.unk_token_id)
        said = {token: self.tokenizer.decode([token]).strip() for token in tokens}
        fitting = sorted(token for token, text in said.items() if text and label.startswith(text))
        # A letter that is several tokens (most scripts, in bytes) decodes to no letter at all.
        return fitting or coded[0][:1]

    def _padded(self, coded: Sequence[Sequence[int]]) -> tuple[Any, Any]:
        """Return tokens and mask, (rows, longest), padded on the left so that all end together."""
        import torch

        wide = max(len(ids) for ids in coded)
        ids = [[self._pad] * (wide - len(line)) + list(line) for line in coded]
        mask = [[0] * (wide - len(line)) + [1] * len(line) for line in coded]
        device = self.network.device
        return torch.tensor(ids, device=device), torch.tensor(mask, device=device)

    def _decode(self, ids: Sequence[int]) -> str:
        text = self.tokenizer.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return str(text)

    def _hold(self, prompt: Prompt) -> Held | None:
        if prompt.schema is None or find_spec("llguidance") is None or not self.tokenizer.is_fast:
            return None
        if self._grammars is None:
            size = max(self._size, len(self.tokenizer))
            self._grammars = Grammars(self.tokenizer, size, sorted(self.ends))
        return self._grammars.hold(prompt.schema)


def _opened(kind: Any, model: str, **options: Any) -> Any:
    """Return a model or tokenizer: what is on this machine, else what the hub has.

    What was fetched once is used as it is, with or without a network. No code of it is run.
    """
    options["trust_remote_code"] = False
    try:
        return kind.from_pretrained(model, local_files_only=True, **options)
    except OSError:
        if Path(model).is_dir():
            raise
        _reach_hub(model)
        return kind.from_pretrained(model, **options)


def _reach_hub(model: str) -> None:
    """Raise `OSError` at once where the hub cannot be reached: its library tries for a minute."""
    if any(name.lower().endswith("_proxy") and value for name, value in os.environ.items()):
        return  # a proxy reaches what this machine does not
    hub = urlsplit(os.environ.get("HF_ENDPOINT", "https://huggingface.co"))
    port = hub.port or (443 if hub.scheme == "https" else 80)
    try:
        socket.create_connection((hub.hostname or "", port), REACH).close()
    except OSError as error:
        raise OSError(
            f"there is no folder {model!r}, it was not fetched before, and the hub "
            f"({hub.hostname}) cannot be reached: {error}"
        ) from error


def _clean(text: str) -> str:
    """Drop what no tokenizer takes: halves of surrogate pairs."""
    return text.encode("utf-8", "ignore").decode("utf-8")


def _clash(labels: Sequence[str], spelling: Sequence[Sequence[int]]) -> str:
    """Return two labels that share a first token, an empty text where none do."""
    owner: dict[int, str] = {}
    for label, tokens in zip(labels, spelling, strict=True):
        if not tokens:
            return f"{label!r} from nothing"
        for token in tokens:
            if token in owner:
                return f"{owner[token]!r} from {label!r}"
        owner |= dict.fromkeys(tokens, label)
    return ""


def _quantised(bits: int, device: str) -> dict[str, Any]:
    library: Any = import_module("transformers")
    config = library.BitsAndBytesConfig(load_in_8bit=bits == 8, load_in_4bit=bits == 4)
    return {"quantization_config": config, "device_map": {"": device}}


def _ends(network: Any, tokenizer: Any) -> frozenset[int]:
    """Return every token that ends a reply, by the model's settings and the tokenizer's."""
    named = network.generation_config.eos_token_id
    ends = [] if named is None else [named] if isinstance(named, int) else list(named)
    return frozenset(end for end in (*ends, tokenizer.eos_token_id) if end is not None)


def _window(config: Any, tokenizer: Any, context: int | None) -> int | None:
    """Return how many tokens the model sees: its positions, or fewer where `context` says so."""
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    own = getattr(text, "max_position_embeddings", None)
    if own is None and tokenizer.model_max_length < 1_000_000_000:
        own = tokenizer.model_max_length
    given = [size for size in (own, context) if size is not None]
    return min(given) if given else None
