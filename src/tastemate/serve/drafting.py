"""Lists of an interleaving: made for both arms, drafted into one, each line known by its arm.

Who drafts first is decided by a hash of the request and of both lists: while neither changes, the
same request has the same list, in every process, and its pages follow each other.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tastemate.errors import TastemateError
from tastemate.experiment.interleave import team_draft
from tastemate.experiment.replay import SHAPED
from tastemate.serve import listing
from tastemate.serve.answers import Kept
from tastemate.serve.arms import DRAFT, Arms
from tastemate.serve.listing import Prepared
from tastemate.serve.schemas import Recommend
from tastemate.types import Recommendation, Slate, Step

if TYPE_CHECKING:
    from tastemate.project import Tastemate

POLICY = "interleaved"
"""In an impression's policy: the list is of two, and no other policy can be judged by it."""
_LOG = logging.getLogger("tastemate.serve")


@dataclass(frozen=True, slots=True)
class Assigned:
    """A request with what its arms set, and the two requests of an interleaving it is in."""

    asked: Recommend
    arms: tuple[tuple[str, str], ...]
    trial: str = ""
    """The interleaving; empty where there is none."""
    sides: tuple[tuple[str, Recommend], ...] = ()
    """Each arm of it, and the request as that arm answers it."""

    @property
    def requests(self) -> tuple[Recommend, ...]:
        """What has to be answered for it."""
        return tuple(side for _, side in self.sides) or (self.asked,)

    def alone(self) -> "Assigned":
        """Return it outside of the interleaving."""
        arms = tuple(one for one in self.arms if one[0] != self.trial)
        return Assigned(self.asked, arms) if self.trial else self


def assigned(asked: Recommend, arms: Arms) -> Assigned:
    """Return a request as its arms answer it.

    It is not drafted where the two arms would answer it alike, because it says itself what they
    set, nor where it explores: then there is another list each time.
    """
    if not arms:
        return Assigned(asked, ())
    named: list[tuple[str, str]] = []
    trial, drafts = "", dict[str, Mapping[str, Any]]()
    for name, arm, sets in arms:
        named.append((name, arm))
        if DRAFT in sets:
            trial, drafts = name, sets[DRAFT]
        else:
            asked = listing.under(asked, sets)
    sides = tuple((arm, listing.under(asked, sets)) for arm, sets in drafts.items())
    found = Assigned(asked, tuple(named), trial, sides)
    alike = len({one.model_dump_json() for _, one in sides}) < 2
    return found.alone() if trial and (alike or asked.explore > 0) else found


@dataclass(frozen=True, slots=True)
class Plan:
    """A request ready to be answered: by one list, or by two that are drafted."""

    whole: Prepared
    trial: str = ""
    names: tuple[str, ...] = ()
    """Of the arms of an interleaving."""
    sides: tuple[Prepared, ...] = ()

    @property
    def parts(self) -> tuple[Prepared, ...]:
        """The lists to make."""
        return self.sides or (self.whole,)

    def alone(self) -> Prepared:
        """Return it outside of the interleaving, not to be kept."""
        arms = tuple(one for one in self.whole.arms if one[0] != self.trial)
        return replace(self.whole, arms=arms, key=None)


