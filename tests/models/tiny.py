"""Tiny models with random weights, saved the way their libraries publish them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from fieldguide.models.loading.torchvision import declare_operators


def images(count: int, seed: int = 0) -> list[Image.Image]:
    """Random RGB images of different sizes."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(40, 120, (count, 2))
    return [Image.fromarray(rng.integers(0, 256, (h, w, 3), dtype=np.uint8)) for h, w in sizes]


def minilm(folder: Path) -> Path:
    """A BERT with 384 dimensions and one layer, and a tokenizer that knows a few words."""
    declare_operators()
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "photo", "of", "red", "green", "fruit", "apple", "pear", ","]
    tokenizer = Tokenizer(models.WordPiece({w: n for n, w in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    torch.manual_seed(0)
    shape = {"hidden_size": 384, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(words), **shape)).save_pretrained(folder)
    return folder


def mobilenetv2(path: Path) -> Path:
    """MobileNetV2 with random weights and ImageNet's 1000 classes."""
    declare_operators()
    import torch
    from safetensors.torch import save_file
    from torchvision.models import mobilenet_v2

    torch.manual_seed(0)
    save_file(mobilenet_v2(weights=None).state_dict(), path)
    return path


def tower(folder: Path) -> Path:
    """A text tower from 384 to 1280 dimensions."""
    import torch

    from fieldguide.models.networks import stored
    from fieldguide.models.networks.tower import Tower

    torch.manual_seed(0)
    network = Tower(384, 8, 1280)
    stored.save(folder, network, {"network": network.shape})
    return folder


def generator(folder: Path) -> Path:
    """A flow-matching generator of 32 x 32 pixels."""
    import torch

    from fieldguide.models.networks import stored
    from fieldguide.models.networks.unet import UNet, UNetConfig

    torch.manual_seed(0)
    network = UNet(UNetConfig(32, 2, (32, 32), (1, 1), embedding=16))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    stored.save(folder, network, {"network": network.config.to_json()})
    return folder


def open_clip(folder: Path) -> Path:
    """A CLIP of 32 x 32 pixels and 16 dimensions, as OpenCLIP publishes its models."""
    declare_operators()
    import open_clip
    import torch
    from safetensors.torch import save_file

    config = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    }
    folder.mkdir()
    torch.manual_seed(0)
    network = open_clip.CLIP(**config)
    save_file(
        {name: v.contiguous() for name, v in network.state_dict().items()}, folder / "open_clip_model.safetensors"
    )
    statistics = {"mean": [0.5] * 3, "std": [0.5] * 3}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": statistics}))
    return folder


def pipeline(folder: Path) -> Path:
    """A Stable Diffusion of 16 x 16 pixels, as `save_pretrained` writes it."""
    declare_operators()
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, cross_attention_dim=16,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=2,
    )  # fmt: skip
    vae = AutoencoderKL(
        block_out_channels=(8, 8), norm_num_groups=4, latent_channels=4, sample_size=16,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    )  # fmt: skip
    letters = "aefhioprtu"
    pieces = ["<|startoftext|>", "<|endoftext|>", *letters, *(letter + "</w>" for letter in letters)]
    vocabulary = {piece: n for n, piece in enumerate(pieces)}
    words = folder.parent / "vocabulary"
    words.mkdir()
    (words / "vocab.json").write_text(json.dumps(vocabulary))
    (words / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer.from_pretrained(words, model_max_length=77)
    text = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(vocabulary), hidden_size=16, intermediate_size=16, num_hidden_layers=1,
            num_attention_heads=2, bos_token_id=0, eos_token_id=1, pad_token_id=1,
        )
    )  # fmt: skip
    StableDiffusionPipeline(
        unet=unet, vae=vae, text_encoder=text, tokenizer=tokenizer,
        scheduler=DDIMScheduler(steps_offset=1, clip_sample=False),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    ).save_pretrained(folder)  # fmt: skip
    return folder
