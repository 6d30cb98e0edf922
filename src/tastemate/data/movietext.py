"""Lead paragraphs and casts of films, joined to a catalogue by item id."""

import re
from pathlib import Path

import polars as pl

from tastemate.catalog import Catalog
from tastemate.data.items import keep_ids, lists
from tastemate.data.tables import read_table
from tastemate.data.validate import Report
from tastemate.errors import FormatError, NotFound

FILE = "wikipedia_extracts.csv"

# A name: capitalised words, initials and small particles; it ends before a lower-case word.
_WORD = r"(?:[A-Z]\.(?:[A-Z]\.)*|St\.|[A-ZÀ-ÖØ-ÞĀ-Ž][\w'’\-]*)"
_PARTICLE = r"(?:de|da|di|del|della|du|van|von|der|den|la|le|ter|el|al|bin|y)"
_NAME = rf"{_WORD}(?:\s(?:{_PARTICLE}\s){{0,2}}{_WORD}){{0,4}}(?:,?\s(?:Jr|Sr)\.)?"
_AFTER = r"(?:,\s(?:and\s)?|\sand\s|\s&\s)"
_WHO = r"(?:the\s)?(?:[\w\-]+\s)?(?:filmmakers?|directors?|brothers|sisters|duo|actors?|comedian)\s"
_DIRECTED = re.compile(
    r"\b(?:[Dd]irected|[Dd]irection)(?:,?\s(?:and\s|co-)?"
    r"(?:written|produced|co-written|co-produced|edited|scored|animated|narrated|starring))*"
    rf"\sby,?\s(?:produced\sby,?\s)?(?:and\s(?:co-)?starring\s)?(?:{_WHO})?(?P<names>{_NAME}(?:{_AFTER}{_NAME})*)"
)
_SPLIT = re.compile(_AFTER)
_ROLES = re.compile(r"\([^)]*\)")
_NOT_NAMES = frozenset({"Academy", "Academy Award", "American", "British", "Oscar", "The", "It"})


def read_text(path: Path, report: Report) -> pl.DataFrame:
    """Return id, text, cast and directors of every film in the file (a file or its folder).

    Raises `NotFound` when there is no such file and `FormatError` when its columns differ.
    """
    file = path / FILE if path.is_dir() else path
    if not file.exists():
        raise NotFound(
            f"There is no {file}. Put {FILE} (columns movieId, cast, extract) there, or leave "
            "the text out."
        )
    table = read_table(file, report)
    missing = {"movieId", "cast", "extract"} - set(table.columns)
    if missing:
        raise FormatError(
            f"{file} lacks the columns {', '.join(sorted(missing))}. It needs movieId, cast "
            "(names between |) and extract."
        )
    table = keep_ids(table, "movieId", file.name, report)
    text = table["extract"].fill_null("").str.replace_all(r"\s+", " ").str.strip_chars()
    found = [directors(extract) or None for extract in text.to_list()]
    return pl.DataFrame(
        {
            "id": table["movieId"],
            "text": text,
            "directors": pl.Series(found, dtype=pl.List(pl.String)),
            "cast": lists(table["cast"].str.replace_all(_ROLES.pattern, ""), "|"),
        }
    )


def join_text(catalog: Catalog, table: pl.DataFrame) -> Catalog:
    """Return the catalogue with the table's text, directors and cast on the items it knows."""
    names = [name for name in table.columns if name != "id"]
    joined = catalog.frame.select("id").join(table, on="id", how="left", maintain_order="left")
    old = catalog.frame["text"]
    text = joined["text"].set(joined["text"] == "", None).fill_null(old)
    return catalog.with_columns({name: joined[name] for name in names} | {"text": text})


def directors(extract: str) -> list[str]:
    """Return the names after the first "directed by" of a film's lead paragraph."""
    found = _DIRECTED.search(extract)
    if found is None:
        return []
    names = [re.sub(r"['’]s?$", "", name.strip()) for name in _SPLIT.split(found["names"])]
    if len(names) == 2 and " " not in names[0] and " " in names[1]:
        # "Joel and Ethan Coen": the first name borrows the surname of the second.
        names[0] = f"{names[0]} {names[1].rpartition(' ')[2]}"
    people: list[str] = []
    for at, name in enumerate(names):
        # After the first name, a single capitalised word is more likely a place or a film.
        if name in _NOT_NAMES or (at and " " not in name):
            break
        people.append(name if " " in name else _full_name(name, extract[: found.start()]))
    return list(dict.fromkeys(people))


def _full_name(surname: str, before: str) -> str:
    """Return the name as it was written out earlier, for a director named by surname alone."""
    whole = re.search(rf"[A-ZÀ-Þ][\w\-]+\s(?:{_WORD}\s)?{re.escape(surname)}\b", before)
    return whole[0] if whole else surname
