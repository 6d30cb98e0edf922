"""The tools of a conversation for another assistant: a server of the Model Context Protocol.

The assistant talks; what it may say of items comes from these tools, and they return items of the
catalogue only. Errors are results it can read. Nothing is remembered between two calls but likes
and dislikes, which are recorded as everywhere.
"""

import logging
from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeAlias, TypeVar

from pydantic import Field

from tastemate import __version__, ids
from tastemate.chat import exploring
from tastemate.errors import ConfigError, TastemateError, UnknownUser
from tastemate.serve import cards
from tastemate.types import AS_IS, Controls, Item, Query, Recommendation

if TYPE_CHECKING:
    from mcp.server import MCPServer

    from tastemate.project import Tastemate

P = ParamSpec("P")
T = TypeVar("T")

INSTRUCTIONS = (
    "Recommends {noun} out of the catalogue of {name} and says why. Recommend only what these "
    "tools return, by their titles, and give no reason that a result does not hold. An item is "
    "named by its item_id or its title."
)
MOST = 50
"""Items of one answer at most."""

_Item: TypeAlias = Annotated[str, Field(min_length=1, max_length=500, description="Id or title.")]
_User: TypeAlias = Annotated[
    str,
    Field(
        max_length=ids.LONGEST,
        pattern=ids.PRINTED_OR_NONE,
        description="Whose taste counts; empty: as the server was started.",
    ),
]
_Items: TypeAlias = Annotated[
    Sequence[_Item], Field(max_length=100, description="Ids or titles of items liked.")
]
_K: TypeAlias = Annotated[int, Field(ge=1, le=MOST, description="How many items.")]
_Share: TypeAlias = Annotated[float, Field(ge=0, le=1, description="0 is off.")]
_Text: TypeAlias = Annotated[str, Field(max_length=2_000)]
_Wishes: TypeAlias = Annotated[
    Sequence[Annotated[str, Field(max_length=500)]],
    Field(
        max_length=32,
        description='Hard wishes: "year>=1990", "genres=Crime", "genres!=Horror". '
        "`attributes` lists what there is.",
    ),
]
Answer: TypeAlias = dict[str, Any]


