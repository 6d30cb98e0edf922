"""Which column of a file means what: said by the person, or guessed from common names."""

from collections.abc import Sequence
from dataclasses import dataclass

from tastemate.errors import FormatError, nearest

USER_NAMES = ("userid", "user", "uid", "reviewerid", "customerid", "memberid", "sessionid")
ITEM_NAMES = (
    *("itemid", "item", "iid", "parentasin", "asin", "movieid", "filmid", "productid", "bookid"),
    *("articleid", "trackid", "songid", "gameid", "businessid", "isbn", "sku"),
)
RATING_NAMES = ("rating", "overall", "stars", "starrating", "score", "value")
TIME_NAMES = (
    *("timestamp", "time", "unixreviewtime", "unixtime", "ts", "datetime", "date", "createdat"),
)
TITLE_NAMES = ("title", "name", "itemname", "movietitle", "producttitle", "originaltitle")
TEXT_NAMES = ("text", "description", "overview", "plot", "summary", "synopsis", "extract")


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the columns of an events file and an items file; empty means "guess it"."""

    user: str = ""
    item: str = ""
    rating: str = ""
    time: str = ""
    item_id: str = ""
    """The id column of the items file."""
    title: str = ""
    text: str = ""
    separator: str = ""
    """Between columns; empty: by the file's name and first line."""
    list_separator: str = "|"
    """Attribute columns in which this occurs are lists; empty: none are."""


def find(names: Sequence[str], chosen: str, usual: Sequence[str], flag: str, file: str) -> str:
    """Return the column that was chosen, or the first usual one; raise `FormatError`."""
    found = find_optional(names, chosen, usual, flag, file)
    if not found:
        raise FormatError(
            f"{file} has no column that looks like the {flag.strip('-').removesuffix('-col')}; "
            f"its columns are {_listed(names)}. Name the right one with {flag}."
        )
    return found


def find_optional(
    names: Sequence[str], chosen: str, usual: Sequence[str], flag: str, file: str
) -> str:
    """Return the column that was chosen (it must exist), a usual one, or an empty string."""
    if chosen:
        if chosen not in names:
            raise FormatError(
                f"{file} has no column {chosen!r}; its columns are {_listed(names)}."
                f"{nearest(chosen, names)} Name the right one with {flag}."
            )
        return chosen
    plain = {_plain(name): name for name in reversed(names)}
    for name in usual:
        if name in plain:
            return plain[name]
    return ""


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:20])
    return shown + (", …" if len(names) > 20 else "") if names else "none"
