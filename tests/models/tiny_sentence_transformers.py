"""Tiny models with random weights, saved by sentence-transformers as its models are published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fieldguide.models.loading.torchvision import declare_operators
from tests.models import tiny, tiny_encoders

# As chat models of the Qwen family have it, cut down to what is used here.
_CHAT = (
    "{% for m in messages %}{% if loop.first and m['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}<|im_start|>{{ m['role'] }}\n"
    "{% for c in m['content'] %}{% if c['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ c['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_SPECIAL = [
    "<unk>", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>",
    "<|video_pad|>",
]  # fmt: skip
DEFAULT_PROMPT = "a photo of one"


def qwen_vl(folder: Path, generation: int = 3) -> Path:
    """A Qwen3-VL (or Qwen2-VL) with 32 dimensions and its processor, as transformers saves it."""
    declare_operators()
    import torch
    import transformers as hf

    torch.manual_seed(0)
    token = {name: _SPECIAL.index(f"<|{name}|>") for name in ("image_pad", "video_pad", "vision_start", "vision_end")}
    text = {
        "vocab_size": 64, "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "num_key_value_heads": 2, "max_position_embeddings": 2048,
        "rope_parameters": {"rope_type": "default", "mrope_section": [4, 2, 2], "rope_theta": 10000.0},
    }  # fmt: skip
    vision: dict[str, Any] = {"depth": 2, "num_heads": 2, "patch_size": 8, "spatial_merge_size": 2}
    if generation == 3:
        text["head_dim"] = 16
        vision |= {"hidden_size": 32, "intermediate_size": 32, "out_hidden_size": 32, "num_position_embeddings": 16}
        vision |= {"deepstack_visual_indexes": [0]}
    else:
        vision |= {"embed_dim": 32, "hidden_size": 32, "mlp_ratio": 1}
    config = getattr(hf, f"Qwen{generation}VLConfig")(
        text_config=text, vision_config=vision, image_token_id=token["image_pad"], video_token_id=token["video_pad"],
        vision_start_token_id=token["vision_start"], vision_end_token_id=token["vision_end"], tie_word_embeddings=True,
    )  # fmt: skip
    getattr(hf, f"Qwen{generation}VLForConditionalGeneration")(config).save_pretrained(folder)
    tokens = hf.PreTrainedTokenizerFast(
        tokenizer_object=tiny_encoders._word_tokenizer(_SPECIAL, "$A", []),
        unk_token="<unk>", pad_token="<|endoftext|>", eos_token="<|im_end|>",
    )  # fmt: skip
    patches = {"patch_size": 8, "merge_size": 2, "temporal_patch_size": 2}
    getattr(hf, f"Qwen{generation}VLProcessor")(
        image_processor=hf.Qwen2VLImageProcessor(**patches, size={"shortest_edge": 16 * 16, "longest_edge": 64 * 64}),
        video_processor=getattr(hf, f"Qwen{generation}VLVideoProcessor")(**patches),
        tokenizer=tokens, chat_template=_CHAT,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def qwen3_vl_embedding(folder: Path) -> Path:
    """A Qwen3-VL whose last token's state is the vector; with a default prompt, the system's message."""
    network = qwen_vl(folder.parent / f"{folder.name}-network")
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling

    chat = {"chat_template": {"add_generation_prompt": True}}
    modules = [Transformer(str(network), processing_kwargs=chat), Pooling(32, "lasttoken"), Normalize()]
    return _saved(folder, modules, prompts={"default": DEFAULT_PROMPT}, default_prompt_name="default")


def clip(folder: Path) -> Path:
    """A CLIP as the library saved it before networks of all kinds were one module."""
    tokens = tiny_encoders.clip(folder / "0_CLIPModel") / "tokenizer_config.json"
    tokens.write_text(json.dumps({**json.loads(tokens.read_text()), "model_max_length": 16}))
    (folder / "modules.json").write_text(
        '[{"idx": 0, "name": "0", "path": "0_CLIPModel", "type": "sentence_transformers.models.CLIPModel"}]'
    )
    return folder


def texts(folder: Path) -> Path:
    """A BERT, the mean of its tokens but those of the prompt, and a layer from 384 to 12 dimensions."""
    network = tiny.minilm(folder.parent / f"{folder.name}-network")
    import torch
    from sentence_transformers.base.modules import Dense, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    torch.manual_seed(0)
    pooling = Pooling(384, "mean", include_prompt=False)
    return _saved(folder, [Transformer(str(network)), pooling, Dense(384, 12)])


def _saved(folder: Path, modules: list[Any], **options: Any) -> Path:
    from sentence_transformers import SentenceTransformer

    SentenceTransformer(modules=modules, device="cpu", **options).save_pretrained(str(folder), create_model_card=False)
    return folder
