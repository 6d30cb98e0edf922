"""LlamaRec's ranker: a causal model names the letter of the next item; its logits are the scores.

Yue et al. (2023), "LlamaRec", arXiv 2311.02089: an instruction, the titles of the history in the
order they were met, candidates under letters; one forward pass, nothing generated. A model is a
folder of transformers; adapters are taught for it by `train.letters`. Beyond the paper: several
orders of the candidates merged into one verdict, pools deeper than the letters in chunks that
share items, and the mix's score beside the model's.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np

from tastemate import artifacts
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, FormatError, Unavailable
from tastemate.llm.prompts import LETTERS
from tastemate.rank.adapters import Low, adapters, arrays, put, trainable
from tastemate.rank.learned import serves
from tastemate.rank.mix import mixed
from tastemate.rank.permute import balanced, merge_scores
from tastemate.types import Candidate, Floats, Query, Rows

Tensor: TypeAlias = Any
PATH = "TASTEMATE_LLM_PATH"
"""The environment variable that names the folder of the causal model."""
INSTRUCTION = (
    "Given user history in chronological order, recommend an item from the candidate pool with "
    "its index letter."
)
"""The published instruction."""
ANSWER = "### Response:\n"
PUBLISHED = Low(("q_proj", "v_proj"))
TITLE = 32
"""Tokens of a title at most, as published."""
BATCH = 8
"""Prompts that go through the model at once."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How a pool is put to the model."""

    size: int = 20
    """Candidates of a prompt, at most 26."""
    history: int = 20
    """Latest titles told."""
    orders: int = 1
    """Orders in which a chunk is shown, 1 as published."""
    overlap: int = 4
    """Items that neighbouring chunks share where a pool is deeper than a prompt."""
    depth: int = 20
    """Candidates of a pool that are asked about; the rest stays behind."""

    def __post_init__(self) -> None:
        if not 2 <= self.size <= len(LETTERS) or not 1 <= self.overlap < self.size:
            raise ConfigError(
                f"size must be 2 to {len(LETTERS)}, and overlap at least 1 and below size; "
                f"they are {self.size} and {self.overlap}."
            )
        if min(self.history, self.orders) < 1 or self.depth < 2:
            raise ConfigError("history and orders must be at least 1 and depth at least 2.")


AS_ASKED = Asking()


