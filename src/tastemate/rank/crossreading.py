"""The network of the cross-encoder: MiniLM reads a history and all candidates of a pool at once.

A cross-encoder reads a query and one candidate together (Nogueira and Cho 2019). Here the tokens
of a pool stand in one sequence: each candidate's tokens see the history's and their own, the
history's see the history alone, so that it is read once for the whole pool. The lower layers read
each item by itself and are not learned, so that their output is kept for each item (PreTTR,
MacAvaney et al. 2020); adapters (LoRA) and the head are learned in the layers above.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, Unavailable
from tastemate.rank.adapters import Low, adapters, trainable
from tastemate.text import minilm
from tastemate.types import Rows

Tensor: TypeAlias = Any
TITLE, DETAIL = 12, 6
"""Tokens of a title, and of the attributes after it, at most."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the network reads and which part of it is learned."""

    history: int = 5
    """Latest items that are read."""
    apart: int = 4
    """Lower layers that read each item by itself, 0 to 5; the others are adapted."""
    rank: int = 8
    alpha: int = 32
    dropout: float = 0.0
    exclude: tuple[str, ...] = ("tags",)
    """Attributes that are not read."""

    def __post_init__(self) -> None:
        if not 0 <= self.apart < minilm.LAYERS:
            raise ConfigError(f"apart is {self.apart}; it must be 0 to {minilm.LAYERS - 1}.")
        if self.history < 1 or self.rank < 1 or not 0 <= self.dropout < 1:
            raise ConfigError("history and rank must be at least 1, dropout in [0, 1).")


AS_SHAPED = Shape()


def texts(catalog: Catalog, exclude: Sequence[str]) -> list[tuple[str, str]]:
    """Return the title of each item and its attributes in words, without numbers."""
    names = [
        name for name in catalog.attributes
        if name not in exclude and not catalog.is_numeric(name)
    ]  # fmt: skip
    return [(item.title, ", ".join(_words(item.attributes, names))) for item in catalog]


