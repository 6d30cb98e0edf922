"""Titles as people write them: "Godfather, The (1972)" becomes "The Godfather (1972)".

Catalogues move articles behind the title for sorting; people, language models and search do not.
"""

import re

import polars as pl

from tastemate.traits import split_year

_ARTICLES = (
    *("The", "A", "An", "Les", "La", "Le", "L'", "Il", "Lo", "Gli", "I", "Das", "Der", "Die"),
    *("Den", "Det", "De", "El", "Los", "Las", "Un", "Une", "Una", "Uno", "Ein", "Eine", "Het"),
    *("En", "Ett", "Os", "O", "As"),
)
_MOVED = re.compile(rf"^(?P<name>.+?), (?P<article>{'|'.join(_ARTICLES)})(?P<rest>( \(.*)?)$")
_PART = re.compile(r"\((?P<prefix>a\.k\.a\. )?(?P<inner>[^()]+)\)")


def natural(title: str) -> str:
    """Return a title with its article in front, in the title and in each part in parentheses."""
    title = _forward(title.strip())
    return _PART.sub(_forward_part, title)


def naturals(titles: pl.Series) -> pl.Series:
    """Return a column of titles in natural order."""
    return pl.Series(titles.name, [natural(title or "") for title in titles.to_list()])


def years(titles: pl.Series) -> pl.Series:
    """Return the year in parentheses at the end of each title, null where there is none."""
    found = [split_year(title or "")[1] for title in titles.to_list()]
    return pl.Series(titles.name, found, dtype=pl.Int32)


def _forward(text: str) -> str:
    found = _MOVED.match(text)
    if found is None:
        return text
    article = found["article"]
    gap = "" if article.endswith("'") else " "
    return f"{article}{gap}{found['name']}{found['rest']}"


def _forward_part(found: re.Match[str]) -> str:
    return f"({found['prefix'] or ''}{_forward(found['inner'])})"