def planned(tm: "Tastemate", found: Assigned, seed: int, trouble: str = "") -> Plan:
    """Return what has to be made for a request; raises what is wrong with it."""
    whole = listing.prepare(tm, found.asked, found.arms, seed, trouble)
    if not found.sides:
        return Plan(whole)
    together = len({(side.model, side.rerank) for side in found.requests}) == 1
    budget = found.asked.budget_ms if together else max(found.asked.budget_ms // 2, 1)
    sides = []
    for side in found.requests:
        # The cursor is of the request as it came: what it shows is left out of both lists.
        asked = side.model_copy(update={"cursor": "", "budget_ms": budget})
        ready = listing.prepare(tm, asked, (), 0, trouble)
        query = replace(ready.query, exclude=ready.query.exclude | whole.before)
        sides.append(replace(ready, query=query, key=None))
    return Plan(whole, found.trial, tuple(arm for arm, _ in found.sides), tuple(sides))


def laned(plans: Mapping[int, Plan]) -> list[list[tuple[tuple[int, int], Prepared]]]:
    """Return the lists to make, alike ones together, each with its plan and its place in that."""
    lanes: dict[object, list[tuple[tuple[int, int], Prepared]]] = {}
    for at, plan in plans.items():
        for place, ready in enumerate(plan.parts):
            lanes.setdefault(ready.lane, []).append(((at, place), ready))
    return list(lanes.values())


def answered(
    tm: "Tastemate",
    plan: Plan,
    made: Sequence[Slate | BaseException],
    again: Callable[[Prepared], Slate | BaseException],
    trouble: str = "",
) -> tuple[Prepared, Slate, Kept]:
    """Return what of a plan was answered, its list, and the answer as it is sent and kept.

    Where the list of an arm could not be made the request is answered outside of the experiment,
    by `again`, and says so. Raises why a list that is not drafted could not be made.
    """
    slates = [one for one in made if isinstance(one, Slate)]
    if not plan.sides or len(slates) < len(made):
        ready, slate = _plain(plan, made, again)
        return ready, slate, listing.kept(tm, ready, listing.said_so(tm, ready, slate, trouble))
    slate, teams = _draft(plan, slates)
    kept = listing.kept(tm, plan.whole, listing.said_so(tm, plan.whole, slate, trouble))
    shown = kept.shown  # of a list that is the same of both arms no line is of one
    if teams:
        lines = zip(kept.shown, teams, strict=True)
        shown = tuple(replace(line, arms=_arms(plan, team)) for line, team in lines)
    made_by = kept.policy or f"{tm.settings.recommend.profile}/{plan.whole.asked.rerank}"
    return plan.whole, slate, replace(kept, shown=shown, policy=f"{made_by}{SHAPED}{POLICY}")


def _plain(
    plan: Plan,
    made: Sequence[Slate | BaseException],
    again: Callable[[Prepared], Slate | BaseException],
) -> tuple[Prepared, Slate]:
    wrong = next((one for one in made if isinstance(one, BaseException)), None)
    if wrong is None:
        return plan.whole, next(one for one in made if isinstance(one, Slate))
    if not plan.sides or not isinstance(wrong, TastemateError):
        raise wrong
    _LOG.warning("a list of the interleaving %s cannot be drafted: %s", plan.trial, wrong)
    ready = plan.alone()
    slate = again(ready)
    if isinstance(slate, BaseException):
        raise slate
    why = f"{wrong} This list is not part of the experiment {plan.trial}."
    return ready, replace(slate, trace=(*slate.trace, Step("interleave", 0, 0.0, error=why)))


def _draft(plan: Plan, slates: Sequence[Slate]) -> tuple[Slate, tuple[str, ...]]:
    """Return the list drafted out of two, and the arm of each line.

    No line is of an arm where both lists are the same: whatever was taken from it would be a vote
    by coin.
    """
    start = time.perf_counter()
    one, other = slates
    if one.ids == other.ids:
        return _of_both(slates, one.items, "the same list of both arms", start), ()
    asked = plan.whole
    said = repr((plan.trial, asked.text, asked.asked.cursor, one.ids, other.ids))
    seed = hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    found = team_draft(one.ids, other.ids, asked.query.k, int.from_bytes(seed, "big"))
    lines: dict[str, dict[str, Recommendation]] = {
        team: {line.item.id: line for line in slate.items}
        for team, slate in zip("ab", slates, strict=True)
    }
    items = tuple(
        replace(lines[team][item], rank=rank)
        for rank, (item, team) in enumerate(zip(found.items, found.teams, strict=True), start=1)
    )
    names = dict(zip("ab", plan.names, strict=True))
    counts = ", ".join(f"{found.teams.count(team)} of {names[team]}" for team in ("a", "b"))
    return _of_both(slates, items, counts, start), tuple(names[team] for team in found.teams)


def _of_both(
    slates: Sequence[Slate], items: tuple[Recommendation, ...], note: str, start: float
) -> Slate:
    """Return lines as the list of two that were made; `start` is when that began."""
    one, other = slates
    told = {(step.name, step.error) for step in one.trace}
    rest = [step for step in other.trace if not step.error or (step.name, step.error) not in told]
    step = Step("interleave", len(items), time.perf_counter() - start, note=note)
    return Slate(items, (*one.trace, *rest, step), max(one.unknown, other.unknown))


def _arms(plan: Plan, team: str) -> tuple[tuple[str, str], ...]:
    return tuple((one, team if one == plan.trial else arm) for one, arm in plan.whole.arms)
