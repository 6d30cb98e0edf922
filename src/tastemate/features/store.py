"""Features as others use them: a sentence for an encoder.

They are readings, not facts of the data: they never become attributes of a catalogue, from which
reasons and filters are made. `enriched` adds them to the texts of a catalogue made for encoding.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from tastemate.catalog import Catalog
from tastemate.features.job import Kept, Log, current
from tastemate.features.vocabulary import Values


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """What is known of each row of one catalogue."""

    kept: Mapping[int, Kept]
    """Catalogue row → its features and their provenance; rows without are missing."""

    def __len__(self) -> int:
        return len(self.kept)

    def sentence(self, row: int) -> str:
        """Return an item's features as a line of text; empty where there are none."""
        return sentence(self.kept[row].values) if row in self.kept else ""


def sentence(values: Values) -> str:
    """Return features as a line of text: "Genre: crime, drama. Mood: tense."."""
    said = [f"{name.capitalize()}: {', '.join(found)}." for name, found in values.items() if found]
    return " ".join(said)


def read_features(log: Log, catalog: Catalog) -> FeatureTable:
    """Return the features of the items that still say what they said when they were read."""
    return FeatureTable(current(log, catalog))


def enriched(catalog: Catalog, table: FeatureTable) -> Catalog:
    """Return the catalogue with each item's features in front of its text, for encoders only.

    Give it to `fit` and `load` of a retriever that reads texts, and the plain one to everything
    that explains or filters. Attributes are untouched; without features it is the same catalogue.
    """
    if not len(table):
        return catalog
    texts = [
        f"{table.sentence(row)} {text}".strip()
        for row, text in enumerate(catalog.frame["text"].to_list())
    ]
    return catalog.with_columns({"text": pl.Series(texts, dtype=pl.String)})
