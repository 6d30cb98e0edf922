"""A tiny random language model in a folder, as transformers reads it, made without torch.

A Llama with a byte-level BPE tokenizer and a chat template; its replies are noise, but every part
of a client is as real with it as with a large one.
"""

import json
from pathlib import Path

import numpy as np

TEXTS = (
    "The quick brown film, a thriller of 1995, and the order of candidates.",
    'Rank the candidates. Reply in JSON: {"order": [1, 2, 3, 10, 20]} yes no A B C',
    "Will this person like the item? Heat (1995), Crime, Action; Toy Story, Comedy, Children's.",
)
TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>\\n' + m['content'] + '<|end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"
)
SPECIAL = ("<|end|>", "<|pad|>", "<|system|>", "<|user|>", "<|assistant|>")


def tiny(
    folder: Path,
    *,
    hidden: int = 32,
    layers: int = 2,
    heads: int = 4,
    window: int = 512,
    vocabulary: int = 0,
    template: bool = True,
    seed: int = 0,
) -> Path:
    """Write the model and return its folder; `vocabulary` pads the embedding beyond the tokenizer.

    The weights are large enough that no two tokens are nearly tied, so that rounding in a padded
    batch does not change what is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    size = max(_tokenizer(folder, window, template), vocabulary)
    shape = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": hidden,
        "intermediate_size": 2 * hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": heads,
        "max_position_embeddings": window,
        "vocab_size": size,
        "tie_word_embeddings": False,
        "bos_token_id": None,
        "eos_token_id": 0,
        "pad_token_id": 1,
        "dtype": "float32",
    }
    (folder / "config.json").write_text(json.dumps(shape), encoding="utf-8")
    _weights(folder, hidden, layers, size, seed)
    return folder


def _tokenizer(folder: Path, window: int, template: bool) -> int:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=[AddedToken(mark, special=True) for mark in SPECIAL],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|end|>",
        "pad_token": "<|pad|>",
        "model_max_length": window,
        "clean_up_tokenization_spaces": False,
    }
    if template:
        settings["chat_template"] = TEMPLATE
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return int(tokenizer.get_vocab_size())


def _weights(folder: Path, hidden: int, layers: int, size: int, seed: int) -> None:
    from safetensors.numpy import save_file

    rng = np.random.default_rng(seed)

    def noise(*shape: int, scale: float = 1.0) -> np.ndarray:
        return (rng.standard_normal(shape, dtype=np.float32) * scale).astype(np.float32)

    wide = hidden**-0.5
    weights = {
        "model.embed_tokens.weight": noise(size, hidden),
        "model.norm.weight": np.ones(hidden, dtype=np.float32),
        "lm_head.weight": noise(size, hidden, scale=3 * wide),
    }
    for layer in range(layers):
        at = f"model.layers.{layer}"
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            weights[f"{at}.self_attn.{name}.weight"] = noise(hidden, hidden, scale=wide)
        for name in ("gate_proj", "up_proj"):
            weights[f"{at}.mlp.{name}.weight"] = noise(2 * hidden, hidden, scale=wide)
        weights[f"{at}.mlp.down_proj.weight"] = noise(hidden, 2 * hidden, scale=wide)
        for name in ("input_layernorm", "post_attention_layernorm"):
            weights[f"{at}.{name}.weight"] = np.ones(hidden, dtype=np.float32)
    save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})
