"""Texts to unit vectors: MiniLM where its weights are, hashed words where they are not."""

import re
import zlib
from collections import Counter, OrderedDict
from collections.abc import Sequence
from math import log1p
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tastemate import scope
from tastemate.errors import ConfigError, FormatError, Unavailable
from tastemate.text.minilm import GRAPH, HIDDEN, TOKENIZER, locate
from tastemate.text.words import STOP_WORDS, words
from tastemate.types import Floats

if TYPE_CHECKING:
    from tastemate.protocols import Encoder, Progress

_SPACE = re.compile(r"\s+")
_PART = 512
_READ = 65_536
_LETTERS_PER_TOKEN = 16


class MiniLM:
    """all-MiniLM-L6-v2 on onnxruntime: mean of the last layer over the tokens, length 1.

    `folder` holds `model.onnx` and `tokenizer.json` (default: `locate`'s search); nothing is
    opened before the first text. `tokens` is where texts are cut, at most 512. `batch` is how
    many tokens go through the network at once; more leave the processor's cache and are slower.
    """

    name = "minilm"

    def __init__(
        self,
        *,
        folder: Path | None = None,
        tokens: int = 256,
        batch: int = 512,
        threads: int = 2,
        progress: "Progress | None" = None,
    ) -> None:
        if not 3 <= tokens <= 512:
            raise ConfigError(f"tokens must be between 3 and 512, not {tokens}.")
        if batch < 1 or threads < 1:
            raise ConfigError("batch and threads must be at least 1.")
        self.folder = locate(folder)
        self.tokens = tokens
        self.batch = batch
        self.threads = threads
        self.progress = progress
        self._opened: tuple[Any, Any, frozenset[str]] | None = None

    @property
    def dimensions(self) -> int:
        """Length of a vector: 384."""
        return HIDDEN

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return (texts, 384), each row of length 1, zero for a text without a token."""
        vectors = np.zeros((len(texts), HIDDEN), dtype=np.float32)
        if not len(texts):
            return vectors
        session, tokenizer, names = self._open()
        coded = tokenizer.encode_batch_fast([self._cut(text) for text in texts])
        ids = [code.ids for code in coded]
        lengths = np.array([len(row) for row in ids])
        # Two tokens are the marks of begin and end: no word at all.
        order = np.argsort(lengths, kind="stable")
        order = order[lengths[order] > 2]
        done = 0
        while done < len(order):
            rows = self._next(order, lengths, done)
            vectors[rows] = _pooled(session, names, [ids[row] for row in rows])
            done += len(rows)
            if self.progress is not None:
                self.progress("encoding texts", done / len(order))
        return vectors

    def _next(self, order: Any, lengths: Any, start: int) -> Any:
        """Return the next texts whose padded tokens fit into a batch."""
        widths = lengths[order[start : start + self.batch]] * np.arange(
            1, len(order[start : start + self.batch]) + 1
        )
        return order[start : start + max(1, int((widths <= self.batch).sum()))]

    def _cut(self, text: str) -> str:
        """Bound the work and drop what no tokenizer takes (halves of surrogate pairs)."""
        near = _SPACE.sub(" ", text[:_READ])[: self.tokens * _LETTERS_PER_TOKEN]
        return near.encode("utf-8", "ignore").decode("utf-8")

    def _open(self) -> tuple[Any, Any, frozenset[str]]:
        if self._opened is None:
            import onnxruntime
            from tokenizers import Tokenizer

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = self.threads
            options.log_severity_level = 3
            # Waiting threads that spin would take the processor from everything else.
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            try:
                session = onnxruntime.InferenceSession(
                    str(self.folder / GRAPH), options, providers=["CPUExecutionProvider"]
                )
                tokenizer = Tokenizer.from_file(str(self.folder / TOKENIZER))
            # Neither library exports what it raises for a damaged file.
            except Exception as error:
                raise FormatError(
                    f"MiniLM in {self.folder} cannot be opened ({error}). Delete that folder; it "
                    "is built again from the installed weights."
                ) from error
            tokenizer.no_padding()
            tokenizer.enable_truncation(max_length=self.tokens)
            names = frozenset(node.name for node in session.get_inputs())
            self._opened = (session, tokenizer, names)
        return self._opened


def _pooled(session: Any, names: frozenset[str], ids: list[list[int]]) -> Floats:
    """Run the network over texts of like length; mean over real tokens, length 1."""
    wide = max(len(row) for row in ids)
    tokens = np.zeros((len(ids), wide), dtype=np.int64)
    mask = np.zeros((len(ids), wide), dtype=np.int64)
    for row, known in enumerate(ids):
        tokens[row, : len(known)] = known
        mask[row, : len(known)] = 1
    given = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
    (state,) = session.run(
        ["last_hidden_state"], {name: array for name, array in given.items() if name in names}
    )
    share = mask.astype(np.float32) / mask.sum(axis=1, keepdims=True)
    mean = np.einsum("tw,twh->th", share.astype(np.float32), state)
    return unit(mean)


def unit(vectors: Floats) -> Floats:
    """Return rows scaled to length 1; zero rows stay zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)


