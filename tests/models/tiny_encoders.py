"""Tiny encoders with random weights, each saved the way its library publishes it, and sections of params.yaml."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from fieldguide.models.encoders.section import AnyEncoder
from fieldguide.models.loading.torchvision import declare_operators

SIDE = 32
_SECTION: TypeAdapter[Any] = TypeAdapter(AnyEncoder)
_WORDS = ["a", "photo", "of", "red", "green", "fruit", "apple", "pear", ",", "in", "one", "word", "above", "image"]
_VISION = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
_TEXT = {**_VISION, "max_position_embeddings": 16}


def section(**values: object) -> Any:
    """A section of an encoder, as params.yaml would give it."""
    return _SECTION.validate_python(values)


def _word_tokenizer(special: list[str], template: str, ids: list[str]) -> Any:
    """A tokenizer of whole words and single letters, with special tokens first."""
    from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

    letters = [chr(n) for n in range(97, 123)]
    vocabulary = {word: n for n, word in enumerate([*special, *_WORDS, *sorted(set(letters) - set(_WORDS))])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=special[0]))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in special])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=template, special_tokens=[(token, vocabulary[token]) for token in ids]
    )
    return tokenizer


def clip(folder: Path) -> Path:
    """A CLIP of transformers with 8 dimensions."""
    declare_operators()
    import torch
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    begin, end = "<|startoftext|>", "<|endoftext|>"
    tokenizer = _word_tokenizer(["<unk>", begin, end], f"{begin} $A {end}", [begin, end])
    text = {**_TEXT, "vocab_size": 64, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}
    CLIPModel(
        CLIPConfig(
            text_config=text, vision_config={**_VISION, "image_size": SIDE, "patch_size": 16}, projection_dim=8
        )
    ).save_pretrained(folder)  # fmt: skip
    CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token=begin, eos_token=end, pad_token=end,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def siglip(folder: Path) -> Path:
    """A SigLIP with a sentencepiece model of its own, as the first SigLIP has."""
    declare_operators()
    import torch
    from transformers import SiglipConfig, SiglipImageProcessor, SiglipModel, SiglipTokenizer

    torch.manual_seed(0)
    pieces = _sentencepiece(folder.parent / f"{folder.name}-pieces")
    tokenizer = SiglipTokenizer(str(pieces))
    SiglipModel(
        SiglipConfig(
            text_config={**_TEXT, "vocab_size": len(tokenizer), "projection_size": 32},
            vision_config={**_VISION, "image_size": SIDE, "patch_size": 16},
        )
    ).save_pretrained(folder)
    SiglipImageProcessor(size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _sentencepiece(folder: Path) -> Path:
    import sentencepiece

    folder.mkdir()
    (folder / "text").write_text("\n".join(" ".join(_WORDS[n:] + _WORDS[:n]) for n in range(len(_WORDS))))
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "text"), model_prefix=str(folder / "spiece"), vocab_size=40, model_type="unigram",
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    return folder / "spiece.model"


def siglip2(folder: Path) -> Path:
    """A SigLIP 2 with native resolution (NaFlex): patches and a mask instead of a square image."""
    declare_operators()
    import torch
    from transformers import Siglip2Config, Siglip2ImageProcessor, Siglip2Model, Siglip2Tokenizer

    torch.manual_seed(0)
    special = ["<pad>", "<eos>", "<bos>", "<unk>"]
    letters = [chr(n) for n in range(97, 123)]
    vocabulary = {token: n for n, token in enumerate([*special, "▁", ",", *letters])}
    tokenizer = Siglip2Tokenizer(vocab=vocabulary, merges=[])
    Siglip2Model(
        Siglip2Config(
            text_config={**_TEXT, "vocab_size": len(vocabulary), "projection_size": 32},
            vision_config={**_VISION, "num_patches": 16, "patch_size": 8},
        )
    ).save_pretrained(folder)
    Siglip2ImageProcessor(patch_size=8, max_num_patches=16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def dinov2(folder: Path) -> Path:
    """A DINOv2 with 32 dimensions."""
    declare_operators()
    import torch
    from transformers import BitImageProcessor, Dinov2Config, Dinov2Model

    torch.manual_seed(0)
    Dinov2Model(
        Dinov2Config(
            hidden_size=32, num_hidden_layers=1, num_attention_heads=2, image_size=SIDE, patch_size=16, mlp_ratio=1
        )
    ).save_pretrained(folder)  # fmt: skip
    BitImageProcessor(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}, do_center_crop=True
    ).save_pretrained(folder)  # fmt: skip
    return folder


def llava_next(folder: Path) -> Path:
    """A LLaVA-NeXT of a CLIP tower and a Llama with the chat tokens that E5-V's prompts use."""
    declare_operators()
    import torch
    from transformers import (
        CLIPVisionConfig,
        LlamaConfig,
        LlavaNextConfig,
        LlavaNextForConditionalGeneration,
        LlavaNextImageProcessor,
        LlavaNextProcessor,
        PreTrainedTokenizerFast,
    )  # fmt: skip

    torch.manual_seed(0)
    begin, image = "<|begin_of_text|>", "<image>"
    special = ["<unk>", begin, "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>", image, "<pad>"]
    tokens = PreTrainedTokenizerFast(
        tokenizer_object=_word_tokenizer(special, f"{begin} $A", [begin]),
        unk_token="<unk>", bos_token=begin, eos_token="<|eot_id|>", pad_token="<pad>",
    )  # fmt: skip
    config = LlavaNextConfig(
        vision_config=CLIPVisionConfig(**_VISION, image_size=SIDE, patch_size=16, projection_dim=16),
        text_config=LlamaConfig(**_VISION, num_key_value_heads=2, vocab_size=64, max_position_embeddings=256),
        image_token_index=special.index(image),
        image_grid_pinpoints=[[SIDE, 2 * SIDE], [2 * SIDE, SIDE]],
        vision_feature_layer=-1,
    )
    LlavaNextForConditionalGeneration(config).save_pretrained(folder)
    pixels = LlavaNextImageProcessor(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE},
        image_grid_pinpoints=config.image_grid_pinpoints,
    )  # fmt: skip
    LlavaNextProcessor(
        image_processor=pixels, tokenizer=tokens, patch_size=16, vision_feature_select_strategy="default",
        num_additional_image_tokens=1, image_token=image,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def onnx(path: Path, batch: int | str = "n", name: str = "vectors") -> Path:
    """Mean colours of a square image times a random matrix: (n, 3, 32, 32) to (n, 5)."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper, save

    weights = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["pixels"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], [name]),
        ],
        "tiny",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [batch, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, 5])],
        [numpy_helper.from_array(weights, "weights")],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def config(folder: Path, **changes: object) -> None:
    """Change values of a folder's config.json."""
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
