"""What a person wrote, as a query over a catalogue: titles to rows, wishes to filters."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from tastemate import config, filters
from tastemate.catalog import Catalog
from tastemate.context import checked
from tastemate.interactions import Scale
from tastemate.people import Person
from tastemate.types import AS_IS, Controls, Filter, Floats, Leaning, Query, history


def query_of(
    user: str | None,
    k: int,
    person: Person,
    catalog: Catalog,
    scale: Scale,
    find: Callable[[str], int],
    *,
    text: str = "",
    likes: Iterable[str] = (),
    wishes: Iterable[str | Filter] = (),
    exclude: Iterable[str] = (),
    exclude_seen: bool = True,
    controls: Controls = AS_IS,
    context: Mapping[str, str] | None = None,
    lean: Callable[[Mapping[str, str]], Sequence[Leaning]] | None = None,
    vector: Floats | None = None,
    seed: int = 0,
) -> Query:
    """Return the query of a user of whom `person` is known.

    `likes` and `exclude` are ids or titles that `find` turns into rows; `wishes` are filters or
    texts such as "year>=1990"; `lean` says what a `context` makes one lean to. Raises what `find`
    raises, and `ConfigError` for what makes no sense.
    """
    config.written(query=text)
    config.listed(likes=likes, filters=wishes, exclude=exclude)
    moment = checked(context or {})
    liked = list(dict.fromkeys(find(written) for written in likes))
    seen = person.history
    now = int(seen.timestamps[-1]) if len(seen) else 0
    left_out = {find(written) for written in exclude}
    return Query(
        user=user,
        history=seen.then(history(liked, [scale.high] * len(liked), [now] * len(liked))),
        text=text.strip(),
        k=k,
        exclude=frozenset(left_out | person.hidden if exclude_seen else left_out),
        exclude_seen=exclude_seen,
        filters=tuple(
            wish if isinstance(wish, Filter) else filters.parse(wish, catalog) for wish in wishes
        ),
        leanings=(*person.leanings, *(lean(moment) if lean is not None else ())),
        vector=vector,
        context=moment,
        about=person.about,
        controls=controls,
        seed=seed,
    )
