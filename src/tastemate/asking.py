"""A question in plain words, answered over the catalogue: understood, retrieved, written.

The retrieval-augmented answer: examples named in the question count as likes, what it wishes away
becomes filters, the rest is searched for; the sentences rest on what was found, or are dropped.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from tastemate import config
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.explain.answer import Written, offline, write
from tastemate.explain.writer import PLAIN
from tastemate.interactions import Interactions
from tastemate.language import Language
from tastemate.llm.person import person
from tastemate.scope import Trace, opened
from tastemate.text.named import Named
from tastemate.text.wishes import Wishes, read
from tastemate.traits import Traits
from tastemate.types import Filter, Query, Slate

if TYPE_CHECKING:
    from tastemate.text.link import Linker

SURE = 0.85
"""How sure a link must be for words of a question to be taken for a title."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was understood, what was found, and the sentences about it."""

    wishes: Wishes
    slate: Slate
    written: Written

    @property
    def text(self) -> str:
        """The answer in words."""
        return self.written.text


class Asked(Protocol):
    """What answering needs of a project."""

    @property
    def catalog(self) -> Catalog:
        """What may be shown."""
        ...

    @property
    def interactions(self) -> Interactions:
        """What sentences are checked against."""
        ...

    @property
    def linker(self) -> "Linker":
        """Links written titles."""
        ...

    @property
    def language(self) -> Language | None:
        """The model, if any."""
        ...

    def query(
        self,
        user: str | None = None,
        k: int = 10,
        *,
        text: str = "",
        likes: Iterable[str] = (),
        wishes: Iterable[str | Filter] = (),
        exclude: Iterable[str] = (),
    ) -> Query:
        """Turn what was understood into a query."""
        ...

    def recommend_all(self, queries: Sequence[Query]) -> list[Slate]:
        """Answer queries with lists."""
        ...


def ask(project: Asked, question: str, user: str | None, k: int) -> Answer:
    """Answer a question for a user, or for nobody; raise `ConfigError` for an empty one."""
    config.written(question=question)
    if not question.strip():
        raise ConfigError("There is no question. Ask for something, in your own words.")
    catalog, ids = project.catalog, project.catalog.ids
    wishes = read(question, catalog, lambda title: _sure(project.linker, title))
    asked = project.query(
        user,
        k,
        text=wishes.text,
        likes=[ids[row] for row in wishes.likes],
        exclude=[ids[row] for row in wishes.excluded],
        wishes=wishes.filters,
    )
    language, trace = project.language, Trace()
    with opened(None if language is None else language.wants.answer_seconds, user or ""):
        slate = project.recommend_all([asked])[0]
        written = offline(slate.items)
        if language is not None:
            written = trace.run(
                "answer",
                lambda: write(
                    question,
                    person(asked, catalog, project.interactions.scale),
                    slate.items,
                    language.model,
                    Named(catalog.titles, Traits.of(catalog).values, PLAIN),
                    language.style,
                ),
                written,
                lambda answer: len(answer.sentences),
            )
    return Answer(wishes, replace(slate, trace=(*slate.trace, *trace.steps)), written)


def _sure(linker: "Linker", title: str) -> int:
    found = linker.link(title)
    return found.row if found.score >= SURE else -1
