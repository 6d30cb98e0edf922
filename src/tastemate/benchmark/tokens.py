"""What a recommendation costs in tokens, beside the worked example's two calls.

Theirs: a profile from every rated film, then a ranking of ten candidates with reasons. Ours: the
real stages ask a scripted model, which answers in the shape asked for and counts. All is counted
cold, nothing comes from a cache, a list has ten items on both sides. Lengths of replies are
assumed, kept short on their side (`ASSUMED`), so the ratio of prompts alone is given, too.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from tastemate import build
from tastemate.benchmark.worked_example import naive_prompts
from tastemate.catalog import Catalog
from tastemate.data.datasets import Dataset
from tastemate.errors import DataError, Unavailable
from tastemate.evaluate import record
from tastemate.interactions import Interactions
from tastemate.llm.person import everything
from tastemate.llm.scripted import Scripted
from tastemate.llm.tokens import Counter, counter, estimate
from tastemate.llm.wording import CLAUSES
from tastemate.messages import Completion, Prompt
from tastemate.protocols import ChatModel, Profiler, Progress, Retriever
from tastemate.types import Candidate, Query, Recommendation

K = 10
"""Items of a list, and candidates their call ranks."""
LEAST = 20
"""Events of the people asked about."""
PROFILE = " ".join(["This person enjoys character-driven dramas and clever crime films."] * 9)
"""A profile of about 120 tokens, which their second call takes in."""
REASON = "it shares the crime genre with a film you liked, from the same decade"
SENTENCE = "You like tense crime films with clever plots and care little for broad comedy."
TASTE_TOKENS, REASON_TOKENS = 120.0, 25.0
"""Of their replies: the profile, and each of the candidates, title and reason together."""
ASSUMED: Mapping[str, str] = {
    "their profile": f"{TASTE_TOKENS:g} tokens (it is asked for in one to two paragraphs)",
    "their ranking": f"{REASON_TOKENS:g} tokens a candidate, title and reason together",
    "our reasons": f"a clause of {len(REASON.split())} words with two pieces of evidence",
    "our taste": f"a sentence of {len(SENTENCE.split())} words and five statements with two "
    "handles each",
}
"""How long replies are taken to be."""
GOAL = 0.25  # P7: a quarter of their tokens
BATCH = 8
"""People in one call of the batched ranker."""


@dataclass(eq=False)
class Meter:
    """A scripted model that answers in the shape asked for and keeps what was said."""

    said: list[tuple[Prompt, str]] = field(default_factory=list)

    @property
    def model(self) -> ChatModel:
        """The model, "scripted:meter"."""
        return Scripted(self._reply, name="meter")

    def used(self, count: Counter) -> tuple[int, int]:
        """Return the tokens of all prompts and of all replies."""
        prompts = sum(count(turn.text) for prompt, _ in self.said for turn in prompt.messages)
        return prompts, sum(count(reply) for _, reply in self.said)

    def schemas(self, count: Counter) -> int:
        """Return the tokens of the schemas that were sent along; some servers charge for them."""
        return sum(count(_compact(p.schema)) for p, _ in self.said if p.schema is not None)

    def _reply(self, prompt: Prompt) -> Completion:
        text = prompt.labels[0] if prompt.labels else _compact(_filled(prompt.schema or {}))
        self.said.append((prompt, text))
        return Completion(
            text=text,
            scores=tuple(-0.1 * (at + 1) for at in range(len(prompt.labels))),
            prompt_tokens=sum(estimate(turn.text) for turn in prompt.messages),
            completion_tokens=estimate(text),
            model="scripted:meter",
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """The people, their pools, and the lines of their lists."""

    catalog: Catalog
    interactions: Interactions
    queries: Sequence[Query]
    pools: Sequence[Sequence[Candidate]]
    lines: Sequence[Sequence[Recommendation]]
    path: Any


Row: TypeAlias = dict[str, Any]
Stage: TypeAlias = Callable[[ChatModel, _Scene], object]


def tokens(
    dataset: Dataset,
    users: int | Sequence[str] = 50,
    *,
    seed: int = 0,
    configurations: Mapping[str, Sequence[Stage]] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Count the tokens of a recommendation in each configuration, and in their two calls.

    Each configuration has a row by MiniLM's tokenizer and one by `llm.tokens.estimate`: name,
    value (mean over people), unit, against, against_value and ratio, ours over theirs; the same of
    the prompts alone (prompts_ratio); `as_written` is the ratio to their calls as they stand, whose
    second one names a profile and does not send it; `schema` what schemas add where a server
    charges for them; `goal` is whether the ratio is within a quarter. `users` are ids, or how many
    are drawn by `seed` among those with 20 events. Raises `DataError` when nobody has.
    """
    start = time.perf_counter()
    say = progress or _silent
    say("lists", 0.0)
    scene = _scene(dataset, users, seed)
    counters: dict[str, Counter] = {"estimate": estimate}
    notes: list[str] = []
    try:
        counters["MiniLM"] = _minilm()
    except Unavailable as missing:
        notes.append(f"Counted by an estimate only: {missing}")
    theirs = {name: _theirs(scene, count) for name, count in counters.items()}
    rows: list[Row] = []
    wanted = CONFIGURATIONS if configurations is None else configurations
    for at, (name, stages) in enumerate(wanted.items()):
        say(name, at / len(wanted))
        meter = Meter()
        for stage in stages:
            stage(meter.model, scene)
        rows += [
            _row(name, by, meter, count, theirs[by], len(scene.queries))
            for by, count in counters.items()
        ]
    return {
        "rows": rows,
        "widest": max((row["ratio"] for row in rows), default=0.0),
        "users": len(scene.queries),
        "history": float(np.mean([len(query.history) for query in scene.queries])),
        "assumed": dict(ASSUMED),
        "notes": notes,
        "dataset": dataset.name,
        "seed": seed,
        "seconds": time.perf_counter() - start,
        **record.provenance(dataset.catalog, dataset.interactions),
    }


