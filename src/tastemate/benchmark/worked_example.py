"""A well-known worked example, run as it was written, as it was meant, and as it is done here.

Of user 12 of ml-latest-small a model is given all 32 rated films (called liked there; three are
at 3.0, five at 3.5) and writes a profile; it is then asked to rank the top ten candidates of ALS
with a reason each. As written, the ranking call holds the literal words USER_INTEREST_PROFILE, so
the profile never reaches the model. The two prompts are data here (`naive_prompts`), in our own
words and of the same shape and size, and are the yardstick for what a recommendation may cost.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tastemate import scope
from tastemate.evaluate import record
from tastemate.explain.faithful import faithfulness
from tastemate.explain.phrased import PhrasedExplainer
from tastemate.explain.verify import Verifier
from tastemate.llm import parse, prompts
from tastemate.llm.person import Rated, everything, person
from tastemate.llm.scripted import transcript
from tastemate.messages import Completion, Generation, Message, Prompt
from tastemate.profile.protected import refuse, sentences, traits, without_titles
from tastemate.profile.taste import AttributeTaste
from tastemate.profile.worded import WordedTaste
from tastemate.project import Tastemate
from tastemate.protocols import ChatModel
from tastemate.types import Item, Query, Reason, Recommendation, Taste

TRANSCRIPT = Path(__file__).parent / "transcripts" / "user-12.jsonl"
"""Replies written by hand in the spirit of the example's own: an invented age, marriage and job,
a film that is no candidate, one named twice."""
PLACEHOLDER = "USER_INTEREST_PROFILE"
"""What the ranking call of the example holds where the profile should be."""
K = 10

_PROFILE_CALL = """Here is what one person has watched and liked, in the order they rated it, each \
line a title and its genres.

{films}

Read the list closely and write a summary of what this person is interested in. Say which genres, \
themes, moods and kinds of story come back, what they may look for in a film, and what sort of \
person would choose these films. Write one to two full paragraphs that somebody else could use to \
recommend films to them."""
_RANKING_CALL = """You recommend films to people. This is the interest profile of the person you \
are recommending to:

{profile}

These are the candidate films, each line a title and its genres:

{candidates}