class Tools:
    """What an assistant may do with a project; `user` is who it speaks for, if that is known."""

    def __init__(self, project: "Callable[[], Tastemate]", user: str = "") -> None:
        self._project = project
        self._user = user

    def recommend(
        self,
        query: _Text = "",
        user: _User = "",
        likes: _Items = (),
        filters: _Wishes = (),
        k: _K = 5,
        diversity: _Share = 0.0,
        novelty: _Share = 0.0,
    ) -> Answer:
        """Recommend items for a user, for items liked, for a wish in words, or for nobody."""
        project = self._project()
        controls = Controls(diversity, novelty)
        asked = self._query(user, likes, k, query, filters, controls)
        slate = project.recommend_all([asked])[0]
        return {
            "items": [_card(line) for line in slate.items],
            "unknown": slate.unknown,
            "degraded": list(slate.degraded),
        }

    def similar(self, item: _Item, k: _K = 5) -> Answer:
        """Return the items most like one."""
        project = self._project()
        found = project.similar(item, k)
        return {"items": [_brief(project.catalog.item(one.row)) for one in found]}

    def search(self, query: _Text, k: _K = 5) -> Answer:
        """Return the items whose title, text and attributes fit a text best."""
        project = self._project()
        found = project.search(query, k)
        return {"items": [_brief(project.catalog.item(one.row)) for one in found]}

    def facts(self, item: _Item) -> Answer:
        """Return all that the catalogue knows of an item; what is not here is not known."""
        project = self._project()
        found = project.catalog.item(project.find(item))
        return {**_brief(found), "in_words": exploring.detail(found)}

    def attributes(self) -> Answer:
        """Return the attributes that items can be filtered by, with values of each."""
        from tastemate.chat.spelled import Spelled

        catalog = self._project().catalog
        examples = Spelled(catalog).examples
        return {"attributes": {name: list(examples.get(name, ())) for name in catalog.attributes}}

    def taste(self, user: _User = "", likes: _Items = ()) -> Answer:
        """Return what a user (or somebody with these likes) likes and dislikes, and from what."""
        project = self._project()
        read = project.taste(self._who(user), likes=likes)
        return {
            "text": read.text,
            "statements": [
                {
                    "text": one.text,
                    "attribute": one.attribute,
                    "value": cards.plain(one.value),
                    "likes": one.likes,
                    "titles": [project.catalog[at].title for at in one.items],
                }
                for one in read.statements
            ],
        }

    def explain(self, item: _Item, user: _User = "", likes: _Items = ()) -> Answer:
        """Return where an item stands for somebody, and the evidence for and against it."""
        return _card(self._explained(item, user, likes)[0])

    def why(self, item: _Item, user: _User = "", likes: _Items = ()) -> Answer:
        """Say in words why an item suits somebody, with what leads to it from what they liked."""
        project = self._project()
        line, asked = self._explained(item, user, likes)
        paths = project.desk.paths(line, asked.history)
        told = exploring.why(line, paths)
        return {"item_id": line.item.id, "title": line.item.title, "text": told}

    def like(self, item: _Item, user: _User = "") -> Answer:
        """Record that a user likes an item; later answers know it."""
        who = self._somebody(user)
        return {**_named(self._project().like(who, item)), "user": who, "recorded": "like"}

    def dislike(self, item: _Item, user: _User = "") -> Answer:
        """Record that a user dislikes an item; it is recommended to them no more."""
        who = self._somebody(user)
        return {**_named(self._project().dislike(who, item)), "user": who, "recorded": "dislike"}

    def _explained(
        self, item: str, user: str, likes: Sequence[str]
    ) -> tuple[Recommendation, Query]:
        project, asked = self._project(), self._query(user, likes)
        return project.recommender().explain_items(asked, [project.find(item)])[0], asked

    def _query(
        self,
        user: str,
        likes: Sequence[str],
        k: int = 1,
        text: str = "",
        wishes: Sequence[str] = (),
        controls: Controls = AS_IS,
    ) -> Query:
        return self._project().query(
            self._who(user), k, text=text, likes=likes, wishes=wishes, controls=controls
        )

    def _who(self, user: str) -> str | None:
        """Return whose taste counts; nobody's while nothing is known of who is spoken for."""
        if user or not self._user:
            return user or None
        try:
            self._project().history(self._user)
        except UnknownUser:
            return None
        return self._user

    def _somebody(self, user: str) -> str:
        """Return who is meant; raise `ConfigError` where nobody is."""
        if not (user or self._user).strip():
            raise ConfigError("It is not said who. Give a user, or start the server with --user.")
        return user or self._user


def mcp_server(project: "Callable[[], Tastemate]", user: str = "") -> "MCPServer[Any]":
    """Return a server of the protocol with the tools; `project` is asked once a call."""
    from mcp.server import MCPServer
    from mcp_types import ToolAnnotations

    tools, served, log = Tools(project, user), project(), logging.getLogger()
    before, level = log.handlers[:], log.level
    server = MCPServer[Any](
        "tastemate",
        title="Tastemate",
        version=__version__,
        instructions=INSTRUCTIONS.format(noun=served.desk.manners.noun, name=served.name),
        log_level="WARNING",
    )
    log.handlers[:], log.level = before, level  # it logs where it is told to, not where it likes
    looks = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    tells = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
    reading = (
        *(tools.recommend, tools.similar, tools.search, tools.facts, tools.attributes),
        *(tools.taste, tools.explain, tools.why),
    )
    for tool in reading:
        server.add_tool(_heard(tool), annotations=looks, structured_output=True)
    for tool in (tools.like, tools.dislike):
        server.add_tool(_heard(tool), annotations=tells, structured_output=True)
    return server


def _heard(tool: Callable[P, T]) -> Callable[P, T]:
    """Let errors of ours be results that an assistant can read."""
    from mcp.server.mcpserver.exceptions import ToolError

    @wraps(tool)
    def called(*given: P.args, **named: P.kwargs) -> T:
        try:
            return tool(*given, **named)
        except TastemateError as error:
            raise ToolError(str(error)) from error

    return called


def _card(line: Recommendation) -> Answer:
    return {**cards.card(line), "text": exploring.excerpt(line.item.text)}


def _brief(item: Item) -> Answer:
    """Return an item; of its text, sentences that speak to a model are left out."""
    return {**cards.shown(item), "text": exploring.excerpt(item.text)}


def _named(item: Item) -> Answer:
    return {"item_id": item.id, "title": item.title}