@dataclass(frozen=True, slots=True)
class _Theirs:
    """Mean tokens of their two calls."""

    prompts: float
    replies: float
    written: float
    """Of the prompts as they stand, which name a profile and do not send it."""


def _row(name: str, by: str, meter: Meter, count: Counter, other: _Theirs, people: int) -> Row:
    asked, answered = (total / people for total in meter.used(count))
    ours, theirs = asked + answered, other.prompts + other.replies
    return {
        "name": name,
        "value": round(ours, 1),
        "unit": f"tokens a list ({by})",
        "against": "the worked example's two calls",
        "against_value": round(theirs, 1),
        "ratio": round(ours / theirs, 4),
        "prompts": round(asked, 1),
        "against_prompts": round(other.prompts, 1),
        "prompts_ratio": round(asked / other.prompts, 4),
        "as_written": round(ours / (other.written + other.replies), 4),
        "schema": round(meter.schemas(count) / people, 1),
        "calls": round(len(meter.said) / people, 3),
        "goal": ours / theirs <= GOAL,
    }


def _theirs(scene: _Scene, count: Counter) -> _Theirs:
    meant: list[int] = []
    written: list[int] = []
    for query, pool in zip(scene.queries, scene.pools, strict=True):
        rated = everything(query.history, scene.catalog)
        candidates = [scene.catalog.item(one.row) for one in pool[:K]]
        for profile, sizes in ((PROFILE, meant), (None, written)):
            both = naive_prompts(rated, candidates, profile)
            sizes.append(sum(count(turn.text) for prompt in both for turn in prompt.messages))
    replies = TASTE_TOKENS + REASON_TOKENS * K
    return _Theirs(float(np.mean(meant)), replies, float(np.mean(written)))


def _scene(dataset: Dataset, users: int | Sequence[str], seed: int) -> _Scene:
    events, catalog = dataset.interactions, dataset.catalog
    able = np.flatnonzero(np.diff(events.offsets) >= LEAST)
    if not len(able):
        raise DataError(f"Nobody in {dataset.name} has {LEAST} events; use more data.")
    if isinstance(users, int):
        rng = np.random.default_rng(seed)
        drawn = np.sort(rng.choice(able, size=min(users, len(able)), replace=False)).tolist()
    else:
        drawn = [events.code(user) for user in users]
    shared = build.resources()
    kept: dict[str, Retriever] = {}

    def fitted(name: str) -> Retriever:
        if name not in kept:
            kept[name] = build.retriever(name, shared).fit(catalog, events)
        return kept[name]

    path = build.recommender(build.profile("ease"), fitted, catalog, events)
    queries = [
        Query(user=events.users[code], history=events.history(code), k=2 * K) for code in drawn
    ]
    slates = path.recommend_all(queries)
    pools = [
        [
            Candidate(catalog.row(line.item.id), line.score, "ease", line.rank)
            for line in slate.items
        ]
        for slate in slates
    ]
    return _Scene(catalog, events, queries, pools, [s.items[:K] for s in slates], path)