def _words(attributes: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    said: list[str] = []
    for name in names:
        value = attributes.get(name, ())
        said += [value] if isinstance(value, str) else list(value)
    return [one for one in said if one]


def coded(catalog: Catalog, exclude: Sequence[str], folder: Path) -> list[list[int]]:
    """Return the tokens of each item: its title, and then its attributes, both cut short."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / minilm.TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    begin, end = (int(tokenizer.token_to_id(mark) or 0) for mark in ("[CLS]", "[SEP]"))
    pairs = [part.encode("utf-8", "ignore").decode() for pair in texts(catalog, exclude)
             for part in pair]  # fmt: skip
    ids = [code.ids for code in tokenizer.encode_batch(pairs, add_special_tokens=False)]
    found = []
    for title, detail in zip(ids[::2], ids[1::2], strict=True):
        after = [*detail[:DETAIL], end] if detail else []
        found.append([begin, *title[:TITLE], end, *after])
    return found


def opened(folder: Path) -> Any:
    """Return MiniLM as torch runs it, from its official weights, in evaluation mode.

    Raises `Unavailable` where torch or transformers is not installed.
    """
    try:
        import torch

        library: Any = import_module("transformers")
    except ImportError as error:
        raise Unavailable(
            f"The cross-encoder needs torch and transformers ({error}). "
            "pip install 'tastemate[train]'"
        ) from error
    weights = minilm.tensors((folder / "model.safetensors").read_bytes())
    layers = 1 + max(int(n.split(".")[2]) for n in weights if n.startswith("encoder.layer."))
    words = weights["embeddings.word_embeddings.weight"]
    hidden = int(words.shape[1])
    config = library.BertConfig(
        vocab_size=len(words),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=minilm.HEADS,
        intermediate_size=len(weights["encoder.layer.0.intermediate.dense.bias"]),
        max_position_embeddings=len(weights["embeddings.position_embeddings.weight"]),
        layer_norm_eps=minilm.EPSILON,
        # The adapters have a dropout of their own, and nothing else learns.
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    network = library.BertModel(config, add_pooling_layer=False)
    known = {name: torch.tensor(np.array(one)) for name, one in weights.items()
             if not name.startswith("pooler.")}  # fmt: skip
    network.load_state_dict(known, strict=False)
    return network.eval()


class Reading:
    """The network with its adapters, over one catalogue; `learned` are its trainable tensors.

    `half` computes in bfloat16: by default where the machine has instructions for it.
    """

    def __init__(
        self, catalog: Catalog, shape: Shape = AS_SHAPED, *, seed: int = 0, half: bool | None = None
    ) -> None:
        folder = minilm.packaged()
        network = opened(folder)
        import torch

        self.shape = shape
        self.n_items = len(catalog)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.half = _fast_half(self.device) if half is None else half
        layers = range(shape.apart, minilm.LAYERS)
        low = Low(("query", "value"), shape.rank, shape.alpha, shape.dropout, tuple(layers))
        self.adapted = adapters(network, low, seed).to(self.device)
        self.bert: Any = self.adapted.base_model.model
        self.head = {
            name: torch.nn.Parameter(torch.zeros(size, device=self.device))
            for name, size in _head(shape).items()
        }
        with torch.no_grad():
            self.head["beside"] += 0.5
            self.head["cosine"] += 1.0
        self.tokens = coded(catalog, shape.exclude, folder)
        self._states: dict[int, Tensor] = {}

    @property
    def learned(self) -> dict[str, Tensor]:
        """The tensors that are learned, by name."""
        return {f"head.{name}": one for name, one in self.head.items()} | trainable(self.adapted)

    def scores(self, pasts: Sequence[Rows], pools: Sequence[Rows]) -> Tensor:
        """Return the score of each candidate, (lists, longest pool); 0 where a pool is shorter.

        Pasts are oldest first and not empty; gradients flow where they are on.
        """
        import torch

        lines = [self._line(past, pool) for past, pool in zip(pasts, pools, strict=True)]
        wide, deep = max(len(ids) for _, ids in lines), max(len(pool) for pool in pools)
        ids = np.full((len(lines), wide), -1, dtype=np.int64)
        for row, (_, own) in enumerate(lines):
            ids[row, : len(own)] = own
        which = torch.from_numpy(ids).to(self.device)
        states = torch.nn.utils.rnn.pad_sequence([state for state, _ in lines], batch_first=True)
        seen = (which[:, None, :] == 0) | (which[:, None, :] == which[:, :, None])
        # What fills up a line sees the history too: to see nothing would give no number.
        mask = (seen & (which >= 0)[:, None, :])[:, None]
        with torch.autocast(self.device, torch.bfloat16, enabled=self.half):
            for layer in self.bert.encoder.layer[self.shape.apart :]:
                states = layer(states, mask)
        return self._headed(states.float(), which, deep)

    def _line(self, past: Rows, pool: Rows) -> tuple[Tensor, list[int]]:
        """Return the states of a list's tokens, and whose they are: 0 the history's, then 1, 2, …

        The latest item of the history comes first.
        """
        import torch

        latest = [int(row) for row in past[::-1][: self.shape.history]]
        met = [self._state(row) + self.head["age"][at] for at, row in enumerate(latest)]
        asked = [self._state(int(row)) for row in pool]
        whose = [0] * sum(len(one) for one in met)
        for at, one in enumerate(asked, start=1):
            whose += [at] * len(one)
        return torch.cat([*met, *asked]), whose

    def _headed(self, states: Tensor, which: Tensor, deep: int) -> Tensor:
        """Return scores from the last states: a line over each candidate's mean, and its cosine."""
        import torch

        parts = torch.arange(deep + 1, device=self.device)
        member = (which[:, None, :] == parts[None, :, None]).float()
        means = member @ states / member.sum(-1, keepdim=True).clamp(min=1)
        history, asked = means[:, :1], means[:, 1:]
        cosine = torch.nn.functional.cosine_similarity(history, asked, dim=-1)
        return asked @ self.head["line"] + self.head["cosine"] * cosine

    def _state(self, row: int) -> Tensor:
        """Return the tokens of an item as the lower layers leave them, (tokens, hidden)."""
        import torch

        found = self._states.get(row)
        if found is None:
            with torch.no_grad():
                ids = torch.tensor([self.tokens[row]], device=self.device)
                state = self.bert.embeddings(input_ids=ids)
                for layer in self.bert.encoder.layer[: self.shape.apart]:
                    state = layer(state, None)
            found = self._states[row] = state[0].half()
        return found.float()


def _head(shape: Shape) -> dict[str, tuple[int, ...]]:
    hidden = minilm.HIDDEN
    return {"line": (hidden,), "cosine": (1,), "beside": (1,), "age": (shape.history, hidden)}


def _fast_half(device: str) -> bool:
    """Whether a device has instructions for bfloat16."""
    import torch

    if device == "cuda":
        return True
    able = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(able and able())
