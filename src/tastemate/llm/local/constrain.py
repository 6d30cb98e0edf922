"""Holding a reply to a JSON schema while it is written, so that any model's reply fits.

llguidance says which tokens may come next; what it does not know is that the reply has to end.
So a reply is also steered to a close in time: a token is taken only if the reply can still be
finished within the tokens that are left.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tastemate.types import Mask

TRIES = 4
"""Tokens tried, best first, before the reply is closed by the shortest way known."""
GUARDED = 256
"""With more tokens left than this, no single token can make the reply too long to be closed."""
CLOSING = ("}", "]", '"', ",", ":", "1", "0", "2", "3", "4", "5", "6", "7", "8", "9", "-", "{", "[")
"""What is tried to end a reply soon, where nothing is forced."""
INSIDE = "#"
"""A mark that may come next only in a string, where a brace closes nothing."""
LAYOUT: Any = {
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
    # Keywords that a grammar cannot hold (uniqueItems) are left to whoever reads the reply.
    "lenient": True,
}


class Grammars:
    """Schemas as grammars over one tokenizer's vocabulary of `size` tokens."""

    def __init__(self, tokenizer: Any, size: int, ends: Sequence[int]) -> None:
        from llguidance.hf import from_tokenizer

        self.tokenizer = from_tokenizer(tokenizer, n_vocab=size, eos_token=list(ends) or None)
        self.closing = self._single(CLOSING)
        self.quote = self._single(('"',))
        self.inside = self._single((INSIDE,))

    def hold(self, schema: Mapping[str, Any]) -> "Held":
        """Return what holds one reply; raises `ValueError` for a schema that makes no grammar."""
        from llguidance import LLMatcher

        grammar = LLMatcher.grammar_from_json_schema(json.dumps(schema), overrides=LAYOUT)
        matcher = LLMatcher(self.tokenizer, grammar, log_level=0)
        if matcher.is_error():
            raise ValueError(matcher.get_error().splitlines()[0])
        return Held(matcher, self)

    def _single(self, marks: Sequence[str]) -> tuple[int, ...]:
        """Return the tokens of marks that are one token each."""
        coded = (self.tokenizer.tokenize_str(mark) for mark in marks)
        return tuple(tokens[0] for tokens in coded if len(tokens) == 1)


class Held:
    """One reply under a grammar: which tokens may come next, and whether it is finished."""

    def __init__(self, matcher: Any, grammars: Grammars) -> None:
        self._matcher = matcher
        self._grammars = grammars

    @property
    def complete(self) -> bool:
        """Whether the reply fits the schema as it stands."""
        return bool(self._matcher.is_accepting())

    @property
    def closed(self) -> bool:
        """Whether nothing more can be written."""
        return bool(self._matcher.is_stopped())

    def allowed(self) -> Mask:
        """Return which tokens may come next, (vocabulary,)."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        return np.unpackbits(bits, bitorder="little").astype(np.bool_)

    def write(self, token: int) -> None:
        """Take a token as written."""
        self._matcher.consume_token(token)

    def forced(self, ranked: Sequence[int], left: int) -> int | None:
        """Return the token to write where the best will not do, None where it will.

        `ranked` holds the tokens the model would write, best first; `left` is how many may still
        be written.
        """
        if left > GUARDED:
            return None
        for place, token in enumerate(ranked):
            if self._closable(token, left - 1):
                return token if place else None
        way = self._way_out(self._matcher.deep_copy(), left)
        return way[0] if way else None

    def _closable(self, token: int, left: int) -> bool:
        after = self._matcher.deep_copy()
        if not after.consume_token(token):
            return False
        return self._way_out(after, left) is not None

    def _way_out(self, matcher: Any, left: int) -> list[int] | None:
        """Return tokens that finish the reply, None where at most `left` of them do not."""
        way: list[int] = []
        while not matcher.is_accepting():
            step = self._step(matcher)
            way.extend(step)
            if len(way) > left or not step or matcher.try_consume_tokens(step) < len(step):
                return None
        return way

    def _step(self, matcher: Any) -> list[int]:
        if forced := matcher.compute_ff_tokens():
            return list(forced)
        own = self._grammars
        in_string = any(matcher.validate_tokens([token]) for token in own.inside)
        for token in (own.quote if in_string else ()) + own.closing:
            if matcher.validate_tokens([token]):
                return [token]
        bits = np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8)
        found = np.flatnonzero(np.unpackbits(bits, bitorder="little"))
        return [int(found[0])] if len(found) else []
