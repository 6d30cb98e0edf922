"""Every prompt there is: typed functions, versioned by name, static part first.

The system message is the same for every user and item; then comes the person, then the
candidates. What comes from data or people is cleaned and screened (`screen`): it is never an
instruction. Candidates carry handles 1..n; a model answers with handles. Each function takes
`count`, the model's own way of counting tokens, and keeps to the budget of the style
(`cards.rooms` says what is dropped first).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tastemate.errors import ConfigError
from tastemate.llm import cards, drafts, wording
from tastemate.llm.cards import Count, Room, Tie
from tastemate.llm.person import Person, Rated
from tastemate.llm.screening import screen
from tastemate.llm.tokens import estimate
from tastemate.llm.wording import PLAIN, Aspect, Persona, Style, disclosure
from tastemate.messages import Prompt
from tastemate.types import Evidence, Item, Statement

__all__ = [
    "LETTERS", "PLAIN", "Aspect", "Persona", "Style", "answer", "chain_of_thought", "disclosure",
    "explanation", "features", "few_shot", "letters", "listwise", "listwise_batch",
    "pairwise", "pointwise", "profile", "profile_update", "zero_shot",
]  # fmt: skip

LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
RECENT = 12
"""Titles of a history before letters, the latest."""


def profile(rated: Sequence[Rated], style: Style = PLAIN, *, count: Count = estimate) -> Prompt:
    """Ask for a taste: {"text", "statements": ["+ kind: value = handles", …]}; "-" is a dislike.

    `rated` is shown under handles 1..n in the order given, without years, which cost as much as
    titles; `wording.KINDS` are the kinds.
    """
    task = "Read this person's taste from their ratings."
    return drafts.draft(
        "profile/2",
        wording.system(style, task, wording.PRIVATE, wording.TASTE_REPLY),
        lambda room: cards.ratings(rated, replace(style, years=False), room),
        cards.rooms(len(rated), 0),
        (style, count),
        max_tokens=160,
        schema=wording.taste(),
    )


def profile_update(
    before: Sequence[Statement],
    text: str,
    rated: Sequence[Rated],
    style: Style = PLAIN,
    *,
    count: Count = estimate,
) -> Prompt:
    """Ask how newer events change a taste; the reply is that of `profile`, in full.

    A statement that was known may come without handles.
    """
    task = "Update this taste by newer ratings; keep what still holds."
    known = "\n".join(cards.statements(before))
    said = screen.sentences(text, 300)
    return drafts.draft(
        "profile_update/2",
        wording.system(style, task, wording.PRIVATE, wording.TASTE_REPLY, wording.KEPT),
        lambda room: drafts.lines(
            known if room.taste else "", said if room.texts else "",
            cards.ratings(rated, replace(style, years=False), room),
        ),
        cards.rooms(len(rated), 0),
        (style, count),
        max_tokens=160,
        schema=wording.taste(),
    )  # fmt: skip


def zero_shot(person: Person, n: int, style: Style = PLAIN, *, count: Count = estimate) -> Prompt:
    """Ask for n titles out of the model's own knowledge, one a line."""
    return drafts.titles("zero_shot/1", wording.NAMING, person, (), n, (style, count))


def few_shot(
    person: Person,
    examples: Sequence[tuple[Person, Sequence[Item]]],
    n: int,
    style: Style = PLAIN,
    *,
    count: Count = estimate,
) -> Prompt:
    """Ask for n titles after worked examples: other people, and what they went on to like.

    Examples come nearest first and are shown nearest last.
    """
    task = f"{wording.NAMING} Worked examples of other people come first, each after '#'."
    return drafts.titles("few_shot/1", task, person, examples, n, (style, count))


def chain_of_thought(
    person: Person, n: int, style: Style = PLAIN, *, count: Count = estimate
) -> Prompt:
    """Ask for a line of reasoning, then, after a line "TITLES:", n titles, one a line."""
    return drafts.titles("chain_of_thought/1", wording.THINKING, person, (), n, (style, count), 150)


