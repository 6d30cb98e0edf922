"""Who made an item and what it is about, from ReDial's `movies.json`, by IMDb id.

Names in that file were matched to IMDb by machine and some to the wrong film; the credits are
right for the IMDb id they stand with, so that, and never the name, is what items are joined by.
"""

import json
from pathlib import Path
from typing import Any

import polars as pl

from tastemate.data.lines import LINE, open_bytes
from tastemate.data.tables import read_table
from tastemate.data.validate import Report
from tastemate.errors import FormatError, NotFound

FILE = "movies.json"
LINKS = "links.csv"
MOST = 2_000_000
"""Films read of one file."""
_LISTS = {"director": "directors", "writer": "writers", "star": "cast"}
_LONGEST = 200
"""Characters of a name; longer ones are no names."""


def read_credits(path: Path, beside: Path, report: Report) -> pl.DataFrame:
    """Return id, text, directors, writers and cast of the films that `links.csv` gives an id.

    `path` is the file or its folder, `beside` the folder of the catalogue, which holds
    `links.csv` (movieId, imdbId). A rejected film is reported by its number in the file. Raises
    `NotFound` and `FormatError` where one of the files is missing or is something else.
    """
    file = path / FILE if path.is_dir() else path
    films = _films(file, report)
    numbers: list[int] = []
    found: dict[str, list[Any]] = {"imdb": [], "text": [], **{n: [] for n in _LISTS.values()}}
    odd: list[tuple[int, str]] = []
    for number, (name, film) in enumerate(films.items(), start=1):
        imdb = _imdb(film.get("imdb_id")) if isinstance(film, dict) else None
        if imdb is None:
            odd.append((number, f"{name}: {str(film)[:60]}"))
            continue
        numbers.append(number)
        found["imdb"].append(imdb)
        found["text"].append(_text(film.get("plot")))
        for key, column in _LISTS.items():
            found[column].append(_names(film.get(key)) or None)
    report.reject(file.name, [n for n, _ in odd], "imdb_id", "is missing", [v for _, v in odd])
    names = dict.fromkeys(_LISTS.values(), pl.List(pl.String))
    table = pl.DataFrame(found, schema={"imdb": pl.Int64, "text": pl.String, **names})
    # Dialogues name a film in several ways; each way has the same credits.
    table = table.unique("imdb", keep="first", maintain_order=True)
    linked = _links(beside, report).join(table, on="imdb", how="inner", maintain_order="left")
    return linked.drop("imdb")


def _films(file: Path, report: Report) -> dict[str, Any]:
    try:
        raw = open_bytes(file, report)
    except NotFound as error:
        raise NotFound(
            f"There is no {file}. Put {FILE} of ReDial there, or leave the credits out."
        ) from error
    try:
        films = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{file} is not JSON ({error}). Fetch it again.") from error
    if not isinstance(films, dict):
        raise FormatError(f"{file} holds no films by id. Give {FILE} as ReDial's authors made it.")
    if len(films) > MOST:
        raise FormatError(f"{file} holds over {MOST:,} films. Give a smaller file.")
    return films


def _links(beside: Path, report: Report) -> pl.DataFrame:
    """Return id and imdb of the items, the first item of those that share one."""
    folder = beside if beside.is_dir() else beside.parent
    file = next(iter([*folder.glob(LINKS), *sorted(folder.glob(f"*/{LINKS}"))]), None)
    if file is None:
        raise NotFound(
            f"Credits are joined by IMDb id, and there is no {LINKS} (movieId, imdbId) in "
            f"{folder}. Put it there, or leave the credits out."
        )
    table = read_table(file, report, separator=",")
    missing = {"movieId", "imdbId"} - set(table.columns)
    if missing:
        raise FormatError(
            f"{file} lacks the columns {', '.join(sorted(missing))}. It needs movieId and imdbId."
        )
    imdb = table["imdbId"].str.strip_chars().str.strip_prefix("tt").cast(pl.Int64, strict=False)
    bad = table.filter(imdb.is_null() & (table["imdbId"].fill_null("").str.strip_chars() != ""))
    report.reject(file.name, bad[LINE], "imdbId", "is not a number", bad["imdbId"])
    links = pl.DataFrame({"id": table["movieId"].str.strip_chars(), "imdb": imdb}).drop_nulls()
    return links.unique("id", keep="first", maintain_order=True)


def _imdb(value: object) -> int | None:
    digits = value.strip().removeprefix("tt") if isinstance(value, str) else ""
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 15 else None


def _text(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return " ".join(text.encode("utf-8", "replace").decode().split())


def _names(value: object) -> list[str]:
    """Return the names of a list, each once; what is no text is left out."""
    given = value if isinstance(value, list) else []
    names = (_text(name) for name in given)
    return list(dict.fromkeys(name for name in names if 0 < len(name) <= _LONGEST))
