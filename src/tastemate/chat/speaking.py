"""What is said of what was found: the writing step of a reply, sentence by sentence."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tastemate.chat import exploring
from tastemate.chat.beliefs import Beliefs
from tastemate.chat.courtesy import courteous
from tastemate.chat.desk import Desk
from tastemate.chat.intent import Intent
from tastemate.chat.relaxing import undecided
from tastemate.chat.session import Question, Session
from tastemate.chat.smalltalk import joke, story
from tastemate.chat.told import lines
from tastemate.chat.tools import Found, open_to
from tastemate.chat.voiced import Voice, streamed
from tastemate.chat.wording import Draft, Findings, draft, said_back, varied
from tastemate.explain.compare import compare
from tastemate.llm.person import person
from tastemate.types import History, Recommendation

NOUN = "titles"
_ENJOY = ("Enjoy {title}.", "{title} it is. Enjoy it.", "Good choice: {title}.")


@dataclass(frozen=True, slots=True)
class Spoken:
    """All that the sentences of one reply may speak of."""

    desk: Desk
    session: Session
    """The conversation with the turn that is answered, as yet without its reply."""
    intent: Intent
    now: Beliefs
    found: Found
    question: Question | None = None
    noun: str = NOUN
    said: tuple[str, ...] | None = None
    """What a model that called the tools says of the list; None where none did."""

    @property
    def turn(self) -> int:
        """How many turns came before."""
        return len(self.session.turns) - 1

    @property
    def before(self) -> str:
        """The reply before."""
        return self.session.turns[-2].reply if self.turn else ""


Paths = Callable[[Recommendation, History], list[str]]
"""What a knowledge graph found between a history's likes and an item, each path in words."""


def spoken(told: Spoken, voice: Voice | None = None, paths: Paths | None = None) -> Iterator[str]:
    """Yield the sentences of a reply; `voice` words what a model may word."""
    intent, found, catalog = told.intent, told.found, told.desk.catalog
    if intent.act in ("joke", "story"):
        yield _small_talk(told)
    elif intent.taken and (title := _taken(told)):
        yield varied(_ENJOY, told.turn, told.before, title=title)
    elif intent.act == "taste":
        believed = [line.text for line in lines(told.now, told.session, catalog)]
        yield exploring.tasted(found.taste, believed)
    elif said := courteous(intent.act, catalog, told.turn, told.before, noun=told.noun):
        yield said
    elif intent.state == "exploration" and intent.act != "more":
        yield from _explored(told, paths)
    else:
        yield from _listed(told, voice)


def _small_talk(told: Spoken) -> str:
    scale, past, ids = told.desk.interactions.scale, told.found.past, told.desk.catalog.ids
    liked = [*(ids[row] for row in past.items[scale.likes(past.values)]), *told.now.similar]
    if told.intent.act == "story":
        return story(told.desk.catalog, liked, turn=told.turn)
    earlier = [turn.reply for turn in told.session.turns]
    return joke(told.desk.catalog, liked, list(told.now.disliked), turn=told.turn, before=earlier)


def _taken(told: Spoken) -> str:
    """Return the title of what was accepted; empty where nobody can tell which it is."""
    shown, catalog = told.session.shown, told.desk.catalog
    ids = [*told.intent.liked, *(shown[at - 1] for at in told.intent.picked if at <= len(shown))]
    return next((catalog[one].title for one in ids if one in catalog), "")


def _explored(told: Spoken, paths: Paths | None) -> Iterator[str]:
    details = told.found.details
    if not details:
        yield "I do not know which one you mean. Name it, or give its number in the list."
        return
    if told.intent.act == "compare" and len(details) > 1:
        yield exploring.compared(compare(details[:3], told.desk.taste(told.found.past)))
        return
    for at, line in enumerate(details):
        if told.intent.act == "explain":
            found = paths(line, told.found.query.history) if paths is not None else []
            yield exploring.why(line, found, told.turn + at, told.before)
        else:
            yield exploring.detail(line.item, told.turn + at, told.before)


def _listed(told: Spoken, voice: Voice | None) -> Iterator[str]:
    made = _draft(told)
    items = told.found.slate.items
    if told.said is not None:
        yield from (replace(made, about=told.said) if told.said else made).sentences
        return
    if voice is None or not items:
        yield from made.sentences
        return
    message = told.session.turns[-1].text
    who = person(told.found.query, told.desk.catalog, told.desk.interactions.scale)
    yield from streamed(made, message, who, items, voice)


def _draft(told: Spoken) -> Draft:
    now, found, catalog = told.now, told.found, told.desk.catalog
    earlier = replace(told.session, turns=told.session.turns[:-1])
    wishes = [one.wish for one in now.wishes]
    among = open_to(told.desk, found.query)
    unknown = undecided(catalog, wishes, among) if found.slate.unknown else ()
    findings = replace(
        Findings.of(earlier, told.intent, now, catalog),
        slate=found.slate,
        k=found.query.k,
        question=told.question,
        relaxations=found.relaxations,
        left_out=unknown,
    )
    made = draft(findings)
    if told.intent.state == "clarification" and told.intent.says_nothing:
        believed = said_back(findings)
        what = f"I took it so: {believed}" if believed else "Nothing is understood yet."
        return replace(made, understood=what, about=("Say what is wrong, or name what you like.",))
    return made
