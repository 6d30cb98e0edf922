"""The catalogue: every item there is, columnar inside, one row as an `Item` on demand."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from scipy import sparse

from tastemate.errors import DataError, UnknownItem, nearest
from tastemate.types import AttributeValue, Floats, Item, Mask, Rows

_FIXED = ("id", "title", "text")
MOST_ATTRIBUTES = 200
"""Attributes that added items may bring a catalogue to: each costs every list."""
_KEPT = 50_000
"""Items kept once made."""


@dataclass(frozen=True)
class Incidence:
    """Which items carry which value of an attribute: `matrix` (items, values), binary."""

    matrix: sparse.csr_matrix
    values: tuple[str, ...]

    @cached_property
    def codes(self) -> dict[str, int]:
        """Value → column."""
        return {value: code for code, value in enumerate(self.values)}

    @cached_property
    def folded(self) -> dict[str, tuple[int, ...]]:
        """Value without regard to case → its columns."""
        found: dict[str, list[int]] = {}
        for code, value in enumerate(self.values):
            found.setdefault(value.casefold(), []).append(code)
        return {value: tuple(codes) for value, codes in found.items()}


class Catalog:
    """Immutable items; a row number and an id name the same item.

    `frame` has the string columns id, title and text; every other column is an attribute: a
    string, a number, or a list of strings. Null means "unknown".
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        missing = [name for name in ("id", "title") if name not in frame.columns]
        if missing:
            raise DataError(f"A catalogue needs the columns id and title; {missing} is missing.")
        if "text" not in frame.columns:
            frame = frame.with_columns(pl.lit("").alias("text"))
        frame = frame.with_columns(
            pl.col(name).cast(pl.String).fill_null("") for name in _FIXED
        ).select([*_FIXED, *(name for name in frame.columns if name not in _FIXED)])
        self.frame = frame.rechunk()
        self.ids: tuple[str, ...] = tuple(frame["id"].to_list())
        self._rows = {item_id: row for row, item_id in enumerate(self.ids)}
        if len(self._rows) != len(self.ids):
            twice = frame["id"].filter(frame["id"].is_duplicated()).first()
            raise DataError(f"Item id {twice!r} appears twice; ids must be unique.")

    @classmethod
    def of(cls, items: Iterable[Item]) -> "Catalog":
        """Build a catalogue from items; an attribute an item lacks is unknown for it."""
        items = list(items)
        for item in items:
            for name in set(item.attributes) & set(_FIXED):
                raise DataError(f"Item {item.id!r} has an attribute called {name!r}; rename it.")
        records = [
            {"id": i.id, "title": i.title, "text": i.text}
            | {k: list(v) if isinstance(v, tuple) else v for k, v in i.attributes.items()}
            for i in items
        ]
        if not records:
            return cls(pl.DataFrame(schema=dict.fromkeys(_FIXED, pl.String)))
        try:
            return cls(pl.DataFrame(records, infer_schema_length=None))
        except (pl.exceptions.PolarsError, TypeError) as error:
            raise DataError(
                f"The items' attributes do not fit into columns ({error}). "
                "Give each attribute one kind of value: text, number, or list of texts."
            ) from error

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._rows

    def __iter__(self) -> Iterator[Item]:
        return (self.item(row) for row in range(len(self)))

    def row(self, item_id: str) -> int:
        """Return the row of an id; raise `UnknownItem` with the nearest known id."""
        try:
            return self._rows[item_id]
        except KeyError:
            hint = nearest(item_id, self.ids[:20_000])
            raise UnknownItem(f"No item with id {item_id!r} in the catalogue.{hint}") from None

    def rows(self, ids: Iterable[str]) -> Rows:
        """Return the rows of ids, in order; raise `UnknownItem` for the first unknown one."""
        return np.fromiter((self.row(item_id) for item_id in ids), dtype=np.int32)

    def codes(self, ids: pl.Series) -> Rows:
        """Return the row of each id in a column, -1 where the id is unknown."""
        known = pl.Series(list(self.ids), dtype=pl.String)
        got = ids.cast(pl.String).replace_strict(
            known, pl.Series(np.arange(len(self), dtype=np.int32)), default=-1
        )
        return got.cast(pl.Int32).to_numpy()

    def item(self, row: int) -> Item:
        """Return one item; list attributes come as tuples, unknown ones are left out."""
        row = int(row)
        kept = self._items.get(row)
        if kept is None:
            kept = self._read(row)
            if len(self._items) < _KEPT:
                self._items[row] = kept
        return kept

    @cached_property
    def _items(self) -> dict[int, Item]:
        """Items made before: making one is most of the cost of a line of an answer."""
        return {}

    def _read(self, row: int) -> Item:
        record = self.frame.row(row, named=True)
        fixed = {name: record.pop(name) for name in _FIXED}
        attributes: dict[str, AttributeValue] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in record.items()
            if value is not None
        }
        return Item(fixed["id"], fixed["title"], fixed["text"], attributes)

    def __getitem__(self, item_id: str) -> Item:
        return self.item(self.row(item_id))

    @cached_property
    def titles(self) -> tuple[str, ...]:
        """All titles, by row."""
        return tuple(self.frame["title"].to_list())

    @property
    def attributes(self) -> tuple[str, ...]:
        """The names of the attribute columns."""
        return tuple(name for name in self.frame.columns if name not in _FIXED)

    def is_numeric(self, attribute: str) -> bool:
        """Whether an attribute holds numbers."""
        return self.frame.schema[attribute].is_numeric()

    def numbers(self, attribute: str) -> Floats:
        """Return a numeric attribute by row, NaN where unknown, shape (items,)."""
        column = self.frame[attribute].cast(pl.Float32).to_numpy()
        return column.astype(np.float32)

    def known(self, attribute: str) -> Mask:
        """Return for which items an attribute is fully known, shape (items,) (cached).

        A missing value, a NaN and a list with a missing element are not fully known; an empty
        text and an empty list are: the item has none.
        """
        if attribute not in self._known:
            column = self.frame[attribute]
            known = column.is_not_null()
            if isinstance(column.dtype, pl.List):
                known &= ~column.list.eval(pl.element().is_null()).list.any().fill_null(False)
            elif column.dtype.is_float():
                known &= column.is_not_nan().fill_null(False)
            self._known[attribute] = known.to_numpy()
        return self._known[attribute]

    @cached_property
    def _known(self) -> dict[str, Mask]:
        return {}

    def incidence(self, attribute: str) -> Incidence:
        """Return which items carry which value of a text or list attribute (cached)."""
        if attribute not in self._incidences:
            self._incidences[attribute] = self._build_incidence(attribute)
        return self._incidences[attribute]

    @cached_property
    def _incidences(self) -> dict[str, Incidence]:
        return {}

    def _build_incidence(self, attribute: str) -> Incidence:
        column = self.frame[attribute]
        pairs = pl.DataFrame({"row": np.arange(len(self), dtype=np.int32), "value": column})
        if isinstance(column.dtype, pl.List):
            pairs = pairs.explode("value")
        pairs = pairs.with_columns(pl.col("value").cast(pl.String)).drop_nulls().unique()
        pairs = pairs.filter(pl.col("value") != "")
        values = tuple(sorted(pairs["value"].unique().to_list()))
        shape = (len(self), len(values))
        if not values:
            return Incidence(sparse.csr_matrix(np.zeros(shape, dtype=np.float32)), values)
        code = pairs["value"].replace_strict(
            pl.Series(values), pl.Series(np.arange(len(values), dtype=np.int32))
        )
        ones = np.ones(len(pairs), dtype=np.float32)
        at = (pairs["row"].to_numpy(), code.to_numpy())
        return Incidence(sparse.csr_matrix((ones, at), shape=shape), values)

    def with_items(self, items: Sequence[Item]) -> "Catalog":
        """Return a catalogue with new items after the old ones; rows of old items stay.

        An item whose id is known replaces the old one in its row. Raises `DataError` for what
        does not fit, and for more than `MOST_ATTRIBUTES` attributes where some are new.
        """
        _room(self.attributes, items)
        fresh = Catalog.of({item.id: item for item in items}.values())
        for name in fresh.attributes:
            if name in self.frame.columns:
                _same_kind(name, self.frame.schema[name], fresh.frame.schema[name])
        joined = pl.concat([self.frame, fresh.frame], how="diagonal_relaxed")
        latest = joined.group_by("id", maintain_order=True).last()
        return Catalog(latest.select(joined.columns))

    def select(self, rows: Rows) -> "Catalog":
        """Return the catalogue of only these rows, in this order."""
        return Catalog(self.frame[np.asarray(rows)])

    def with_columns(self, columns: Mapping[str, pl.Series]) -> "Catalog":
        """Return a catalogue with columns added or replaced."""
        return Catalog(self.frame.with_columns(**columns))

    @cached_property
    def fingerprint(self) -> str:
        """A short hash of everything in the catalogue."""
        return hashlib.sha256(self.frame.write_ndjson().encode()).hexdigest()[:12]

    def describe(self, row: int) -> str:
        """Return title, attributes and text of one item as a line of text for an encoder."""
        item = self.item(row)
        parts = [item.title]
        for value in item.attributes.values():
            if isinstance(value, tuple) and value:
                parts.append(", ".join(value))
            elif isinstance(value, str) and value:
                parts.append(value)
        if item.text:
            parts.append(item.text)
        return ". ".join(parts)

    def save(self, path: Path) -> None:
        """Write the catalogue to a Parquet file."""
        self.frame.write_parquet(path)

    @classmethod
    def load(cls, path: Path) -> "Catalog":
        """Read a catalogue written by `save`."""
        return cls(pl.read_parquet(path, glob=False))