def ranked(kind: str, depth: int, *, taste: bool = False, **options: Any) -> Stage:
    """Return the stage that ranks `depth` candidates by labels or listwise.

    With `taste` the model reads each person's taste first, which the ranking is then told.
    """

    def stage(model: ChatModel, scene: _Scene) -> object:
        from tastemate.rank.judged import Judge
        from tastemate.rank.listwise import Listwise
        from tastemate.rank.mix import ModelRanker
        from tastemate.rank.verbalizer import LabelScores

        judges: dict[str, Callable[..., Judge]] = {"labels": LabelScores, "listwise": Listwise}
        made = judges[kind](model, **options)
        scale = scene.interactions.scale
        profiler = _worded_taste(model, scene) if taste else None
        ranker = ModelRanker(made, scene.catalog, scale, depth=depth, profiler=profiler)
        return ranker.rank(scene.queries, scene.pools)

    return stage


def _worded_taste(model: ChatModel, scene: _Scene) -> Profiler:
    from tastemate.profile.taste import AttributeTaste
    from tastemate.profile.worded import WordedTaste

    base = AttributeTaste(scene.catalog, scene.interactions)
    return WordedTaste(base, scene.catalog, scene.interactions.scale, model)


def phrased(**options: Any) -> Stage:
    """Return the stage that has reasons of each list worded; `options` of `PhrasedExplainer`."""

    def stage(model: ChatModel, scene: _Scene) -> object:
        from tastemate.explain.phrased import PhrasedExplainer
        from tastemate.explain.verify import Verifier

        verifier = Verifier(scene.catalog, scene.interactions)
        inner = scene.path.explainer
        explainer = PhrasedExplainer(inner, verifier, model, scene.catalog, **options)
        return [
            explainer.explain(query, lines)
            for query, lines in zip(scene.queries, scene.lines, strict=True)
        ]

    return stage


_TASTE = ranked("labels", K, taste=True)
CONFIGURATIONS: Mapping[str, Sequence[Stage]] = {
    "labels, 10 candidates": (ranked("labels", K),),
    "labels, 20 candidates": (ranked("labels", 2 * K),),
    "listwise, 10 candidates": (ranked("listwise", K),),
    "listwise, 20 candidates": (ranked("listwise", 2 * K),),
    f"listwise, 20 candidates, {BATCH} people a call": (
        ranked("listwise", 2 * K, users_per_call=BATCH),
    ),
    "labels, 10 candidates, taste worded": (_TASTE,),
    "labels, 10 candidates, first 3 reasons worded": (ranked("labels", K), phrased()),
    "labels, 10 candidates, taste and first 3 reasons worded": (_TASTE, phrased()),
    "labels, 20 candidates, taste and first 3 reasons worded": (
        ranked("labels", 2 * K, taste=True),
        phrased(),
    ),
    "labels, 10 candidates, all 10 reasons worded": (ranked("labels", K), phrased(lines=K)),
    "labels, 10 candidates, taste and all 10 reasons worded": (_TASTE, phrased(lines=K)),
}
"""Name → the stages that ask the model, each with its defaults where nothing is named."""


STATEMENTS = (
    "+ genre: Crime = 1,2",
    "+ theme: heists gone wrong = 3,4",
    "+ mood: tense = 1,3",
    "+ era: 1990s = 2,5",
    "- mood: broad comedy = 4,8",
)
"""The statements of a taste, as many as there usually are."""


def _filled(schema: Mapping[str, Any], name: str = "", at: int = 0) -> Any:
    """Return a value that fits a schema, as long as such a reply usually is.

    `name` is that of the property it stands under, `at` its place in a list of handles.
    """
    match schema.get("type"):
        case "object":
            parts = schema.get("properties", {})
            filled = {key: _filled(part, key, at) for key, part in parts.items()}
            return filled | ({"text": SENTENCE} if "statements" in parts else {})
        case "array":
            most = int(schema.get("maxItems", 3))
            n = {"statements": len(STATEMENTS), "reasons": most // CLAUSES["single"]}.get(
                name, most
            )
            return [_filled(schema["items"], name, at) for at in range(min(n, most))]
        case "integer":
            return int(schema.get("minimum", 0)) + at
        case "boolean":
            return True
    if "enum" in schema:
        return schema["enum"][min(at, len(schema["enum"]) - 1)]
    if name == "statements":
        return STATEMENTS[at]
    return f"{at + 1} e1,e2: {REASON}" if name == "reasons" else REASON


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _minilm() -> Counter:
    from tastemate.text.minilm import locate

    return counter(locate())


def _silent(_what: str, _share: float) -> None:
    return None
