"""The model orders a list: a window slides from the end of the pool to its front (RankGPT).

Sun et al. (2023), "Is ChatGPT good at search?": each window is ordered, then the next one overlaps
it by window - step, so that what is good climbs to the front. Here each window is shown in
several orders and the replies are merged (`rank.permute`), which cancels position bias before
the window moves on; all windows of a round, of all people, are asked in one call.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tastemate.errors import ConfigError
from tastemate.llm import parse, prompts
from tastemate.llm.person import Person
from tastemate.protocols import ChatModel
from tastemate.rank.judged import ask, paid, payer, silence, unread
from tastemate.rank.permute import balanced, merge_orders
from tastemate.types import Floats, Item


@dataclass(frozen=True, slots=True)
class _Asked:
    """One window of one pool in one order."""

    pool: int
    person: Person
    items: tuple[Item, ...]
    user: str


class Listwise:
    """Scores are places in the model's order, the best the highest.

    `window` items at a time, moving by `step`; `permutations` orders of each window, 1 to 4;
    `users_per_call` people in one prompt, falling back to a prompt each where the reply cannot be
    read. Handles a reply leaves out follow in the order that came in. Raises `ConfigError` for
    options out of range.
    """

    name = "listwise"

    def __init__(
        self,
        model: ChatModel,
        *,
        window: int = 20,
        step: int = 10,
        permutations: int = 1,
        users_per_call: int = 1,
        style: prompts.Style = prompts.PLAIN,
    ) -> None:
        if not 1 <= permutations <= 4:
            raise ConfigError(f"permutations is {permutations}; it must be 1 to 4.")
        if not 2 <= window <= 100 or not 1 <= step <= window:
            raise ConfigError(
                f"window is {window} and step {step}; a window has 2 to 100 items and "
                "moves by 1 to its own length."
            )
        if users_per_call < 1:
            raise ConfigError(f"users_per_call is {users_per_call}; it must be at least 1.")
        self.model = model
        self.window = window
        self.step = step
        self.permutations = permutations
        self.users_per_call = users_per_call
        self.style = style

    def judge(
        self,
        people: Sequence[Person],
        pools: Sequence[Sequence[Item]],
        payers: Sequence[str] | None = None,
    ) -> list[Floats]:
        """Return minus the place of each item in the model's order; nan where nothing was heard."""
        orders = [list(range(len(pool))) for pool in pools]
        heard = [np.zeros(len(pool), dtype=bool) for pool in pools]
        paths = [self._starts(len(pool)) for pool in pools]
        for turn in range(max((len(path) for path in paths), default=0)):
            moving = [at for at, path in enumerate(paths) if turn < len(path)]
            spans = {at: orders[at][paths[at][turn] :][: self.window] for at in moving}
            shown = {at: balanced(len(span), self.permutations) for at, span in spans.items()}
            asked = [
                _Asked(at, people[at], tuple(pools[at][spans[at][i]] for i in way), user)
                for number in range(self.permutations)
                for at in moving
                for way in shown[at][number : number + 1]
                for user in [payer(payers, at)]
            ]
            replies = self._replies(asked)
            for at in moving:
                mine = [reply for one, reply in zip(asked, replies, strict=True) if one.pool == at]
                ranked = [
                    [way[handle - 1] for handle in reply]
                    for way, reply in zip(shown[at], mine, strict=True)
                ]
                worth = merge_orders(len(spans[at]), shown[at], ranked)
                if np.isnan(worth).any():
                    continue
                start, span = paths[at][turn], np.array(spans[at])
                best = np.argsort(-worth, kind="stable")
                orders[at][start : start + len(span)] = span[best].tolist()
                heard[at][span] = True
        return [_places(order, spoken) for order, spoken in zip(orders, heard, strict=True)]

    def _starts(self, n: int) -> list[int]:
        """Return where windows start, the last one first; nothing to ask of a pool of one."""
        if n < 2:
            return []
        return [*range(n - self.window, 0, -self.step), 0]

    def _replies(self, asked: Sequence[_Asked]) -> list[list[int]]:
        """Return the handles of each reply, best first; none for a failed call."""
        replies: list[list[int]] = [[] for _ in asked]
        alone = list(range(len(asked)))
        if self.users_per_call > 1 and len(asked) > 1:
            alone = self._batched(asked, replies)
        count = self.model.count
        single = [
            paid(prompts.listwise(one.person, one.items, self.style, count=count), one.user)
            for one in (asked[at] for at in alone)
        ]
        missed = 0
        for at, answer in zip(alone, ask(self.model, single), strict=True):
            if not answer.error:
                replies[at] = parse.ranking(answer.text, len(asked[at].items))
                missed += not replies[at]
        unread(missed, len(alone))
        return replies

    def _batched(self, asked: Sequence[_Asked], replies: list[list[int]]) -> list[int]:
        """Fill in the replies of several people's prompts; return which must be asked alone."""
        size = self.users_per_call
        groups = [range(at, min(at + size, len(asked))) for at in range(0, len(asked), size)]
        batches = []
        for group in groups:
            ones = [asked[at] for at in group]
            users = {one.user for one in ones}
            prompt = prompts.listwise_batch(
                [one.person for one in ones],
                [one.items for one in ones],
                self.style,
                count=self.model.count,
            )
            batches.append(paid(prompt, users.pop() if len(users) == 1 else ""))
        alone: list[int] = []
        for group, answer in zip(groups, ask(self.model, batches), strict=True):
            if answer.error and answer.fault != "reply":
                continue  # a server that is down is not asked again, person by person
            lists = _orders(answer.text, [len(asked[at].items) for at in group])
            for at, found in zip(group, lists, strict=True):
                replies[at] = found
                if not found:
                    alone.append(at)
        return alone


def _orders(text: str, sizes: Sequence[int]) -> list[list[int]]:
    """Return the handles for each person, none for all of them when their number is wrong."""
    value = parse.json_value(text)
    lists = value.get("orders") if isinstance(value, dict) else value
    if not isinstance(lists, list) or len(lists) != len(sizes):
        return [[] for _ in sizes]
    return [parse.ranking(str(one), n) for one, n in zip(lists, sizes, strict=True)]


def _places(order: Sequence[int], heard: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Floats:
    scores = silence(len(order))
    scores[np.array(order, dtype=np.intp)] = -np.arange(len(order), dtype=np.float32)
    scores[~heard] = np.nan
    return scores