def listwise(
    person: Person,
    items: Sequence[Item],
    style: Style = PLAIN,
    *,
    top: int | None = None,
    count: Count = estimate,
) -> Prompt:
    """Ask for an order of the handles 1..n: {"order": [handle, …]}, best first.

    With `top` only so many handles are asked for, which shortens the reply.
    """
    n = len(items)
    wanted = n if top is None else max(min(top, n), 1)
    last = f"Only the best {wanted}." if wanted < n else ""
    return drafts.draft(
        "listwise/1",
        wording.system(style, wording.RANKING, wording.LINES, 'Reply only {"order":[handles]}.'),
        lambda room: drafts.lines(
            cards.told(person, style, room), cards.numbered(items, style, room), last
        ),
        drafts.history_rooms(person),
        (style, count),
        max_tokens=16 + 5 * wanted,
        schema=wording.record({"order": wording.order(n, wanted)}),
    )


def listwise_batch(
    people: Sequence[Person],
    pools: Sequence[Sequence[Item]],
    style: Style = PLAIN,
    *,
    top: int | None = None,
    count: Count = estimate,
) -> Prompt:
    """Ask for several people's orders at once: {"orders": [[handle, …], …]}, person by person.

    The budget of the style is that of one person; here it holds for each.
    """
    longest = max((len(items) for items in pools), default=1)
    wanted = longest if top is None else max(min(top, longest), 1)
    last = f"Only the best {wanted} of each." if wanted < longest else ""
    task = "For each person (after '#'), rank all their candidates, best first."

    def render(room: Room) -> str:
        parts = [
            drafts.lines(
                f"# {at}", cards.told(who, style, room), cards.numbered(items, style, room)
            )
            for at, (who, items) in enumerate(zip(people, pools, strict=True), start=1)
        ]
        return drafts.lines(*parts, last)

    most = max(
        people,
        key=lambda who: (len(who.likes) + len(who.dislikes), bool(who.request)),
        default=Person(),
    )
    orders = wording.several(wording.order(longest, wanted), len(people), len(people))
    return drafts.draft(
        "listwise_batch/1",
        wording.system(style, task, wording.LINES, 'Reply only {"orders":[[handles],…]}.'),
        render,
        drafts.history_rooms(most),
        (style, count),
        share=max(len(people), 1),
        max_tokens=16 + sum(8 + 5 * min(len(items), wanted) for items in pools),
        schema=wording.record({"orders": orders}),
    )


def pointwise(
    person: Person, item: Item, style: Style = PLAIN, *, count: Count = estimate
) -> Prompt:
    """Ask whether this person will like one item; labels "yes", "no"."""
    task = "Will this person like the item?"
    return drafts.judged(
        "pointwise/1", task, person, {"Item:": item}, (style, count), ("yes", "no")
    )


def pairwise(
    person: Person, one: Item, other: Item, style: Style = PLAIN, *, count: Count = estimate
) -> Prompt:
    """Ask which of two items this person will like better; labels "A", "B"."""
    task = "Which item will this person like better?"
    return drafts.judged(
        "pairwise/1", task, person, {"(A)": one, "(B)": other}, (style, count), ("A", "B")
    )


def letters(
    person: Person,
    items: Sequence[Item],
    style: Style = PLAIN,
    *,
    recent: int = RECENT,
    count: Count = estimate,
) -> Prompt:
    """LlamaRec's prompt: the history, up to 26 candidates under letters; labels the letters.

    Yue et al. (2023): titles in the order they were met, here the last `recent` of them, then the
    candidates, then "Answer:". Years tell apart what has the same name, and are left out
    otherwise. Raises `ConfigError` for more than 26 candidates.
    """
    if len(items) > len(LETTERS):
        raise ConfigError(
            f"Letters tell at most {len(LETTERS)} candidates apart and {len(items)} were given; "
            "rank windows of the list."
        )
    met = (person.recent or tuple(reversed(person.likes)))[-recent:] if recent > 0 else ()
    named = drafts.Names([*(one.item for one in met), *items], style)
    wish = screen.request(person.request)
    taste = cards.taste(person)

    def render(room: Room) -> str:
        latest = met[len(met) - room.likes :]
        return drafts.lines(
            "History:",
            *(named.of(one.item, room.title) for one in latest),
            f"Taste: {taste}" if taste and room.taste else "",
            f"Wish: {wish}" if wish else "",
            "Candidates:",
            *(
                f"({letter}){'*' if item.id in style.promote else ''} {named.of(item, room.title)}"
                for letter, item in zip(LETTERS, items, strict=False)
            ),
            "Answer:",
        )

    return drafts.draft(
        "letters/2",
        wording.system(style, wording.NEXT),
        render,
        cards.rooms(len(met), 0),
        (style, count),
        max_tokens=1,
        labels=LETTERS[: len(items)],
    )


