"""What a person wrote, as a query over a catalogue: titles to rows, wishes to filters."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from tastemate import config, filters
from tastemate.catalog import Catalog
from tastemate.context import checked
from tastemate.interactions import Interactions
from tastemate.types import AS_IS, Controls, Filter, History, Leaning, Query, history


def query_of(
    user: str | None,
    k: int,
    seen: History,
    catalog: Catalog,
    interactions: Interactions,
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
) -> Query:
    """Return the query of a user whose history is `seen`.

    `likes` and `exclude` are ids or titles that `find` turns into rows; `wishes` are filters or
    texts such as "year>=1990"; `lean` says what a `context` makes one lean to. Raises what `find`
    raises, and `ConfigError` for what makes no sense.
    """
    config.written(query=text)
    config.listed(likes=likes, filters=wishes, exclude=exclude)
    moment = checked(context or {})
    liked = list(dict.fromkeys(find(written) for written in likes))
    now = int(seen.timestamps[-1]) if len(seen) else 0
    high = interactions.scale.high
    return Query(
        user=user,
        history=seen.then(history(liked, [high] * len(liked), [now] * len(liked))),
        text=text.strip(),
        k=k,
        exclude=frozenset(find(written) for written in exclude),
        exclude_seen=exclude_seen,
        filters=tuple(
            wish if isinstance(wish, Filter) else filters.parse(wish, catalog) for wish in wishes
        ),
        leanings=tuple(lean(moment)) if lean is not None else (),
        context=moment,
        about=interactions.about(user),
        controls=controls,
    )
