"""MovieLens in its three shapes: CSV (latest, 25M), `::` with users (1M), and u.data (100K)."""

from pathlib import Path

import polars as pl

from tastemate.catalog import Catalog
from tastemate.data import titles
from tastemate.data.columns import Columns
from tastemate.data.events import check_events, to_interactions
from tastemate.data.items import keep_ids, lists
from tastemate.data.lines import LINE
from tastemate.data.tables import read_table
from tastemate.data.validate import Report
from tastemate.errors import FormatError
from tastemate.interactions import Interactions

_GENRES_100K = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime"),
    *("Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance"),
    *("Sci-Fi", "Thriller", "War", "Western"),
)
_OCCUPATIONS_1M = (
    *("other", "academic/educator", "artist", "clerical/admin", "college/grad student"),
    *("customer service", "doctor/health care", "executive/managerial", "farmer", "homemaker"),
    *("K-12 student", "lawyer", "programmer", "retired", "sales/marketing", "scientist"),
    *("self-employed", "technician/engineer", "tradesman/craftsman", "unemployed", "writer"),
)
_COLUMNS = Columns(user="userId", item="movieId", rating="rating", time="timestamp")
_EVENTS = ("userId", "movieId", "rating", "timestamp")


def load_csv(folder: Path, report: Report) -> tuple[Catalog, Interactions]:
    """Read ratings.csv and movies.csv, and the users' tags as an attribute where there are any."""
    path = folder / "movies.csv"
    table = read_table(path, report, separator=",")
    _need(path, table, ("movieId", "title", "genres"))
    catalog = _catalog(keep_ids(table, "movieId", path.name, report))
    if (folder / "tags.csv").exists():
        catalog = _with_tags(catalog, folder / "tags.csv", report)
    ratings = read_table(folder / "ratings.csv", report, separator=",")
    checked = check_events(ratings, "ratings.csv", _COLUMNS, report)
    return catalog, to_interactions(checked, catalog, report)


def load_dat(folder: Path, report: Report) -> tuple[Catalog, Interactions]:
    """Read ratings.dat, movies.dat and, where present, users.dat (gender, age, occupation)."""
    path = folder / "movies.dat"
    table = read_table(
        path, report, separator="::", names=("movieId", "title", "genres"), encoding="latin-1"
    )
    catalog = _catalog(keep_ids(table, "movieId", path.name, report))
    people = None
    if (folder / "users.dat").exists():
        people = _read_people(folder / "users.dat", report)
    ratings = read_table(
        folder / "ratings.dat", report, separator="::", names=_EVENTS, encoding="latin-1"
    )
    checked = check_events(ratings, "ratings.dat", _COLUMNS, report, first_line=1)
    return catalog, to_interactions(checked, catalog, report, people)


def load_100k(folder: Path, report: Report) -> tuple[Catalog, Interactions]:
    """Read u.data, u.item and, where present, u.user (age, gender, occupation)."""
    names = ("movieId", "title", "release", "video", "imdb", *_GENRES_100K)
    path = folder / "u.item"
    table = read_table(path, report, separator="|", names=names, encoding="latin-1")
    flags = [pl.when(pl.col(name) == "1").then(pl.lit(name)) for name in _GENRES_100K[1:]]
    table = table.select(
        "movieId",
        "title",
        LINE,
        pl.concat_str(flags, separator="|", ignore_nulls=True).alias("genres"),
    )
    catalog = _catalog(keep_ids(table, "movieId", path.name, report))
    people = None
    if (folder / "u.user").exists():
        columns = ("user", "age", "gender", "occupation", "zip")
        table = read_table(
            folder / "u.user", report, separator="|", names=columns, encoding="latin-1"
        )
        people = _people(table, folder / "u.user", table["occupation"], report)
    ratings = read_table(
        folder / "u.data", report, separator="\t", names=_EVENTS, encoding="latin-1"
    )
    checked = check_events(ratings, "u.data", _COLUMNS, report, first_line=1)
    return catalog, to_interactions(checked, catalog, report, people)


def _catalog(table: pl.DataFrame) -> Catalog:
    natural = titles.naturals(table["title"].fill_null(""))
    genres = table["genres"].str.strip_chars()
    genres = genres.set(genres == "(no genres listed)", None)
    return Catalog(
        pl.DataFrame(
            {
                "id": table["movieId"],
                "title": natural,
                "year": titles.years(natural),
                "genres": lists(genres, "|"),
            }
        )
    )


def _with_tags(catalog: Catalog, path: Path, report: Report) -> Catalog:
    table = read_table(path, report, separator=",")
    _need(path, table, ("movieId", "tag"))
    tags = table.select(
        pl.col("movieId").str.strip_chars().alias("id"),
        pl.col("tag").fill_null("").str.strip_chars().str.to_lowercase().alias("tag"),
        LINE,
    )
    empty = tags.filter(pl.col("tag") == "")
    report.reject(path.name, empty[LINE], "tag", "is empty", empty["tag"])
    tags = tags.filter(pl.col("tag") != "")
    strange = tags.filter(pl.Series(catalog.codes(tags["id"]) < 0))
    report.reject(path.name, strange[LINE], "movieId", "is not in movies.csv", strange["id"])
    given = tags.group_by("id", maintain_order=True).agg(
        pl.col("tag").unique(maintain_order=True).alias("tags")
    )
    joined = catalog.frame.select("id").join(given, on="id", how="left", maintain_order="left")
    return catalog.with_columns({"tags": joined["tags"]})


def _read_people(path: Path, report: Report) -> pl.DataFrame:
    names = ("user", "gender", "age", "occupation", "zip")
    table = read_table(path, report, separator="::", names=names, encoding="latin-1")
    codes = {str(code): name for code, name in enumerate(_OCCUPATIONS_1M)}
    named = table["occupation"].replace_strict(codes, default=None, return_dtype=pl.String)
    _reject(path, table, "occupation", named, "is not the code of an occupation", report)
    return _people(table, path, named, report)


def _people(table: pl.DataFrame, path: Path, occupation: pl.Series, report: Report) -> pl.DataFrame:
    """Return user, gender, age and occupation; a user is named once, the first time counts."""
    age = table["age"].cast(pl.Int64, strict=False)
    _reject(path, table, "age", age, "is not a whole number", report)
    people = table.select("user", "gender", age.alias("age"), occupation.alias("occupation"), LINE)
    people = keep_ids(people, "user", path.name, report) if len(people) else people
    return people.drop(LINE)


def _reject(
    path: Path, table: pl.DataFrame, name: str, read: pl.Series, reason: str, report: Report
) -> None:
    """Report the values of a column that could not be read; empty ones are merely unknown."""
    bad = read.is_null() & (table[name].fill_null("").str.strip_chars() != "")
    report.reject(path.name, table.filter(bad)[LINE], name, reason, table.filter(bad)[name])


def _need(path: Path, table: pl.DataFrame, needed: tuple[str, ...]) -> None:
    missing = [name for name in needed if name not in table.columns]
    if missing:
        found = ", ".join(name for name in table.columns if name != LINE)
        raise FormatError(
            f"{path} has no column {missing[0]!r}; its columns are {found}. "
            "Use the file as MovieLens publishes it, or import it as a CSV with --user-col."
        )
