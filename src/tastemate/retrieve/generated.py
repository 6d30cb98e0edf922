"""The language model as the recommender: it names titles, and those of the catalogue count.

The third of three ways of Wu et al. 2023 ("A survey on large language models for recommendation").
A title is linked back by `text.link`; what links to nothing is counted and dropped, so that
nothing outside the catalogue is ever shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

import numpy as np

from tastemate import scope
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, NotFitted
from tastemate.interactions import Interactions, Scale
from tastemate.llm import parse, prompts
from tastemate.llm.person import Person, Rated, person
from tastemate.llm.tokens import estimate
from tastemate.messages import Completion, Generation, Prompt
from tastemate.retrieve.dense import Dense
from tastemate.text.link import How, Link, Linker
from tastemate.types import Floats, Item, Query, Rows

if TYPE_CHECKING:
    from tastemate.protocols import ChatModel, Encoder

Asking: TypeAlias = Literal["zero_shot", "few_shot", "chain_of_thought"]
_SHOWN, _THEN = 6, 3
"""Likes shown of an example, and likes that followed."""
_POOL = 300
"""People that examples are drawn from."""


@dataclass(frozen=True, slots=True)
class Linked:
    """What became of the titles a model named for one query."""

    rows: tuple[int, ...] = ()
    """Catalogue rows, in the model's order, each once."""
    unlinked: tuple[str, ...] = ()
    """Titles that link to nothing in the catalogue."""
    how: tuple[How, ...] = ()
    """How each row was found."""
    named: tuple[tuple[str, Link], ...] = ()
    """Every title and its link, in the model's order."""
    well_formed: bool = False
    """Whether the reply is what the prompt asked for: so many titles, one a line, no other word."""
    completion: Completion = Completion()

    @property
    def error(self) -> str:
        """Why there is no answer; empty for one."""
        return self.completion.error


