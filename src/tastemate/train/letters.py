"""Teaching LlamaRec's ranker: cross-entropy of the letter that stands before the next item.

As published (Yue et al. 2023): 19 random negatives, adapters of rank 8 on the query and value
projections, learning rate 1e-4, one epoch. Improved: negatives from pools of retrievers that have
not seen the event, the mix's score beside the model's by a weight from people held out, several
orders of the candidates. The order of the candidates is drawn anew each time in both.
"""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tastemate import scope
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.interactions import Interactions
from tastemate.protocols import Progress
from tastemate.rank.adapters import Low
from tastemate.rank.letters import (
    AS_ASKED,
    PATH,
    PUBLISHED,
    Asking,
    Letters,
    Verbaliser,
    judged,
)
from tastemate.train.adapting import Adapting, Course, adapt
from tastemate.train.mixing import Mixing, learn_weight
from tastemate.train.pools import (
    AS_DRAWN,
    SURE,
    Drawing,
    Lesson,
    likelihood,
    plain,
    pooled,
    shown,
)
from tastemate.train.ranking import Compose
from tastemate.types import Floats


@dataclass(frozen=True, slots=True)
class Lettering:
    """How the letters are taught."""

    hard: bool = True
    """Negatives out of the retrievers' pools; else random ones, and no retriever is asked."""
    mixed: bool = True
    """Whether the mix's score counts beside the letters; needs `hard`."""
    asking: Asking = Asking(orders=2)
    low: Low | None = PUBLISHED
    """Adapters; None learns all weights, for models that were never trained."""
    drawing: Drawing = AS_DRAWN
    adapting: Adapting = Adapting(rate=1e-4, batch=16, epochs=1, look=100, patience=20)
    held: int = 400
    """Lessons at most that say when to stop and what the letters count."""

    def __post_init__(self) -> None:
        if self.mixed and not self.hard:
            raise ConfigError("The mix's score is known of its pools alone: mixed needs hard.")
        if self.held < 1:
            raise ConfigError(f"held is {self.held}; it must be at least 1.")


IMPROVED = Lettering()
AS_PUBLISHED = Lettering(hard=False, mixed=False, asking=Asking())


def letters(
    compose: Compose,
    catalog: Catalog,
    interactions: Interactions,
    vectors: Floats | None = None,
    *,
    seed: int = 0,
    path: str | Path | None = None,
    lettering: Lettering = IMPROVED,
    keep: Path | None = None,
    progress: Progress | None = None,
) -> Letters:
    """Return LlamaRec's ranker over the causal model in `path`, else in `$TASTEMATE_LLM_PATH`.

    `keep` is a folder for checkpoints; `vectors` are not needed. Raises `ConfigError` where no
    model is named, `Unavailable` where it cannot be opened, `DataError` for too few events.
    """
    named = path or os.environ.get(PATH, "")
    if not named:
        raise ConfigError(
            "LlamaRec's ranker needs a causal language model. Name a folder of transformers "
            f"(config.json, safetensors, tokenizer) in {PATH}, or rank with fast+cross."
        )
    lettering = replace(
        lettering,
        drawing=replace(lettering.drawing, seed=seed),
        adapting=replace(lettering.adapting, seed=seed),
    )
    verbaliser = Verbaliser(catalog, named)
    if lettering.hard:
        lessons = pooled(compose, catalog, interactions, lettering.drawing, progress)
    else:
        lessons = plain(interactions, lettering.drawing)
    return taught(verbaliser, lessons, lettering, keep=keep, progress=progress)


published = partial(letters, lettering=AS_PUBLISHED)
"""The same as LlamaRec was published."""


def taught(
    verbaliser: Verbaliser,
    lessons: Sequence[Lesson],
    lettering: Lettering = IMPROVED,
    *,
    keep: Path | None = None,
    progress: Progress | None = None,
) -> Letters:
    """Return a ranker taught on lessons; what it counts comes from those held out."""
    own = [lesson for lesson in lessons if not lesson.held]
    held = [lesson for lesson in lessons if lesson.held][: lettering.held]
    if lettering.low is not None:
        verbaliser.adapt(lettering.low, lettering.adapting.seed)
    course = _learned(verbaliser, own, held, lettering, keep, progress)
    told = {
        "lessons": len(own),
        "steps": course.steps,
        "seconds": round(course.seconds, 1),
        "losses": course.losses,
        "held out": course.values,
    }
    if not lettering.mixed:
        return Letters(verbaliser, asking=lettering.asking, told=told)
    mixing = weighed(verbaliser, held, lettering.asking)
    if mixing.weight == 0.0:
        scope.current().note("letters: they add nothing to the mix, so the model is not asked.")
    told["mixing"] = asdict(mixing) | {"curve": [list(point) for point in mixing.curve]}
    return Letters(verbaliser, asking=lettering.asking, weight=mixing.weight, told=told)


def weighed(verbaliser: Verbaliser, lessons: Sequence[Lesson], asking: Asking) -> Mixing:
    """Return how much the letters count beside the mix on lessons: 0 without a clear gain."""
    pasts, pools = [one.past for one in lessons], [one.pool for one in lessons]
    scores = judged(verbaliser, pasts, pools, asking)
    return learn_weight(
        [one.scores for one in lessons], scores, [one.place for one in lessons], sure=SURE
    )