Put the candidates in order, the film that this person will like most first. Answer with a \
numbered list of all the candidates, one a line: the title, then a dash, then one sentence that \
explains to the person why the film is recommended to them, going by their interest profile."""
_LINE = re.compile(r"^\s*(?:\d+[.)]|[-*])\s+(.+)$")
_DASH = re.compile(r"\s+[-\u2013\u2014]\s+|:\s+(?=[A-Z])")


def naive_prompts(
    rated: Sequence[Rated], candidates: Sequence[Item], profile: str | None = None
) -> tuple[Prompt, Prompt]:
    """Return the example's two calls: for a profile, and for a ranking with reasons.

    `rated` is shown whole, in the order given; without a `profile` the ranking call holds the
    literal placeholder, as it was written.
    """
    films = "\n".join(_line(one.item) for one in rated)
    shown = "\n".join(_line(item) for item in candidates)
    said = PLACEHOLDER if profile is None else profile
    generation = Generation(max_tokens=1024)
    return (
        Prompt(
            "naive-profile/1", (Message("user", _PROFILE_CALL.format(films=films)),), generation
        ),
        Prompt(
            "naive-ranking/1",
            (Message("user", _RANKING_CALL.format(profile=said, candidates=shown)),),
            generation,
        ),
    )


@dataclass(frozen=True, slots=True)
class _Scene:
    """What every step looks at."""

    project: Tastemate
    query: Query
    rated: tuple[Rated, ...]
    candidates: tuple[Item, ...]
    verifier: Verifier


def worked_example(
    source: Tastemate | str | Path, user: str = "12", model: ChatModel | None = None
) -> dict[str, Any]:
    """Run the example step by step; without a model only the steps that need none.

    `source` is an opened project, or what `Tastemate.open` takes. Returns films, profile,
    candidates, the ranking as written and as meant, and our own path offline and with the model.
    Raises `UnknownUser`.
    """
    project = source if isinstance(source, Tastemate) else Tastemate.open(source)
    query = project.query(user, K)
    pool = project.retriever("als").retrieve([query], K)[0]
    scene = _Scene(
        project,
        query,
        tuple(everything(query.history, project.catalog)),
        tuple(project.catalog.item(one.row) for one in pool),
        Verifier(project.catalog, project.interactions),
    )
    values = [one.value for one in scene.rated]
    scale = project.interactions.scale
    report: dict[str, Any] = {
        "dataset": project.name,
        "user": user,
        "model": model.name if model else "none",
        "films": {
            "count": len(scene.rated),
            "not liked": int((~scale.likes(query.history.values)).sum()),
            "values": {f"{value:g}": values.count(value) for value in sorted(set(values))},
            "lines": [f"{_line(one.item)} = {one.value:g}" for one in scene.rated],
        },
        "candidates": [
            {"item_id": item.id, "title": item.title, "predicted": round(float(one.score), 3)}
            for item, one in zip(scene.candidates, pool, strict=True)
        ],
    }
    offline, lines = _offline(scene)
    if model is not None:
        report |= _theirs(scene, model)
        report["ours with the model"] = _with_model(scene, lines, model)
    report["ours offline"] = offline
    return report | record.provenance(project.catalog, project.interactions)


def scripted() -> ChatModel:
    """Return the committed transcript as a model; its name says that it is scripted."""
    return transcript(TRANSCRIPT)


def _theirs(scene: _Scene, model: ChatModel) -> dict[str, Any]:
    """Run the example's own two calls, the second one twice."""
    ask_profile, as_written = naive_prompts(scene.rated, scene.candidates)
    told = model.complete([ask_profile])[0]
    kept, refused = refuse(told.text, _all_names(scene))
    _, as_meant = naive_prompts(scene.rated, scene.candidates, told.text)
    first, second = model.complete([as_written])[0], model.complete([as_meant])[0]
    return {
        "profile": {
            "raw": told.text,
            "kept": kept,
            "refused": [{"sentence": one.sentence, "traits": list(one.traits)} for one in refused],
            "sentences": len(sentences(told.text)),
            "tokens": told.tokens,
            "error": told.error,
        },
        "ranking as written": _ranking(scene, as_written, first)
        | {"profile in the prompt": PLACEHOLDER},
        "ranking as meant": _ranking(scene, as_meant, second)
        | {"profile in the prompt": "the raw profile"},
    }


def _ranking(scene: _Scene, prompt: Prompt, reply: Completion) -> dict[str, Any]:
    """Read a numbered list: candidates in its order, each once; what else it names is dropped."""
    by_id = {item.id: item for item in scene.candidates}
    order: dict[str, str] = {}
    unlinked, others, repeated = list[str](), list[str](), list[str]()
    for line in reply.text.splitlines():
        numbered = _LINE.match(line)
        if numbered is None:
            continue
        title, reason = _split(numbered.group(1), scene.candidates)
        row = scene.project.linker.link(title).row
        if row < 0:
            unlinked.append(title)
            continue
        found = scene.project.catalog.item(int(row))
        if found.id not in by_id:
            others.append(title)
        elif found.id in order:
            repeated.append(title)
        else:
            order[found.id] = reason
    left = [item.id for item in scene.candidates if item.id not in order]
    return {
        "prompt": prompt.name,
        "tokens": reply.tokens,
        "error": reply.error,
        "items": [
            {
                "item_id": one,
                "title": by_id[one].title,
                "reason": reason,
                "protected": list(traits(without_titles(reason, _all_names(scene)))),
            }
            for one, reason in order.items()
        ],
        "filled up": [by_id[one].title for one in left],
        "dropped": {"in no catalogue": unlinked, "no candidate": others, "repeated": repeated},
    }


