"""Thanks, goodbyes, and what this is: the sentences that need no list."""

from tastemate.catalog import Catalog
from tastemate.chat.intent import Act
from tastemate.chat.wording import varied

_SAID: dict[str, tuple[str, ...]] = {
    "thanks": ("You are welcome.", "Gladly.", "My pleasure."),
    "goodbye": ("Goodbye. What you told me is kept with this conversation.", "Until next time."),
    "self": (
        "I recommend from a catalogue of {size} {noun}. I name nothing that is not in it, leave "
        "out what is not known to fit, and say so. Tell me what you like, ask why, or take "
        "things back.",
        "There are {size} {noun} here, and I choose among them by what you tell me. Ask why of "
        "any of them; what you said can be taken back.",
    ),
}


def courteous(
    act: Act, catalog: Catalog, turn: int = 0, before: str = "", *, noun: str = "titles"
) -> str:
    """Return the answer to thanks, a goodbye or a question about this program; "" for others."""
    wordings = _SAID.get(act, ())
    return varied(wordings, turn, before, size=f"{len(catalog):,}", noun=noun) if wordings else ""