class Verbaliser:
    """A causal model that is asked for letters, over one catalogue.

    `model` is a folder with the weights and the tokenizer; bfloat16 on a GPU, float32 elsewhere.
    Raises `Unavailable` where torch, transformers or the folder is missing, `ConfigError` for a
    tokenizer that cannot tell the letters apart.
    """

    def __init__(self, catalog: Catalog, model: str | Path) -> None:
        self.catalog = catalog
        self.model = str(Path(model).absolute())
        self.tokenizer, self.network, self.device = opened(self.model)
        self.letters = _letters(self.tokenizer)
        self.pad = int(self.tokenizer.pad_token_id or self.tokenizer.eos_token_id or 0)
        self._titles: dict[int, str] = {}

    def adapt(self, low: Low = PUBLISHED, seed: int = 0) -> None:
        """Give the model adapters that change nothing yet; nothing else is learned after."""
        self.network = adapters(self.network, low, seed)

    @property
    def learned(self) -> dict[str, Tensor]:
        """The tensors that are learned, by name."""
        return trainable(self.network)

    def prompt(self, past: Sequence[int], pool: Sequence[int]) -> str:
        """Return what the model is asked: `past` oldest first, `pool` under letters."""
        met = " \n ".join(f"({at}) {self.title(row)}" for at, row in enumerate(past, start=1))
        asked = " \n ".join(
            f"({letter}) {self.title(row)}" for letter, row in zip(LETTERS, pool, strict=False)
        )
        return (
            f"### Instruction:\n{INSTRUCTION}\n\n### Input:\n"
            f"User history: {met}; \n Candidate pool: {asked}\n\n{ANSWER}"
        )

    def title(self, row: int) -> str:
        """Return a title on one line, cut to `TITLE` tokens, without the tokenizer's own marks."""
        found = self._titles.get(row)
        if found is None:
            text = " ".join(self.catalog.titles[row].encode("utf-8", "ignore").decode().split())
            for mark in sorted(self.tokenizer.all_special_tokens, key=len, reverse=True):
                text = text.replace(mark, " ")
            ids = self.tokenizer.encode(text, add_special_tokens=False)
            if len(ids) > TITLE:
                text = str(self.tokenizer.decode(ids[:TITLE]))
            found = self._titles[row] = text
        return found

    def logits(self, prompts: Sequence[str]) -> Tensor:
        """Return the logits of the token after each prompt, (prompts, vocabulary)."""
        ids, mask = self.padded([self.tokenizer.encode(prompt) for prompt in prompts])
        places = (mask.cumsum(-1) - 1).clamp(min=0)
        return self.network(
            input_ids=ids, attention_mask=mask, position_ids=places, use_cache=False,
            logits_to_keep=1,
        ).logits[:, -1].float()  # fmt: skip

    def padded(self, coded: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Return tokens and mask, (rows, longest), padded on the left so that all end together."""
        import torch

        wide = max(len(ids) for ids in coded)
        ids = [[self.pad] * (wide - len(line)) + list(line) for line in coded]
        mask = [[0] * (wide - len(line)) + [1] * len(line) for line in coded]
        return torch.tensor(ids, device=self.device), torch.tensor(mask, device=self.device)

    def told(self, prompts: Sequence[str], sizes: Sequence[int]) -> list[Floats]:
        """Return the logits of each prompt's letters, prompts of like length together."""
        import torch

        found = [np.empty(0, dtype=np.float32)] * len(prompts)
        order = np.argsort([len(prompt) for prompt in prompts], kind="stable").tolist()
        with torch.no_grad():
            for start in range(0, len(order), BATCH):
                part = order[start : start + BATCH]
                said = self.logits([prompts[at] for at in part])[:, self.letters].cpu().numpy()
                for at, row in zip(part, said, strict=True):
                    found[at] = row[: sizes[at]]
        return found


class Letters:
    """Ranks pools by the letters' logits, with `weight` beside the mix's z-score (1: alone).

    What is asked for in words or by leanings stays as it came, and so does what a history of fewer
    than `LEAST` events asks for (`rank.learned`). `told` is what was found out in teaching.
    """

    name = "letters"

    def __init__(
        self,
        verbaliser: Verbaliser,
        *,
        asking: Asking = AS_ASKED,
        weight: float = 1.0,
        told: dict[str, Any] | None = None,
    ) -> None:
        self.verbaliser = verbaliser
        self.asking = asking
        self.weight = weight
        self.told = dict(told or {})

    def rank(
        self, queries: Sequence[Query], pools: Sequence[Sequence[Candidate]]
    ) -> list[list[Candidate]]:
        """Return each pool best first; ties keep the order that came in."""
        ranked = [list(pool) for pool in pools]
        at = [
            place for place, (query, pool) in enumerate(zip(queries, pools, strict=True))
            if len(pool) > 1 and serves(query)
        ]  # fmt: skip
        if self.weight == 0.0 or not at:
            return ranked
        fronts = [pools[place][: self.asking.depth] for place in at]
        rows = [np.array([one.row for one in front], dtype=np.int32) for front in fronts]
        read = judged(self.verbaliser, [queries[p].history.items for p in at], rows, self.asking)
        for place, front, scores in zip(at, fronts, read, strict=True):
            came = np.array([one.score for one in front], dtype=np.float32)
            order = mixed(came, scores, self.weight)
            ranked[place][: len(front)] = [front[int(one)] for one in order]
        return ranked

    def save(self, folder: Path) -> None:
        """Write what was learned beside its settings; the model's own weights are not copied."""
        learned = arrays(self.verbaliser.learned)
        meta = {
            "base": self.verbaliser.model,
            "asking": {name: getattr(self.asking, name) for name in Asking.__slots__},
            "weight": self.weight,
            "told": self.told,
            "names": list(learned),
            "adapters": _adapted(self.verbaliser.network),
        }
        flat = {f"learned {at}": one for at, one in enumerate(learned.values())}
        width = len(self.verbaliser.catalog)
        artifacts.write_model(folder, "Letters", width, meta, flat)
        if meta["adapters"]:
            self.verbaliser.network.save_pretrained(str(folder / "adapter"))

    @classmethod
    def load(cls, folder: Path, catalog: Catalog, model: str | Path | None = None) -> Self:
        """Return what `save` wrote; `model` is where its model lies by now, if elsewhere.

        Where it is not given and gone from where it was, `PATH` says where it is.

        Raises `FormatError` for a folder that holds no whole ranker, `Unavailable` without its
        model.
        """
        need = ("base", "asking", "weight", "told", "names", "adapters")
        meta, kept = artifacts.read_model(folder, "Letters", len(catalog), need)
        base = model or meta["base"]
        if not (Path(base) / "config.json").is_file() and model is None:
            base = os.environ.get(PATH) or base
        verbaliser = Verbaliser(catalog, base)
        if meta["adapters"]:
            said = meta["adapters"]
            verbaliser.adapt(Low(**{**said, "targets": tuple(said["targets"])}))
        found = {name: kept.get(f"learned {at}") for at, name in enumerate(meta["names"])}
        if any(one is None for one in found.values()):
            raise FormatError(f"{folder} lacks what was learned. Delete it and teach again.")
        put(verbaliser.learned, {name: one for name, one in found.items() if one is not None})
        asking = Asking(**meta["asking"])
        return cls(verbaliser, asking=asking, weight=meta["weight"], told=meta["told"])


def judged(
    verbaliser: Verbaliser, pasts: Sequence[Rows], pools: Sequence[Rows], asking: Asking
) -> list[Floats]:
    """Return the worth of each candidate: one order's logits as they are, several ones merged."""
    prompts, sizes, ways = [], [], []
    for past, pool in zip(pasts, pools, strict=True):
        shown = _ways(len(pool), asking)
        ways.append(shown)
        latest = past[-asking.history :].tolist()
        for way in shown:
            prompts.append(verbaliser.prompt(latest, [int(pool[at]) for at in way]))
            sizes.append(len(way))
    told = iter(verbaliser.told(prompts, sizes))
    found = []
    for pool, shown in zip(pools, ways, strict=True):
        scores = [next(told).astype(np.float64) for _ in shown]
        worth = scores[0] if len(shown) == 1 else merge_scores(len(pool), shown, scores)
        found.append(worth.astype(np.float32))
    return found


def _ways(n: int, asking: Asking) -> list[list[int]]:
    """Return what each prompt of a pool shows, by place: chunks that overlap, in several orders."""
    span = min(asking.size, n)
    count = max(-(-(n - asking.overlap) // (asking.size - asking.overlap)), 1) if n > span else 1
    starts = np.linspace(0, n - span, count).round().astype(int).tolist()
    return [[start + at for at in way] for start in starts for way in balanced(span, asking.orders)]


def opened(model: str) -> tuple[Any, Any, str]:
    """Return tokenizer, model and device of a folder of transformers.

    Only its safetensors are read, and no code in it is run.
    """
    try:
        import torch

        library: Any = import_module("transformers")
    except ImportError as error:
        raise Unavailable(
            f"LlamaRec's ranker needs torch and transformers ({error}). "
            "pip install 'tastemate[train]'"
        ) from error
    if not (Path(model) / "config.json").is_file():
        raise Unavailable(
            f"There is no causal model in {model!r}. Name a folder of transformers, with "
            "config.json, safetensors and a tokenizer, in TASTEMATE_LLM_PATH."
        )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = library.AutoTokenizer.from_pretrained(model, **local)
        network, told = library.AutoModelForCausalLM.from_pretrained(
            model, use_safetensors=True, dtype=dtype, output_loading_info=True, **local
        )
    except Exception as error:  # a damaged file raises whatever its reader raises
        raise Unavailable(
            f"The model in {model!r} cannot be opened ({type(error).__name__}: {error}). Fetch it "
            "again, or name another folder of transformers in TASTEMATE_LLM_PATH."
        ) from error
    if told["missing_keys"]:
        raise Unavailable(
            f"The model in {model!r} lacks weights, such as {min(told['missing_keys'])}. Fetch it "
            "again, or name another folder of transformers in TASTEMATE_LLM_PATH."
        )
    return tokenizer, network.to(device).eval(), device


def _letters(tokenizer: Any) -> list[int]:
    """Return the token with which an answer of each letter begins, after the prompt's end."""
    end = tokenizer.encode(ANSWER, add_special_tokens=False)
    found = []
    for letter in LETTERS:
        whole = tokenizer.encode(ANSWER + letter, add_special_tokens=False)
        found.append(next((b for a, b in zip([*end, -1], whole, strict=False) if a != b), -1))
    clash = any(a == b for a, b in pairwise(sorted(found)))
    if clash or -1 in found or tokenizer.unk_token_id in found:
        raise ConfigError(
            "This model's tokenizer cannot tell the letters A to Z apart after the prompt. Take "
            "a model whose vocabulary has each capital letter."
        )
    return found


def _adapted(network: Any) -> dict[str, Any]:
    """Return the adapters of a network as values of JSON, none where it has none."""
    config = getattr(network, "peft_config", {}).get("default")
    if config is None:
        return {}
    return {
        "targets": sorted(config.target_modules),
        "rank": config.r,
        "alpha": config.lora_alpha,
        "dropout": config.lora_dropout,
    }
