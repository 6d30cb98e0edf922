"""One message → what it means: an `Intent`, read by rules and word lists alone.

The catalogue's own vocabulary (`Lexicon`) says which words are values and titles, the grammar what
is said of them. What nothing explains stays free text; nothing is guessed. Any text gives an
intent.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from tastemate.chat.grammar import assembly
from tastemate.chat.grammar.draft import Draft
from tastemate.chat.grammar.mentions import read
from tastemate.chat.grammar.numbers import without_eras
from tastemate.chat.grammar.orders import without_orders
from tastemate.chat.grammar.spelling import mended
from tastemate.chat.grammar.takeback import taken_back
from tastemate.chat.grammar.text import plain
from tastemate.chat.grammar.tongues import in_english
from tastemate.chat.intent import Intent
from tastemate.chat.lexicon import Lexicon
from tastemate.chat.session import Session


def understand(
    text: str,
    lexicon: Lexicon,
    *,
    shown: Sequence[str] = (),
    before: Sequence[Intent] | Session = (),
    link: Callable[[str], int] | None = None,
) -> Intent:
    """Return what a message means.

    `shown` are the ids shown last, `before` the intents of the same person's earlier messages,
    oldest first, or their session. `link(title)` may know more titles than the catalogue's own
    spellings; it returns a row or -1.
    """
    earlier = [turn.intent for turn in before.turns] if isinstance(before, Session) else before
    written = plain(text)
    said, ordered = without_orders(written)
    english = in_english(said, lexicon.titles)
    said = mended(said, lexicon) if english == said else english
    said, eras = without_eras(said)
    draft = Draft(said, lexicon, len(shown), ordered)
    taken_back(draft, earlier)
    read(draft, link)
    intent = assembly.intent(draft)
    intent = replace(intent, undecided=(*intent.undecided, *eras))
    if not shown:
        return intent
    return replace(intent, verdict=assembly.verdict(draft, intent))
