"""Many turns of phrase as one pattern that is quick to search for.

A word boundary tried once for all turns, and letters of one case only, let the engine skip nearly
every turn by its first letter; written out one after the other they take eight times as long.
"""

import re
from collections.abc import Callable, Sequence

_CAPITAL = re.compile(r"(?<!\\)[A-Z]")
_TOKEN = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|.", re.DOTALL)


def fused(turns: Sequence[str]) -> Callable[[str], bool]:
    r"""Return whether a text, whatever its case, holds any of these turns.

    The turns are regular expressions without groups that capture; most begin with `\b`.
    """
    alternatives = [one for turn in turns for one in _alternatives(_lower(turn))]
    begun = [one.removeprefix(r"\b") for one in alternatives if one.startswith(r"\b")]
    others = [one for one in alternatives if not one.startswith(r"\b")]
    at_words = re.compile(rf"\b(?:{'|'.join(begun)})") if begun else None
    anywhere = re.compile("|".join(others)) if others else None

    def found(text: str) -> bool:
        text = text.lower()
        return (at_words is not None and at_words.search(text) is not None) or (
            anywhere is not None and anywhere.search(text) is not None
        )

    return found


def _lower(turn: str) -> str:
    return _CAPITAL.sub(lambda letter: letter[0].lower(), turn)


def _alternatives(turn: str) -> list[str]:
    """Split a pattern at its outermost bars."""
    found, depth = [""], 0
    for token in _TOKEN.findall(turn):
        depth += (token == "(") - (token == ")")
        if token == "|" and depth == 0:
            found.append("")
        else:
            found[-1] += token
    return found
