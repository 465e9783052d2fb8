"""Tiny captioning models with random weights, saved the way transformers publishes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fieldguide.models.loading.torchvision import declare_operators

SIDE = 32
_WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[DEC]", "a", "photo", "of", "red", "green", "fruit", "apple", "pear"]
# Weights large enough that what is said depends on what is seen.
_VISION = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "initializer_range": 0.5,
}


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertTokenizerFast

    made = Tokenizer(models.WordPiece({word: n for n, word in enumerate(_WORDS)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return BertTokenizerFast(tokenizer_object=made, extra_special_tokens=["[DEC]"], **special)


def blip(folder: Path) -> Path:
    """A BLIP for captions."""
    declare_operators()
    import torch
    from transformers import BlipConfig, BlipForConditionalGeneration, BlipImageProcessor, BlipProcessor

    torch.manual_seed(1)
    text = {
        **_VISION, "vocab_size": len(_WORDS), "encoder_hidden_size": 16, "max_position_embeddings": 32,
        "bos_token_id": 4, "eos_token_id": 3, "sep_token_id": 3, "pad_token_id": 0,
    }  # fmt: skip
    config = BlipConfig(
        text_config=text, vision_config={**_VISION, "image_size": SIDE, "patch_size": 16}, projection_dim=8,
        image_text_hidden_size=8,
    )  # fmt: skip
    BlipForConditionalGeneration(config).save_pretrained(folder)
    BlipProcessor(BlipImageProcessor(size={"height": SIDE, "width": SIDE}), _tokenizer()).save_pretrained(folder)
    return folder


def git(folder: Path) -> Path:
    """A GIT for captions."""
    declare_operators()
    import torch
    from transformers import CLIPImageProcessor, GitConfig, GitForCausalLM, GitProcessor

    torch.manual_seed(1)
    config = GitConfig(
        vision_config={**_VISION, "image_size": SIDE, "patch_size": 16}, vocab_size=len(_WORDS), **_VISION,
        max_position_embeddings=64, bos_token_id=2, eos_token_id=3, pad_token_id=0,
    )  # fmt: skip
    GitForCausalLM(config).save_pretrained(folder)
    images = CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    GitProcessor(images, _tokenizer()).save_pretrained(folder)
    return folder
