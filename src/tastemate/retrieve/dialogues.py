"""What other people were recommended when they said and named something like this.

Fitted on dialogues; answers an ordinary query, whose history is what was named so far and whose
text is what the person said. Counts of what is named together, answers to questions of like
meaning, ratings and texts are signals, and a conditional logit learns what each weighs from the
dialogues themselves: every question is answered without the dialogues of its own two people, so
that the weights hold for somebody new.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, FormatError, NotFitted, nearest
from tastemate.interactions import Interactions
from tastemate.retrieve.choice import Choices, learn
from tastemate.retrieve.content import Content
from tastemate.retrieve.dense import Dense
from tastemate.retrieve.dialogue_corpus import Ask, Corpus, Dialogue, latest, read_dialogues
from tastemate.retrieve.dialogue_signals import SIGNALS, Ground, Memory, Pool, pools
from tastemate.retrieve.knn import ItemKNN
from tastemate.retrieve.search import Search
from tastemate.text.encoder import name_of
from tastemate.text.link import Linker
from tastemate.types import Floats, Mask, Query

if TYPE_CHECKING:
    from tastemate.protocols import Encoder

LATEST = 30
"""Events of a history that count as named."""
_BATCH = 256
_PARTS = ("neighbours", "described", "searched")
_SPARSE = ("named", "recommended", "answers")


class Dialogues(Dense):
    """Learns from dialogues in ReDial's format at `path`; without them it has no opinion.

    `penalty` keeps the weights of the signals small; signals named in `without` weigh nothing.
    """

    name = "dialogues"

    def __init__(
        self,
        *,
        encoder: "Encoder",
        path: str = "",
        penalty: float = 10.0,
        without: tuple[str, ...] = (),
    ) -> None:
        """Set the options; raise `ConfigError` for a value out of range or an unknown signal."""
        for signal in without:
            if signal not in SIGNALS:
                raise ConfigError(
                    f"dialogues: there is no signal {signal!r}.{nearest(signal, SIGNALS)} "
                    f"Known: {'; '.join(SIGNALS)}."
                )
        if penalty <= 0:
            raise ConfigError(f"dialogues: penalty is {penalty}; it must be above 0.")
        self.encoder = encoder
        self.path = path
        self.penalty = penalty
        self.without = tuple(without)
        self.weights: Floats = np.zeros(len(SIGNALS), dtype=np.float32)
        self._memory: Memory | None = None
        self._ground: Ground | None = None
        self._liked = 1.0
        self._width = -1

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Read the dialogues and learn from them; raise `NotFound` or `FormatError`."""
        dialogues: list[Dialogue] = []
        if self.path:
            linker = Linker(catalog, popularity=interactions.over(catalog).counts)
            known: dict[str, int] = {}

            def link(title: str) -> int:
                if title not in known:
                    known[title] = linker.link(title).row
                return known[title]

            dialogues = read_dialogues(Path(self.path).expanduser(), link)
        return self.learn(catalog, interactions, dialogues)

    def learn(
        self, catalog: Catalog, interactions: Interactions, dialogues: Sequence[Dialogue]
    ) -> Self:
        """Learn from dialogues that are at hand, whatever `path` says."""
        corpus = Corpus.of(dialogues)
        self.remember(catalog, interactions, corpus)
        if corpus.asks:
            everything = np.ones(len(dialogues), dtype=np.bool_)
            self.weights = self.weighed(corpus, everything, corpus.strangers(corpus.people))
        return self

    def remember(self, catalog: Catalog, interactions: Interactions, corpus: Corpus) -> None:
        """Count a corpus and fit what ratings and texts say; what signals weigh stays as it was."""
        self._width, self._memory, self._ground = len(catalog), None, None
        if not corpus.asks:
            return
        self._liked = float(interactions.scale.high)
        neighbours, described = ItemKNN(), Content(encoder=self.encoder)
        parts = (
            neighbours.fit(catalog, interactions),
            described.fit(catalog, interactions),
            Search(encoder=self.encoder).fit(catalog, interactions),
        )
        self._ground = Ground.of(catalog, interactions.over(catalog).counts, parts)
        words = self.encoder.encode([ask.words for ask in corpus.asks])
        self._memory = Memory.of(corpus, words)

    def weighed(
        self, corpus: Corpus, taught: Mask, heard: Mask, wide: Mapping[str, Floats] | None = None
    ) -> Floats:
        """Return the weights that the dialogues `taught` teach, (signals,).

        `heard` (dialogues, dialogues) says whose counts each of them may hear: not its own. `wide`
        are the `grounds` of all asks, where they are at hand.
        """
        memory, _ = self._fitted()
        which = np.flatnonzero(taught[memory.dialogue])
        asks = [corpus.asks[at] for at in which]
        some = None if wide is None else {name: values[which] for name, values in wide.items()}
        may = heard[memory.dialogue[which]]
        looked = self._looked(asks, memory.words[which], may, some)
        used = np.array([signal not in self.without for signal in SIGNALS], dtype=np.bool_)
        return weigh(looked, asks, self.penalty, used)

    def grounds(self, asks: Sequence[Ask]) -> dict[str, Floats]:
        """Return what ratings and texts say to questions, by signal, each (questions, items)."""
        pasts, words = [ask.past for ask in asks], [ask.words for ask in asks]
        return self._fitted()[1].signals(pasts, words, self._liked)

    def _looked(
        self,
        asks: Sequence[Ask],
        words: Floats,
        heard: Mask | None = None,
        wide: Mapping[str, Floats] | None = None,
    ) -> list[Pool]:
        """Return the pool of each question; `words` are the questions, encoded."""
        memory, ground = self._fitted()
        found: list[Pool] = []
        for start in range(0, len(asks), _BATCH):
            part = slice(start, start + _BATCH)
            said = (
                self.grounds(asks[part])
                if wide is None
                else {name: values[part] for name, values in wide.items()}
            )
            may = None if heard is None else heard[part]
            found += pools(asks[part], words[part], memory, ground, said, may)
        return found

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Return the utility of what was looked at, (queries, items); -inf for everything else."""
        return self.answers(queries, [self.weights] * len(queries))

    def answers(
        self, queries: Sequence[Query], weights: Sequence[Floats], heard: Mask | None = None
    ) -> Floats:
        """Score with weights of their own for each query, by the dialogues it may hear.

        `heard` is (queries, dialogues); all of them without it.
        """
        if self._width < 0:
            raise NotFitted("dialogues has not been fitted: call fit or load first.")
        found = np.full((len(queries), self._width), -np.inf, dtype=np.float32)
        if self._memory is None or not len(queries):
            return found
        asks = [_asked(query) for query in queries]
        words = self.encoder.encode([ask.words for ask in asks])
        looked = self._looked(asks, words, heard)
        for row, pool, worth in zip(found, looked, weights, strict=True):
            row[pool.rows] = pool.signals @ worth
        return found

    def _fitted(self) -> tuple[Memory, Ground]:
        if self._memory is None or self._ground is None:
            raise NotFitted("dialogues has nothing learned: give dialogues and call fit first.")
        return self._memory, self._ground

    def save(self, folder: Path) -> None:
        """Write the counts, the weights, and the fitted parts in folders inside."""
        if self._width < 0:
            raise NotFitted("dialogues has not been fitted: call fit or load first.")
        meta = {"learned": self._memory is not None, "encoder": name_of(self.encoder)}
        if self._memory is None or self._ground is None:
            self._write(folder, self._width, meta, {})
            return
        memory, ground = self._memory, self._ground
        arrays = {name: getattr(memory, name) for name in ("items", "dialogue", "words", *_SPARSE)}
        arrays |= {"weights": self.weights, "fame": ground.fame}
        meta |= {"liked": self._liked, "signals": list(SIGNALS)}
        self._write(folder, self._width, meta, arrays)
        for name, save in zip(
            _PARTS, (ground.knn.save, ground.content.save, ground.search.save), strict=True
        ):
            save(folder / name)

    def load(self, folder: Path, catalog: Catalog) -> Self:
        """Restore; raise `FormatError` if it does not fit, `ConfigError` for another encoder."""
        meta, arrays = self._read(folder, len(catalog), ("learned", "encoder"))
        self._width, self._memory, self._ground = len(catalog), None, None
        if not meta["learned"]:
            return self
        need = ("items", "dialogue", "words", *_SPARSE, "weights", "fame", "liked", "signals")
        meta, arrays = self._read(folder, len(catalog), need)
        words = np.asarray(arrays["words"])
        fits = len(arrays["weights"]) == len(SIGNALS) and meta["signals"] == list(SIGNALS)
        if not fits or len(words) != len(arrays["dialogue"]):
            raise FormatError(f"The dialogues model in {folder} is not whole: fit it again.")
        if meta["encoder"] != name_of(self.encoder) or words.shape[1] != self.encoder.dimensions:
            raise ConfigError(
                f"The dialogues in {folder} were encoded by {meta['encoder']!r}, and questions "
                f"would be by {name_of(self.encoder)!r}. Fit again, or give that encoder."
            )
        neighbours, described, searched = (folder / name for name in _PARTS)
        parts = (
            ItemKNN().load(neighbours, catalog),
            Content(encoder=self.encoder).load(described, catalog),
            Search(encoder=self.encoder).load(searched, catalog),
        )
        fame = np.zeros(len(catalog), dtype=np.float32)
        fame[: len(arrays["fame"])] = arrays["fame"]
        counted = {name: sparse.csr_matrix(arrays[name]) for name in _SPARSE}
        items, dialogue = np.array(arrays["items"]), np.array(arrays["dialogue"])
        self._memory = Memory(items, dialogue=dialogue, words=words, **counted)
        self._ground = Ground.of(catalog, np.rint(np.expm1(fame)).astype(np.int64), parts)
        self._liked = float(meta["liked"])
        self.weights = np.array(arrays["weights"], dtype=np.float32)
        return self


def weigh(
    looked: Sequence[Pool], asks: Sequence[Ask], penalty: float, used: Mask | None = None
) -> Floats:
    """Return the weights under which what was answered stands out in its pool.

    Signals that are not `used` weigh 0.
    An answer that is not in its pool teaches nothing: put there by hand it would be recognised by
    what no signal says of it.
    """
    if not looked:
        return np.zeros(len(SIGNALS), dtype=np.float32)
    unnamed = [~np.isin(pool.rows, ask.past) for pool, ask in zip(looked, asks, strict=True)]
    rows = [pool.rows[fresh] for pool, fresh in zip(looked, unnamed, strict=True)]
    taken = [np.isin(some, ask.answer) for some, ask in zip(rows, asks, strict=True)]
    number = np.repeat(np.arange(len(rows)), [len(some) for some in rows])
    signals = np.concatenate([p.signals[fresh] for p, fresh in zip(looked, unnamed, strict=True)])
    if used is not None:
        signals = np.where(used, signals, np.float32(0))
    return learn(Choices(signals, number, np.concatenate(taken)), penalty)


def _asked(query: Query) -> Ask:
    past = tuple(dict.fromkeys(int(row) for row in query.history.last(LATEST).items))
    return Ask(-1, past, latest(query.text), ())
