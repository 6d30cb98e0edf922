"""How a reply is written token by token: what may come next, what is drawn, when it ends.

Rows of one batch do not touch each other: each has its own random numbers, its own end and its
own schema, so that a batch gives the texts that its prompts give one by one.
"""

from collections.abc import Callable, Sequence
from typing import Any

from tastemate.llm.local.constrain import TRIES, Held
from tastemate.messages import Completion, Generation


class Row:
    """One reply while it is written; `ends` are tokens that end it, `room` how many it may have."""

    def __init__(
        self,
        prompt: Sequence[int],
        generation: Generation,
        room: int,
        ends: frozenset[int],
        decode: Callable[[Sequence[int]], str],
        held: Held | None = None,
    ) -> None:
        self.prompt = list(prompt)
        self.ids: list[int] = []
        self.text = ""
        self.done = False
        self.room = room
        self.held = held
        self.generation = generation
        self._ends = ends
        self._decode = decode
        self._shown = 0
        self._warpers, self._random = _warpers(generation)

    def follow(self, written: Sequence[int]) -> None:
        """Take what was written since last time; what comes after the end is ignored."""
        for token in written[len(self.ids) :]:
            if self.done:
                return
            self._take(token)

    def read(self) -> str:
        """Return the text so far, up to the first stop."""
        kept = self.ids[:-1] if self.ids and self.ids[-1] in self._ends else self.ids
        text = self._decode(kept)
        cuts = [at for stop in self.generation.stop if stop and (at := text.find(stop)) >= 0]
        return text[: min(cuts)] if cuts else text

    def fresh(self) -> str:
        """Return what can be shown since last time: no half letter, no beginning of a stop."""
        text = self.read()
        safe = len(text)
        if not self.done:
            safe = len(text.rstrip("\ufffd"))
            for stop in self.generation.stop:
                starts = (n for n in range(len(stop) - 1, 0, -1) if text.endswith(stop[:n]))
                safe = min(safe, len(text) - next(starts, 0))
        piece = text[self._shown : safe]
        self._shown = max(self._shown, safe)
        return piece

    def shape(self, scores: Any) -> None:
        """Change the scores of the next token, (vocabulary,), so that the best is the one drawn."""
        import torch

        # The padding of a batch is not part of what is repeated, so the library's own is not used.
        _discourage(scores, self.prompt + self.ids, self.generation.repetition_penalty)
        if self.held is not None:
            allowed = torch.from_numpy(self.held.allowed()[: len(scores)]).to(scores.device)
            scores.masked_fill_(~allowed, -torch.inf)
        if self._random is not None:
            self._draw(scores)
        if self.held is not None:
            ranked = torch.topk(scores, TRIES).indices.tolist()
            forced = self.held.forced(ranked, self.room - len(self.ids))
            if forced is not None:
                scores.fill_(-torch.inf)
                scores[forced] = 0.0

    def completion(self) -> Completion:
        """Return the reply; one that its schema does not finish is the fault "reply"."""
        cut = self.held is not None and not self.held.complete
        return Completion(
            text=self.read(),
            prompt_tokens=len(self.prompt),
            completion_tokens=len(self.ids),
            error=f"The reply was cut off after {len(self.ids)} tokens, before its JSON was whole. "
            "Raise max_tokens."
            if cut
            else "",
            fault="reply" if cut else "",
        )

    def _take(self, token: int) -> None:
        self.ids.append(token)
        if token in self._ends:
            self.done = True
        elif self.held is not None:
            self.held.write(token)
            self.done = self.held.closed
        if self.generation.stop and not self.done:
            text = self._decode(self.ids)
            self.done = any(stop and stop in text for stop in self.generation.stop)
        self.done = self.done or len(self.ids) >= self.room

    def _draw(self, scores: Any) -> None:
        """Draw by the largest of score + Gumbel noise, which is a draw from the softmax.

        Unlike a draw for the whole batch, it needs random numbers of this row only.
        """
        import torch

        warped = scores[None]
        for warper in self._warpers:
            warped = warper(None, warped)
        noise = torch.empty(len(scores), dtype=torch.float64).exponential_(generator=self._random)
        scores.copy_(warped[0].double() - noise.log_().to(scores.device))


class Writing:
    """All rows of a batch, as transformers' `generate` calls it, before and after each token."""

    def __init__(
        self,
        rows: Sequence[Row],
        width: int,
        cancelled: Callable[[], bool],
        piece: Callable[[str], None] | None = None,
    ) -> None:
        self._rows = rows
        self._width = width
        self._cancelled = cancelled
        self._piece = piece

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Shape the scores of the next tokens, (rows, vocabulary)."""
        for row, line in zip(self._rows, scores, strict=True):
            if not row.done:
                row.shape(line)
        return scores

    def ended(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        """Return which rows are done, (rows,)."""
        import torch

        stop = self._cancelled()
        for row, written in zip(self._rows, input_ids[:, self._width :].tolist(), strict=True):
            row.follow(written)
            if self._piece is not None and (fresh := row.fresh()):
                self._piece(fresh)
        return torch.tensor([stop or row.done for row in self._rows], device=input_ids.device)


class Searching:
    """The same for beam search, where each row is several beams and nothing is drawn."""

    def __init__(
        self,
        rows: Sequence[Row],
        width: int,
        cancelled: Callable[[], bool],
        decode: Callable[[Sequence[int]], str],
    ) -> None:
        self._rows = rows
        self._width = width
        self._cancelled = cancelled
        self._decode = decode

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Make repetition less likely, (rows x beams, vocabulary)."""
        beams = len(input_ids) // len(self._rows)
        for at, (ids, line) in enumerate(zip(input_ids[:, self._width :], scores, strict=True)):
            row = self._rows[at // beams]
            _discourage(line, row.prompt + ids.tolist(), row.generation.repetition_penalty)
        return scores

    def ended(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        """Return which beams hold a stop or are long enough, (rows x beams,)."""
        import torch

        stop = self._cancelled()
        done = []
        # More beams are judged than are kept.
        beams = len(input_ids) // len(self._rows)
        for at, ids in enumerate(input_ids[:, self._width :].tolist()):
            row = self._rows[at // beams]
            text = self._decode(ids) if row.generation.stop else ""
            found = any(mark and mark in text for mark in row.generation.stop)
            done.append(stop or found or len(ids) >= row.room)
        return torch.tensor(done, device=input_ids.device)


def _discourage(scores: Any, seen: Sequence[int], penalty: float) -> None:
    """Divide what speaks for a token seen before by the penalty (Keskar et al., 2019, eq. 2)."""
    import torch

    if penalty == 1.0:
        return
    ids = torch.tensor(sorted(set(seen)), device=scores.device)
    found = scores[ids]
    scores[ids] = torch.where(found > 0, found / penalty, found * penalty)


def _warpers(generation: Generation) -> tuple[list[Any], Any]:
    """Return what sharpens and cuts the distribution, and the random numbers; none when greedy."""
    if generation.temperature <= 0:
        return [], None
    import torch
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    random = torch.Generator()
    if generation.seed is None:
        random.seed()
    else:
        random.manual_seed(generation.seed)
    warpers: list[Any] = [TemperatureLogitsWarper(float(generation.temperature))]
    if generation.top_k > 0:
        warpers.append(TopKLogitsWarper(generation.top_k))
    if generation.top_p < 1:
        warpers.append(TopPLogitsWarper(generation.top_p))
    return warpers, random