def explanation(
    aspect: Aspect,
    items: Sequence[tuple[Item, Sequence[Evidence]]],
    request: str = "",
    style: Style = PLAIN,
    *,
    phrasings: int = 1,
    count: Count = estimate,
) -> Prompt:
    """Ask for reasons in words, from evidence only: {"reasons": ["1 e1,e2: clause", …]}.

    A line is one clause: the handle, the ids of evidence of that item, the words; of several
    phrasings the handle carries a letter, "1a", "1b". "comparative" takes two or three items;
    "multi-aspect" asks for content, popularity, diversity and time where there is evidence of them.
    """
    wish = screen.request(request)
    phrasings = max(phrasings, 1)
    return drafts.draft(
        f"explanation-{aspect}/2",
        wording.system(
            style,
            wording.ASPECTS[aspect],
            wording.reasoning(aspect, phrasings),
            wording.PRIVATE,
            wording.REASONS_REPLY,
        ),
        lambda room: drafts.lines(
            f"? {wish}" if wish else "", drafts.evidence(items, style, room.title)
        ),
        cards.rooms(0, 0),
        (style, count),
        max_tokens=24 + 32 * wording.CLAUSES[aspect] * phrasings * len(items),
        schema=wording.reasons(aspect, len(items), phrasings),
    )


def features(
    item: Item,
    vocabulary: Mapping[str, Sequence[str]],
    style: Style = PLAIN,
    *,
    count: Count = estimate,
) -> Prompt:
    """Ask for an item's features: {name: [value, …]}; values of a non-empty vocabulary only."""
    task = f"Describe the item by at most {wording.VALUES} values of each feature."
    return drafts.draft(
        "features/1",
        wording.system(style, task, wording.listed(vocabulary)),
        lambda room: (
            cards.card(item, style, 3 * room.detail, title=room.title)
            + (cards.description(item, style) if room.texts else "")
        ),
        cards.rooms(0, 0),
        (style, count),
        max_tokens=16 + 32 * len(vocabulary),
        schema=wording.described(vocabulary),
    )


def answer(
    question: str,
    person: Person,
    items: Sequence[tuple[Item, Sequence[Evidence]]],
    style: Style = PLAIN,
    *,
    ties: Sequence[Sequence[Tie]] = (),
    count: Count = estimate,
) -> Prompt:
    """Ask for an answer from the items only: {"sentences": [{"text", "items": [handle]}, …]}.

    `ties` are what a knowledge graph says of each item: for choosing, not for saying.
    """
    asked = Person(person.likes, person.dislikes, person.taste, question or person.request)
    task = "Answer the wish from the numbered items only, in one to three short sentences."
    tied = "After ~ stands what an item hangs together with: choose by it, do not repeat it."
    reply = 'Reply only {"sentences":[{"text":"…","items":[handles it names]}]}.'
    return drafts.draft(
        "answer/3",
        wording.system(style, task, wording.LINES, tied, wording.PRIVATE, reply),
        lambda room: drafts.lines(
            cards.told(asked, style, room),
            cards.evidenced(items, style, room, text=room.texts, ties=ties if room.texts else ()),
        ),
        drafts.history_rooms(person),
        (style, count),
        max_tokens=240,
        schema=wording.answered(len(items)),
    )
