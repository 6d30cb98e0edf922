"""What a conversation needs of an opened project: the few doors that its tools go through."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from tastemate.catalog import Catalog
from tastemate.interactions import Interactions
from tastemate.protocols import ChatModel
from tastemate.types import Candidate, History, Query, Recommendation, Slate, Taste

if TYPE_CHECKING:
    from tastemate.llm.wording import Style
    from tastemate.text.link import Linker


class Desk(Protocol):
    """An opened project as a conversation sees it."""

    @property
    def catalog(self) -> Catalog:
        """What may be shown."""
        ...

    @property
    def interactions(self) -> Interactions:
        """What is known of everybody: popularity, scale."""
        ...

    @property
    def linker(self) -> "Linker":
        """Links written titles."""
        ...

    @property
    def model(self) -> ChatModel | None:
        """The language model, in its guards; None where there is none."""
        ...

    @property
    def style(self) -> "Style":
        """How prompts are written."""
        ...

    def history(self, user: str) -> History:
        """Return what a user did; empty for one that nobody knows."""
        ...

    def remember(self, user: str, row: int, likes: bool) -> None:
        """Record that a user likes or dislikes an item; on disk when this returns."""
        ...

    def recommend(self, query: Query) -> Slate:
        """Answer a query with a list and reasons; always full where catalogue and filters allow."""
        ...

    def pool(self, query: Query, n: int) -> list[Candidate]:
        """Return the n best candidates for a query that may be shown, without reasons."""
        ...

    def similar(self, row: int, n: int) -> list[Candidate]:
        """Return the items most like one."""
        ...

    def search(self, text: str, n: int) -> list[Candidate]:
        """Return the items that fit free text best."""
        ...

    def explain(self, query: Query, rows: Sequence[int]) -> list[Recommendation]:
        """Say where items stand for a query, and why."""
        ...

    def taste(self, history: History) -> Taste:
        """Read what somebody likes and dislikes."""
        ...
