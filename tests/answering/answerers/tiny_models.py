"""Tiny vision-language models with random weights and a chat template, saved the way transformers publishes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fieldguide.models.loading.torchvision import declare_operators
from tests.models import tiny_encoders

_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }} : {% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}IMAGE{% else %}{{ part['text'] }}{% endif %} {% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}assistant : {% endif %}"
)
_TEXT = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}


def llava_next(folder: Path) -> Path:
    """The LLaVA-NeXT of the encoders' tests, with a chat template."""
    tiny_encoders.llava_next(folder)
    from transformers import AutoModelForImageTextToText, LlavaNextProcessor

    processor = LlavaNextProcessor.from_pretrained(folder)
    processor.chat_template = _TEMPLATE.replace("IMAGE", "<image>")
    processor.save_pretrained(folder)
    network = AutoModelForImageTextToText.from_pretrained(folder)
    _speak_up(network).save_pretrained(folder)
    return folder


def qwen2_vl(folder: Path) -> Path:
    """A Qwen2-VL of one layer in each of its parts."""
    declare_operators()
    import torch
    from transformers import (
        PreTrainedTokenizerFast,
        Qwen2VLConfig,
        Qwen2VLForConditionalGeneration,
        Qwen2VLImageProcessor,
        Qwen2VLProcessor,
        Qwen2VLVideoProcessor,
    )

    torch.manual_seed(0)
    begin, end, image, video = "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"
    special = ["<unk>", "<pad>", "<eos>", begin, end, image, video]
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tiny_encoders._word_tokenizer(special, "$A", []),
        unk_token="<unk>", pad_token="<pad>", eos_token="<eos>",
    )  # fmt: skip
    places = {token: n for n, token in enumerate(special)}
    config = Qwen2VLConfig(
        text_config={
            **_TEXT, "num_key_value_heads": 2, "vocab_size": len(tokenizer), "max_position_embeddings": 512,
            "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]}, "bos_token_id": None,
            "eos_token_id": places["<eos>"], "pad_token_id": places["<pad>"],
        },
        vision_config={"depth": 1, "embed_dim": 32, "hidden_size": 32, "num_heads": 2, "mlp_ratio": 1, "patch_size": 4},
        image_token_id=places[image], video_token_id=places[video],
        vision_start_token_id=places[begin], vision_end_token_id=places[end],
    )  # fmt: skip
    _speak_up(Qwen2VLForConditionalGeneration(config)).save_pretrained(folder)
    sizes: dict[str, Any] = {"patch_size": 4, "min_pixels": 64, "max_pixels": 1024}
    Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(**sizes), video_processor=Qwen2VLVideoProcessor(**sizes),
        tokenizer=tokenizer, chat_template=_TEMPLATE.replace("IMAGE", begin + image + end),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def _speak_up(network: Any) -> Any:
    """Weights large enough that what is said depends on what is seen."""
    import torch

    torch.manual_seed(1)
    for parameter in network.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    return network
