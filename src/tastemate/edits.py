"""What people correct in their own taste, and what that does to their lists."""

from collections.abc import Iterable
from contextlib import suppress

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.filters import decide
from tastemate.store.tastes import TasteEdit
from tastemate.traits import is_year, years_of
from tastemate.types import AttributeValue, Filter, Leaning, Statement, Taste


def wish(attribute: str, value: AttributeValue) -> Filter:
    """Return what a statement of a taste says of items; of a decade, any of its years."""
    years = years_of(value) if isinstance(value, str) and is_year(attribute) else ()
    if not years:
        return Filter(attribute, "is", value)
    return Filter(attribute, "any of", tuple(str(year) for year in years))


def leanings(edits: Iterable[TasteEdit], catalog: Catalog) -> tuple[Leaning, ...]:
    """Return what edits make lists lean to, as far as the catalogue still has their values."""
    found = []
    for edit in edits:
        asked = wish(edit.attribute, edit.value)
        if edit.likes is None:
            continue
        with suppress(ConfigError):  # a value that went with its items
            decide(catalog, asked)
            weight = 1.0 if edit.likes else -1.0
            found.append(
                Leaning(asked.attribute, asked.operator, asked.value, weight, "as you said")
            )
    return tuple(found)


def edited(taste: Taste, edits: Iterable[TasteEdit]) -> Taste:
    """Return a taste without what its owner corrected, and with what they said, said first.

    The sentences go where a statement does: they were made of all of them.
    """
    said = {(one.attribute, str(one.value)): one for one in edits}
    if not said:
        return taste
    read = [one for one in taste.statements if (one.attribute, str(one.value)) not in said]
    own = [
        Statement(_words(one), one.attribute, one.value, one.likes, 1.0, ())
        for one in said.values()
        if one.likes is not None
    ]
    told = [f"You say you {_words(one)}." for one in said.values() if one.likes is not None]
    kept = [taste.text] if taste.text and len(read) == len(taste.statements) else []
    return Taste((*own, *read), " ".join((*told, *kept)))


def _words(edit: TasteEdit) -> str:
    return f"{'like' if edit.likes else 'dislike'} {edit.value}"