def accuracy(
    verbaliser: Verbaliser, lessons: Sequence[Lesson], asking: Asking, seed: int = 0
) -> float:
    """Return how often the likeliest letter is the event's, in an order drawn by the seed."""
    examples = [
        _example(verbaliser, one, asking, np.random.default_rng([seed, at]))
        for at, one in enumerate(lessons)
    ]
    told = verbaliser.told([prompt for prompt, _, _ in examples], [n for _, _, n in examples])
    right = [
        int(said.argmax()) == place for said, (_, place, _) in zip(told, examples, strict=True)
    ]
    return float(np.mean(right))


def _learned(
    verbaliser: Verbaliser,
    own: Sequence[Lesson],
    held: Sequence[Lesson],
    lettering: Lettering,
    keep: Path | None,
    progress: Progress | None,
) -> Course:
    import torch

    asking, seed = lettering.asking, lettering.adapting.seed

    def teach(places: Sequence[int], rng: np.random.Generator) -> Any:
        examples = [_example(verbaliser, own[at], asking, rng) for at in places]
        verbaliser.network.train()
        logits = verbaliser.logits([prompt for prompt, _, _ in examples])
        verbaliser.network.eval()
        truth = [verbaliser.letters[place] for _, place, _ in examples]
        return torch.nn.functional.cross_entropy(logits, torch.tensor(truth, device=logits.device))

    fixed = [
        _example(verbaliser, one, asking, np.random.default_rng([seed, 2, at]))
        for at, one in enumerate(held)
    ]

    def judge() -> float:
        told = verbaliser.told([prompt for prompt, _, _ in fixed], [n for _, _, n in fixed])
        pairs = zip(told, fixed, strict=True)
        return float(np.mean([likelihood(said, place) for said, (_, place, _) in pairs]))

    return adapt(
        verbaliser.learned,
        teach,
        judge,
        len(own),
        lettering.adapting,
        key=(
            *(lettering, verbaliser.model),
            [(one.past.tolist(), one.pool.tolist(), one.place) for one in own],
        ),
        name="letters",
        keep=keep,
        progress=progress,
    )


def _example(
    verbaliser: Verbaliser, lesson: Lesson, asking: Asking, rng: np.random.Generator
) -> tuple[str, int, int]:
    """Return a prompt with its candidates shuffled, the event's place in it, and their number."""
    rows, _ = shown(lesson, asking.size, len(verbaliser.catalog), rng)
    order = rng.permutation(len(rows))
    prompt = verbaliser.prompt(lesson.past[-asking.history :].tolist(), rows[order].tolist())
    return prompt, int(np.flatnonzero(order == 0)[0]), len(rows)


def timed(
    path: str | Path = "tiny",
    catalog: Catalog | None = None,
    *,
    asking: Asking = AS_ASKED,
    lists: int = 3,
    seed: int = 0,
) -> dict[str, float]:
    """Return the seconds of a list by one forward pass, and by generating its titles instead.

    "tiny" is a small Llama of random weights over MiniLM's vocabulary, which takes as long as a
    trained one of its size; `catalog` defaults to the bundled films. Generation writes, greedily
    and with a cache, as many tokens as the titles of a list have. Keys: `one_pass_seconds`,
    `generation_seconds`, `prompt_tokens`, `written_tokens`, `parameters`.
    """
    from tempfile import TemporaryDirectory

    from tastemate.data.datasets import open_dataset

    known = open_dataset("films").catalog if catalog is None else catalog
    with TemporaryDirectory() as folder:
        if str(path) == "tiny":
            made = _tiny(Path(folder))
            return _timed(Verbaliser(known, made), asking, lists, seed)
    return _timed(Verbaliser(known, path), asking, lists, seed)


def _timed(verbaliser: Verbaliser, asking: Asking, lists: int, seed: int) -> dict[str, float]:
    import time

    import torch

    rng, found = np.random.default_rng(seed), []
    items, network = len(verbaliser.catalog), verbaliser.network
    for _ in range(lists + 1):
        drawn = rng.permutation(items)[: asking.history + asking.size].tolist()
        pool = drawn[: asking.size]
        prompt = verbaliser.prompt(drawn[asking.size :], pool)
        written = sum(
            len(verbaliser.tokenizer.encode(f"{verbaliser.title(row)}\n", add_special_tokens=False))
            for row in pool
        )
        start = time.perf_counter()
        verbaliser.told([prompt], [len(pool)])
        middle = time.perf_counter()
        ids, mask = verbaliser.padded([verbaliser.tokenizer.encode(prompt)])
        with torch.no_grad():
            network.generate(
                ids, attention_mask=mask, do_sample=False, pad_token_id=verbaliser.pad,
                max_new_tokens=written, min_new_tokens=written,
            )  # fmt: skip
        took = time.perf_counter() - middle
        found.append((middle - start, took, ids.shape[1], written))
    # The first list warms up what is set up at a first use.
    one, other, read, written = np.mean(found[1:], axis=0).tolist()
    return {
        "one_pass_seconds": one,
        "generation_seconds": other,
        "prompt_tokens": read,
        "written_tokens": written,
        "parameters": float(sum(part.numel() for part in network.parameters())),
    }


def _tiny(folder: Path) -> Path:
    """Write a small Llama of random weights with MiniLM's tokenizer; return its folder."""
    from importlib import import_module

    from tastemate.text import minilm

    tokenizer_file = minilm.packaged() / minilm.TOKENIZER
    library: Any = import_module("transformers")
    tokenizer = library.PreTrainedTokenizerFast(
        tokenizer_file=str(tokenizer_file), unk_token="[UNK]", pad_token="[PAD]"
    )
    config = library.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=256,
        intermediate_size=688,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=4096,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=tokenizer.pad_token_id,
    )
    tokenizer.save_pretrained(str(folder))
    library.LlamaForCausalLM(config).save_pretrained(str(folder))
    return folder
