"""The films of ReDial's dialogues as rows of a catalogue: by title, and by IMDb number."""

import csv
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tastemate.errors import FormatError, NotFound
from tastemate.text.link import Linker
from tastemate.text.words import words
from tastemate.traits import split_year

_LITTLE = frozenset("a an the of and".split())
_SURE = 0.9
"""Least score of a link by title alone; the same words and at most a year apart reach it."""


@dataclass(frozen=True, slots=True)
class Titles:
    """What links a ReDial film to the catalogue: its title, and its IMDb number where known.

    `imdb` maps a ReDial id to the row that has the IMDb number given for it; that number was
    looked up by title and is wrong for one film in fifty, so the titles must agree as well.
    """

    linker: Linker
    imdb: Mapping[str, int]

    def row(self, film: str, title: str) -> int:
        """Return the row of a film, -1 where the catalogue has none that is sure enough."""
        link = self.linker.link(title)
        if link.how == "exact":
            return link.row
        known = self.imdb.get(film, -1)
        if known >= 0 and akin(title, self.linker.catalog.titles[known]):
            return known
        return link.row if link.how == "normalised" and link.score >= _SURE else -1


def akin(one: str, other: str) -> bool:
    """Whether two titles can name the same film: words, numbers and years do not contradict."""
    from rapidfuzz.distance import OSA

    (name, year), (name_too, year_too) = split_year(one), split_year(other)
    said = [word for word in words(name) if word not in _LITTLE]
    said_too = [word for word in words(name_too) if word not in _LITTLE]
    if not said or not said_too:
        return False
    digits, digits_too = (re.sub(r"\D", "", text) for text in (name, name_too))
    if digits and digits_too and digits != digits_too:
        return False
    near = year is not None and year_too is not None and abs(year - year_too) <= 1
    far = year is not None and year_too is not None and not near
    if far and digits != digits_too:
        return False
    if OSA.normalized_similarity(" ".join(said), " ".join(said_too)) >= 0.8:
        return True
    fewer = min(len(set(said)), len(set(said_too)))
    shared = len(set(said) & set(said_too)) / fewer
    if shared == 1 and (digits == digits_too or not far):
        return True
    return shared >= 0.5 and near


def imdb_rows(movies: Path, links: Path, linker: Linker) -> dict[str, int]:
    """Return the catalogue row of each ReDial film by IMDb number.

    `movies` is movies.json beside the dialogues, `links` the links.csv of a MovieLens whose ids
    the catalogue has. Raises `NotFound` or `FormatError` for files that cannot be read.
    """
    catalog = linker.catalog
    lines = csv.DictReader(read_file(links).splitlines())
    try:
        rows = {line["imdbId"].zfill(7): line["movieId"] for line in lines}
        films = json.loads(read_file(movies))
        numbers = {film: str(about.get("imdb_id") or "")[2:] for film, about in films.items()}
    except (ValueError, KeyError, AttributeError) as error:
        raise FormatError(
            f"{movies} and {links} do not fit together ({error!r}). Give movies.json of the "
            "dialogues and links.csv of MovieLens, or leave both out."
        ) from error
    return {
        film: catalog.row(rows[number])
        for film, number in numbers.items()
        if number in rows and rows[number] in catalog
    }


def read_file(path: Path) -> str:
    """Return a text file; raise `NotFound` where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(f"The file {path} cannot be read ({error}). Give another one.") from error
