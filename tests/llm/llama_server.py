"""The server of llama.cpp over a folder that `tiny` wrote: `python llama_server.py FILE.gguf`.

The package xllamacpp carries llama.cpp's own HTTP server. It prints its address and serves until
it is killed.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def converted(folder: Path, file: Path) -> Path:
    """Write a tiny Llama of transformers' format as GGUF and return the file."""
    import gguf
    from safetensors.numpy import load_file

    shape = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    weights = load_file(folder / "model.safetensors")
    heads, layers = shape["num_attention_heads"], shape["num_hidden_layers"]
    writer = gguf.GGUFWriter(str(file), "llama")
    writer.add_context_length(shape["max_position_embeddings"])
    writer.add_embedding_length(shape["hidden_size"])
    writer.add_block_count(layers)
    writer.add_feed_forward_length(shape["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(shape["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(shape.get("rms_norm_eps", 1e-6))
    writer.add_rope_dimension_count(shape["hidden_size"] // heads)
    writer.add_rope_freq_base(shape.get("rope_theta", 10000.0))
    writer.add_vocab_size(shape["vocab_size"])
    _tokenizer(folder, writer, shape)

    def rotated(matrix: np.ndarray) -> np.ndarray:
        # llama.cpp turns neighbouring pairs of a head, transformers its two halves
        half = matrix.shape[0] // heads // 2
        split = matrix.reshape(heads, 2, half, -1).swapaxes(1, 2)
        return np.ascontiguousarray(split.reshape(matrix.shape))

    writer.add_tensor("token_embd.weight", weights["model.embed_tokens.weight"])
    writer.add_tensor("output_norm.weight", weights["model.norm.weight"])
    writer.add_tensor("output.weight", weights["lm_head.weight"])
    names = {
        "attn_q": "self_attn.q_proj",
        "attn_k": "self_attn.k_proj",
        "attn_v": "self_attn.v_proj",
        "attn_output": "self_attn.o_proj",
        "ffn_gate": "mlp.gate_proj",
        "ffn_up": "mlp.up_proj",
        "ffn_down": "mlp.down_proj",
        "attn_norm": "input_layernorm",
        "ffn_norm": "post_attention_layernorm",
    }
    for layer in range(layers):
        for theirs, ours in names.items():
            matrix = weights[f"model.layers.{layer}.{ours}.weight"]
            turned = rotated(matrix) if theirs in ("attn_q", "attn_k") else matrix
            writer.add_tensor(f"blk.{layer}.{theirs}.weight", turned)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _tokenizer(folder: Path, writer: Any, shape: dict[str, Any]) -> None:
    import gguf

    told = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    words = sorted(told["model"]["vocab"], key=told["model"]["vocab"].__getitem__)
    special = {token["id"] for token in told["added_tokens"]}
    kinds = gguf.TokenType
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(words)
    writer.add_token_types(
        [kinds.CONTROL if at in special else kinds.NORMAL for at in range(len(words))]
    )
    merges = told["model"]["merges"]
    writer.add_token_merges([one if isinstance(one, str) else " ".join(one) for one in merges])
    writer.add_eos_token_id(shape["eos_token_id"])
    writer.add_add_bos_token(False)
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    writer.add_chat_template(settings["chat_template"])


def main(file: str) -> None:
    """Serve a file on a free port with one place for one request at a time."""
    import xllamacpp

    wants = xllamacpp.CommonParams()
    wants.model.path = file
    wants.hostnames = ["127.0.0.1"]
    wants.port = 0
    wants.n_ctx = 0
    wants.n_parallel = 1
    wants.cpuparams.n_threads = 1
    wants.warmup = False
    wants.endpoint_slots = True
    wants.endpoint_metrics = True
    server = xllamacpp.Server(wants)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    while True:
        time.sleep(1)


if __name__ == "__main__":
    main(sys.argv[1])