def _room(known: Sequence[str], items: Sequence[Item]) -> None:
    """Raise `DataError` where items bring more attributes than a catalogue may have."""
    new = {name for item in items for name in item.attributes}.difference(known)
    if new and len(known) + len(new) > MOST_ATTRIBUTES:
        raise DataError(
            f"The catalogue has {len(known)} attributes, and {len(new)} new ones are too many: it "
            f"may have {MOST_ATTRIBUTES}. Leave some out, or put them into one list of texts."
        )


def _same_kind(name: str, old: pl.DataType, new: pl.DataType) -> None:
    """Raise `DataError` unless two columns both hold numbers, or texts, or lists."""

    def kind(of: pl.DataType) -> str:
        return "numbers" if of.is_numeric() else "lists" if of.is_nested() else "texts"

    if pl.Null not in (old, new) and kind(old) != kind(new):
        raise DataError(
            f"The new items do not fit: {name} holds {kind(old)} in the catalogue, {kind(new)} "
            "here. "
            "Give each attribute the kind of value the catalogue already has for it."
        )


def as_json(item: Item) -> dict[str, object]:
    """Return an item as plain JSON values."""
    shown: dict[str, object] = {"item_id": item.id, "title": item.title, "text": item.text}
    for name, value in item.attributes.items():
        shown[name] = list(value) if isinstance(value, tuple) else value
    return shown