class Generated(Dense):
    """Asks for `titles` titles a query; the score is 1 for the first named, falling to 1/titles.

    `prompt` is "zero_shot", "few_shot" (with the `examples` people who share most likes) or
    "chain_of_thought". Without a model, or when it fails, there is no opinion.
    """

    name = "generated"

    def __init__(
        self,
        *,
        model: "ChatModel | None" = None,
        encoder: "Encoder | None" = None,
        prompt: Asking = "zero_shot",
        titles: int = 20,
        examples: int = 3,
        likes: int = 12,
        dislikes: int = 4,
        style: prompts.Style = prompts.PLAIN,
        generation: Generation | None = None,
    ) -> None:
        if prompt not in ("zero_shot", "few_shot", "chain_of_thought"):
            raise ConfigError(
                f'Unknown prompt {prompt!r}; use "zero_shot", "few_shot" or "chain_of_thought".'
            )
        if titles < 1 or examples < 0 or likes < 1 or dislikes < 0:
            raise ConfigError(
                "titles and likes must be at least 1; examples and dislikes not negative."
            )
        self.model = model
        self.encoder = encoder
        self.prompt: Asking = prompt
        self.titles = titles
        self.examples = examples
        self.likes = likes
        self.dislikes = dislikes
        self.style = style
        self.generation = generation
        self._catalog: Catalog | None = None
        self._linker: Linker | None = None
        self._scale = Scale(0.0, 1.0)
        self._counts = np.zeros(0, dtype=np.int64)
        self._shown = np.zeros((0, _SHOWN), dtype=np.int32)
        self._then = np.zeros((0, _THEN), dtype=np.int32)

    def fit(self, catalog: Catalog, interactions: Interactions) -> Self:
        """Keep what prompts and links need: the scale, how often items were met, examples."""
        self._scale = interactions.scale
        self._counts = interactions.over(catalog).counts
        self._shown, self._then = _examples(interactions)
        self._open(catalog)
        return self

    def _open(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._linker = Linker(catalog, self.encoder, popularity=self._counts)

    def save(self, folder: Path) -> None:
        """Write what `fit` keeps."""
        self._fitted()
        meta = {"low": self._scale.low, "high": self._scale.high}
        arrays = {"counts": self._counts, "shown": self._shown, "then": self._then}
        self._write(folder, len(self._counts), meta, arrays)

    def load(self, folder: Path, catalog: Catalog) -> Self:
        """Restore; items that are new can be named at once."""
        need = ("low", "high", "shown", "then")
        meta, arrays = self._read(folder, len(catalog), need, ("counts",))
        self._scale = Scale(meta["low"], meta["high"])
        self._counts = np.zeros(len(catalog), dtype=np.int64)
        self._counts[: len(arrays["counts"])] = arrays["counts"]
        self._shown, self._then = arrays["shown"], arrays["then"]
        self._open(catalog)
        return self

    def _fitted(self) -> tuple[Catalog, Linker]:
        if self._catalog is None or self._linker is None:
            raise NotFitted("The generated retriever is not fitted; call fit() or load() first.")
        return self._catalog, self._linker

    def scores(self, queries: Sequence[Query]) -> Floats:
        """Return scores by the place a title was named at; -inf for what was not named."""
        catalog, _ = self._fitted()
        found = np.full((len(queries), len(catalog)), -np.inf, dtype=np.float32)
        answers = self.linked(queries)
        for line, answer in zip(found, answers, strict=True):
            for at, (_, link) in reversed(list(enumerate(answer.named))):
                if link.row >= 0:
                    line[link.row] = 1.0 - at / self.titles
        self._tell(answers)
        return found

    def linked(self, queries: Sequence[Query]) -> list[Linked]:
        """Ask the model about each query that says anything, and link what it names."""
        catalog, linker = self._fitted()
        found = [Linked() for _ in queries]
        people = [self._person(query, catalog) for query in queries]
        asked = [at for at, who in enumerate(people) if _says(who)]
        if self.model is None:
            missing = Completion(error="There is no language model.", fault="unable")
            return [Linked(completion=missing) for _ in queries]
        answers = self.model.complete([self._prompt(queries[at], people[at]) for at in asked])
        for at, answer in zip(asked, answers, strict=True):
            found[at] = self._link(answer, linker)
        return found

    def _person(self, query: Query, catalog: Catalog) -> Person:
        return person(query, catalog, self._scale, likes=self.likes, dislikes=self.dislikes)

    def _prompt(self, query: Query, who: Person) -> Prompt:
        count = self.model.count if self.model is not None else estimate
        if self.prompt == "few_shot":
            shown = self._nearest(query)
            made = prompts.few_shot(who, shown, self.titles, self.style, count=count)
        elif self.prompt == "zero_shot":
            made = prompts.zero_shot(who, self.titles, self.style, count=count)
        else:
            made = prompts.chain_of_thought(who, self.titles, self.style, count=count)
        ways = made.generation
        if self.generation is not None:
            longest = min(self.generation.max_tokens, ways.max_tokens)
            ways = replace(self.generation, max_tokens=longest)
        return replace(made, generation=ways, user=query.user or "")

    def _nearest(self, query: Query) -> list[tuple[Person, list[Item]]]:
        """Return the examples that share most likes, none of them the person's own history."""
        catalog, _ = self._fitted()
        past = query.history
        liked = past.items[self._scale.likes(past.values)]
        shared = np.isin(self._shown, liked).sum(axis=1)
        order = np.argsort(-shared, kind="stable")
        own = np.flatnonzero(np.isin(self._shown, past.items).all(axis=1))
        places = order[~np.isin(order, own)][: self.examples]
        return [self._example(catalog, int(place)) for place in places]

    def _example(self, catalog: Catalog, place: int) -> tuple[Person, list[Item]]:
        rated = tuple(Rated(catalog.item(int(row)), self._scale.high) for row in self._shown[place])
        return Person(rated), [catalog.item(int(row)) for row in self._then[place]]

    def _link(self, answer: Completion, linker: Linker) -> Linked:
        if answer.error:
            return Linked(completion=answer)
        said = parse.titles(answer.text, self.titles)
        named = tuple((title, linker.link(title)) for title in said.names)
        first: dict[int, How] = {}
        for _, link in named:
            if link.row >= 0:
                first.setdefault(link.row, link.how)
        return Linked(
            rows=tuple(first),
            unlinked=tuple(title for title, link in named if link.row < 0),
            how=tuple(first.values()),
            named=named,
            well_formed=said.well_formed,
            completion=answer,
        )

    def _tell(self, answers: Sequence[Linked]) -> None:
        """Say in the trace what failed, and how many titles the catalogue does not have."""
        for error in dict.fromkeys(one.error for one in answers if one.error):
            scope.current().fail(f"No titles were generated: {error}")
        named = sum(len(one.named) for one in answers)
        outside = sum(len(one.unlinked) for one in answers)
        if named:
            scope.current().note(
                f"generated: {named} titles named, {outside} of them not in the catalogue"
            )


def _says(who: Person) -> bool:
    return bool(who.likes or who.dislikes or who.request or who.taste or who.recent)


def _examples(interactions: Interactions) -> tuple[Rows, Rows]:
    """Return the likes of people with enough of them: `_SHOWN` in order, and `_THEN` after."""
    scale, size = interactions.scale, _SHOWN + _THEN
    codes = range(0, interactions.n_users, max(interactions.n_users // _POOL, 1))
    lines = []
    for code in codes:
        past = interactions.history(code)
        liked = past.items[scale.likes(past.values)]
        unique = np.array(list(dict.fromkeys(liked.tolist())), dtype=np.int32)[-size:]
        if len(unique) == size:
            lines.append(unique)
    table: Rows = np.array(lines, dtype=np.int32).reshape(len(lines), size)
    return table[:, :_SHOWN].copy(), table[:, _SHOWN:].copy()