class HashedWords:
    """The fallback without weights: words and letter trigrams hashed into signed buckets.

    It finds shared words and like spellings, not meanings (Weinberger et al., 2009). The hash is
    CRC-32, so vectors are the same on every machine.
    """

    name = "hashed words (fallback)"

    def __init__(self, *, dimensions: int = 512, trigrams: float = 0.3) -> None:
        if dimensions < 1 or trigrams < 0:
            raise ConfigError("dimensions must be at least 1 and trigrams at least 0.")
        self._dimensions = dimensions
        self.trigrams = trigrams

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self._dimensions

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return (texts, dimensions), each row of length 1, zero for a text without a word."""
        vectors = np.zeros((len(texts), self._dimensions), dtype=np.float32)
        known: dict[str, list[tuple[int, float]]] = {}
        for row, text in enumerate(texts):
            for word, count in Counter(words(text)).items():
                if word not in known:
                    known[word] = self._buckets(word)
                times = log1p(count) * (0.2 if word in STOP_WORDS else 1.0)
                for at, weight in known[word]:
                    vectors[row, at] += weight * times
        return unit(vectors)

    def _buckets(self, word: str) -> list[tuple[int, float]]:
        marked = f"<{word[:64]}>"
        parts = [(word, 1.0)]
        if self.trigrams:
            grams = [marked[at : at + 3] for at in range(len(marked) - 2)]
            parts += [(f"#{gram}", self.trigrams) for gram in grams]
        placed = []
        for part, weight in parts:
            code = zlib.crc32(part.encode("utf-8", "replace"))
            placed.append((code % self._dimensions, weight if code >> 31 else -weight))
        return placed


class Remembered:
    """An encoder that keeps the vectors of the texts it saw last, so that none is encoded twice.

    Give one to every part that encodes the same catalogue.
    """

    def __init__(self, encoder: "Encoder", capacity: int = 50_000) -> None:
        if capacity < 1:
            raise ConfigError(f"capacity must be at least 1, not {capacity}.")
        self.encoder = encoder
        self.capacity = capacity
        self._vectors: OrderedDict[str, Floats] = OrderedDict()

    @property
    def name(self) -> str:
        """The name of the encoder inside."""
        return name_of(self.encoder)

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self.encoder.dimensions

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return the vectors of the encoder inside; only unseen texts reach it."""
        fresh = list(dict.fromkeys(text for text in texts if text not in self._vectors))
        found = self._encoded(fresh)
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = found[text] if text in found else self._vectors[text]
        for text, vector in found.items():
            if len(text) <= _READ:
                self._vectors[text] = vector
        while len(self._vectors) > self.capacity:
            self._vectors.popitem(last=False)
        return vectors

    def _encoded(self, texts: Sequence[str]) -> dict[str, Floats]:
        """Encode texts part by part, and tell how far it is where somebody listens."""
        found: dict[str, Floats] = {}
        tell = scope.current().tell
        for start in range(0, len(texts), _PART):
            part = texts[start : start + _PART]
            found.update(zip(part, self.encoder.encode(part), strict=True))
            if tell is not None and len(texts) > _PART:
                tell(f"{len(found):,} of {len(texts):,} texts", len(found) / len(texts))
        return found


def name_of(encoder: "Encoder") -> str:
    """Return the encoder's name, or its class's where it has none."""
    return str(getattr(encoder, "name", type(encoder).__name__))


def open_encoder(prefer: str = "minilm", *, threads: int = 2) -> "MiniLM | HashedWords":
    """Return MiniLM, or the fallback when its weights are missing or `prefer` is "words".

    Which one it is, is in its `name`. Raises `ConfigError` for another preference.
    """
    if prefer not in ("minilm", "words"):
        raise ConfigError(f'Unknown encoder {prefer!r}; use "minilm" or "words".')
    if prefer == "minilm":
        try:
            return MiniLM(threads=threads)
        except Unavailable:
            return HashedWords()
    return HashedWords()
