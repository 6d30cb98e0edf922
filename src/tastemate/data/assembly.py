"""Putting a knowledge graph together: names become nodes, whoever says them, and edges meet."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tastemate.catalog import Catalog
from tastemate.data.facts import ITEM, KINDS, LONGEST, THING, Fact, Kind, folded, kind_of
from tastemate.data.joined import Source
from tastemate.traits import Traits, is_year
from tastemate.types import Floats, Rows

CATALOGUE, DERIVED = "catalogue", "derived"
"""Sources: what the catalogue itself says, and what was computed from it."""
SEQUEL = "sequel"
"""The derived relation of an item to the next of its series."""
_FRANCHISES = ("franchise", "series")
_MOST_SOURCES = 62
_OTHERS = "other sources"


class Assembly:
    """A graph while it is put together: entities by kind and folded name, edges as columns."""

    def __init__(self, catalog: Catalog) -> None:
        self.n_items = len(catalog)
        self.names: list[str] = list(catalog.titles)
        self.kinds: list[str] = [ITEM] * len(catalog)
        self._nodes: dict[str, dict[str, int]] = {}
        self.relations: dict[str, int] = {}
        self.sources: dict[str, int] = {}
        self._blocks: list[tuple[NDArray[np.int64], ...]] = []
        self._loose: list[tuple[int, int, int, int]] = []

    def entity(self, name: str, kind: str) -> int:
        """Return the node of an entity, made if it is new."""
        by_kind = self._nodes.setdefault(folded(name), {})
        if kind not in by_kind:
            by_kind[kind] = len(self.names)
            self.names.append(name)
            self.kinds.append(kind)
        return by_kind[kind]

    def known(self, name: str) -> int:
        """Return the entity of a name whatever its kind, the first one made; -1 for none."""
        return next(iter(self._nodes.get(folded(name), {}).values()), -1)

    def add(self, head: int, relation: str, tail: int, source: str) -> None:
        """Add one edge; from a node to itself there is none."""
        if head != tail:
            self._loose.append((head, self._relation(relation), tail, self._bit(source)))

    def _relation(self, name: str) -> int:
        return self.relations.setdefault(name, len(self.relations))

    def _bit(self, source: str) -> int:
        if source not in self.sources and len(self.sources) >= _MOST_SOURCES:
            source = _OTHERS
        return 1 << self.sources.setdefault(source, len(self.sources))

    def add_catalogue(self, catalog: Catalog, sources: Sequence[Source]) -> None:
        """Add an edge for every trait of every item."""
        traits = Traits.of(catalog)
        relations = np.array([self._relation(n) for n in traits.attributes], dtype=np.int64)
        kinds = [kind_of(name) for name in traits.attributes]
        nodes = np.array(
            [
                self.entity(value, kinds[owner]) if len(value) <= LONGEST else -1
                for owner, value in zip(traits.owner.tolist(), traits.values, strict=True)
            ],
            dtype=np.int64,
        )
        own = self._bit(CATALOGUE)
        found = traits.matrix.tocoo()
        if not found.nnz:
            return
        head, trait = found.row.astype(np.int64), found.col
        relation, tail = relations[traits.owner[trait]], nodes[trait]
        said = np.zeros(len(head), dtype=np.int64)
        keys = self._key(head, relation, tail)
        for source in sources:
            said[np.isin(keys, self._said_by(source, catalog, traits.attributes))] |= self._bit(
                source.name
            )
        said[said == 0] = own
        keep = tail >= 0
        self._blocks.append((head[keep], relation[keep], tail[keep], said[keep]))

    def _said_by(
        self, source: Source, catalog: Catalog, attributes: Sequence[str]
    ) -> NDArray[np.int64]:
        """Return the keys of the edges that a source's table says."""
        rows = catalog.codes(source.table["id"])
        keys: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
        for name in attributes:
            if name not in source.table.columns or source.table.schema[name].is_numeric():
                continue
            pairs = pl.DataFrame({"row": rows, "value": source.table[name]})
            if isinstance(pairs.schema["value"], pl.List):
                pairs = pairs.explode("value")
            pairs = pairs.drop_nulls().filter(pl.col("row") >= 0)
            kind = kind_of(name)
            tails = [
                self._nodes.get(folded(value), {}).get(kind, -1)
                for value in pairs["value"].cast(pl.String).to_list()
            ]
            tail = np.array(tails, dtype=np.int64)
            head = pairs["row"].to_numpy().astype(np.int64)
            keys.append(self._key(head, self._relation(name), tail)[tail >= 0])
        return np.concatenate(keys)

    @staticmethod
    def _key(
        head: NDArray[np.int64], relation: NDArray[np.int64] | int, tail: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return one number an edge: 24 bits of head, 12 of relation, 27 of tail."""
        return (head << 39) | (np.asarray(relation, dtype=np.int64) << 27) | tail

    def add_facts(self, catalog: Catalog, facts: Iterable[Fact]) -> None:
        """Add facts; tails whose relation says what they are come first, so that names meet."""
        waiting = list(facts)
        tails: dict[int, int] = {}
        kinds: dict[str, str] = {}
        for at, fact in enumerate(waiting):
            kind = kinds.setdefault(fact.relation, kind_of(fact.relation))
            if fact.tail_is != ITEM and kind in KINDS:
                tails[at] = self.entity(fact.tail, kind)
        for at, fact in enumerate(waiting):
            head = self._node(catalog, fact.head, fact.head_is, THING)
            tail = tails.get(at)
            if tail is None:
                tail = self._node(catalog, fact.tail, fact.tail_is, kinds[fact.relation])
            if head >= 0 and tail >= 0:
                self.add(head, fact.relation, tail, fact.source)

    def _node(self, catalog: Catalog, name: str, is_a: Kind, kind: str) -> int:
        """Return what a name in a fact means; -1 for an item that is not in the catalogue."""
        if is_a != "entity" and name in catalog:
            return catalog.row(name)
        if is_a == ITEM:
            return -1
        node = self.known(name)
        return node if node >= 0 else self.entity(name, kind)

    def add_sequels(self, catalog: Catalog) -> None:
        """Add what comes next in each franchise or series, by year.

        Two of one year have no known order, so that nothing is said before or after them.
        """
        years = next((n for n in catalog.attributes if is_year(n) and catalog.is_numeric(n)), None)
        if years is None:
            return
        year = catalog.numbers(years)
        for name in catalog.attributes:
            if not name.lower().startswith(_FRANCHISES) or catalog.is_numeric(name):
                continue
            members = catalog.incidence(name).matrix.tocsc()
            for at in range(members.shape[1]):
                rows = members.indices[members.indptr[at] : members.indptr[at + 1]]
                rows = rows[np.isfinite(year[rows])]
                for earlier, later in _in_turn(rows, year[rows]):
                    self.add(earlier, SEQUEL, later, DERIVED)

    def columns(self) -> tuple[NDArray[np.int64], ...]:
        """Return head, relation, tail and said: each edge once, with everybody who said it."""
        loose = np.array(self._loose, dtype=np.int64).reshape(-1, 4)
        blocks = [*self._blocks, tuple(loose.T)]
        head, relation, tail, said = (
            np.concatenate([block[part] for block in blocks]) for part in range(4)
        )
        order = np.lexsort((tail, relation, head))
        head, relation, tail, said = (column[order] for column in (head, relation, tail, said))
        first = np.ones(len(head), dtype=bool)
        first[1:] = (np.diff(head) != 0) | (np.diff(relation) != 0) | (np.diff(tail) != 0)
        starts = np.flatnonzero(first)
        together = np.bitwise_or.reduceat(said, starts) if len(starts) else said
        return head[first], relation[first], tail[first], together


def _in_turn(rows: Rows, years: Floats) -> Iterator[tuple[int, int]]:
    """Yield each item of a series with the next one, where the years say which that is."""
    order = np.argsort(years, kind="stable")
    rows, years = rows[order], years[order]
    alone = np.ones(len(years), dtype=bool)
    same = np.diff(years) == 0
    alone[1:] &= ~same
    alone[:-1] &= ~same
    for at in range(len(rows) - 1):
        if alone[at] and alone[at + 1]:
            yield int(rows[at]), int(rows[at + 1])