def _split(text: str, candidates: Sequence[Item]) -> tuple[str, str]:
    """Divide a line into title and reason, at a candidate's title where it begins with one."""
    text = text.replace("**", "").strip()
    for name in sorted((name for item in candidates for name in _names(item)), key=len)[::-1]:
        if text.casefold().startswith(name.casefold()):
            return name, text[len(name) :].lstrip(" -:\u2013\u2014")
    found = _DASH.search(text)
    if found is None:
        return text.strip(' ."'), ""
    return text[: found.start()].strip(' ."'), text[found.end() :].strip()


def _offline(scene: _Scene) -> tuple[dict[str, Any], tuple[Recommendation, ...]]:
    """Run our path without any model: the taste by attributes, the default list, its reasons."""
    project = scene.project
    taste = AttributeTaste(project.catalog, project.interactions).taste([scene.query.history])[0]
    slate = project.answers.recommend_all([scene.query])[0]
    return {
        "taste": _taste(taste),
        "items": _shown(scene, slate.items),
        "degraded": list(slate.degraded),
    }, slate.items


def _with_model(scene: _Scene, lines: Sequence[Recommendation], model: ChatModel) -> dict[str, Any]:
    """Run our path with the model: taste tied to films, handles for titles, checked reasons."""
    project = scene.project
    scale = project.interactions.scale
    base = AttributeTaste(project.catalog, project.interactions)
    with scope.opened() as used:
        worded = WordedTaste(base, project.catalog, scale, model, events=60, budget=3000)
        taste = worded.taste([scene.query.history])[0]
        who = person(replace(scene.query, taste=taste), project.catalog, scale)
        reply = model.complete([prompts.listwise(who, [line.item for line in lines])])[0]
        if reply.error:
            used.fail(f"ranking: {reply.error}")
        named = parse.ranking(reply.text, len(lines))
        order = named + [at for at in range(1, len(lines) + 1) if at not in named]
        ranked = [replace(lines[at - 1], rank=rank) for rank, at in enumerate(order, start=1)]
        explainer = PhrasedExplainer(
            _Given(), scene.verifier, model, project.catalog, lines=K, phrasings=2
        )
        reasons = explainer.explain(scene.query, ranked)
    shown = [replace(line, reason=why) for line, why in zip(ranked, reasons, strict=True)]
    return {
        "taste": _taste(taste) | {"dropped": dict(worded.dropped)},
        "items": _shown(scene, shown),
        "clauses": dict(explainer.dropped),
        "degraded": list(used.errors),
    }


class _Given:
    """An explainer that keeps the reasons lines came with."""

    def explain(
        self, query: Query, lines: Sequence[Recommendation], spreads: object = None
    ) -> list[Reason]:
        """Return the reason of each line."""
        return [line.reason for line in lines]


def _shown(scene: _Scene, lines: Sequence[Recommendation]) -> list[dict[str, Any]]:
    """Return lines as JSON, each reason with its faithfulness and the problems a check finds."""
    shown = []
    for line in lines:
        faith = faithfulness(line.reason, line.item, scene.verifier.unbound)
        shown.append(
            {
                "rank": line.rank,
                "item_id": line.item.id,
                "title": line.item.title,
                "reason": line.reason.text,
                "kept": round(faith.kept, 3),
                "covered": round(faith.covered, 3),
                "problems": len(scene.verifier.check(line.reason, line.item, scene.query)),
            }
        )
    return shown


def _taste(taste: Taste) -> dict[str, Any]:
    return {
        "text": taste.text,
        "statements": [{"text": one.text, "items": list(one.items)} for one in taste.statements],
    }


def _line(item: Item) -> str:
    genres = item.attributes.get("genres", ())
    told = ", ".join(genres) if isinstance(genres, tuple) else str(genres)
    return f"{item.title} ({told})" if told else item.title


def _all_names(scene: _Scene) -> tuple[str, ...]:
    items = [*(one.item for one in scene.rated), *scene.candidates]
    return tuple(name for item in items for name in _names(item))


def _names(item: Item) -> tuple[str, str]:
    return item.title, re.sub(r"\s*\(\d{4}\)$", "", item.title)
