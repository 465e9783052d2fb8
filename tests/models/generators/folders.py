"""Tiny pipelines with random weights, saved the way diffusers publishes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fieldguide.models.loading.torchvision import declare_operators

_LETTERS = "aefghioprtu"


def _clip_tokenizer(folder: Path) -> Any:
    from transformers import CLIPTokenizer

    pieces = ["<|startoftext|>", "<|endoftext|>", *_LETTERS, *(letter + "</w>" for letter in _LETTERS)]
    words = folder / "words"
    words.mkdir(parents=True)
    (words / "vocab.json").write_text(json.dumps({piece: n for n, piece in enumerate(pieces)}))
    (words / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer.from_pretrained(words, model_max_length=77)


def _t5_tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = {piece: n for n, piece in enumerate(["<pad>", "</s>", "<unk>", *_LETTERS])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    special = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **special)


def _clip_text(projected: bool = False, width: int = 16) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=2 + 2 * len(_LETTERS), hidden_size=width, intermediate_size=16, num_hidden_layers=2,
        num_attention_heads=2, bos_token_id=0, eos_token_id=1, pad_token_id=1, projection_dim=width, hidden_act="gelu",
    )  # fmt: skip
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config)


def _t5(width: int) -> Any:
    from transformers import T5Config, T5EncoderModel

    config = T5Config(
        vocab_size=3 + len(_LETTERS),
        d_model=width,
        d_kv=8,
        d_ff=16,
        num_layers=1,
        num_heads=2,
        decoder_start_token_id=0,
    )
    return T5EncoderModel(config)


def _vae(channels: int = 4, **more: Any) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(8, 8), norm_num_groups=4, latent_channels=channels, sample_size=16,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2, **more,
    )  # fmt: skip


def _unet(width: int, **more: Any) -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=8, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, cross_attention_dim=width,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=2, **more,
    )  # fmt: skip


def _start() -> None:
    declare_operators()
    import torch

    torch.manual_seed(0)


def stable_diffusion(folder: Path) -> Path:
    """Stable Diffusion of 16 x 16 pixels."""
    _start()
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    StableDiffusionPipeline(
        unet=_unet(16), vae=_vae(), text_encoder=_clip_text(), tokenizer=_clip_tokenizer(folder),
        scheduler=DDIMScheduler(steps_offset=1, clip_sample=False), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder / "pipeline")  # fmt: skip
    return folder / "pipeline"


def sdxl(folder: Path) -> Path:
    """SDXL of 16 x 16 pixels with SDXL-Turbo's scheduler."""
    _start()
    from diffusers import EulerAncestralDiscreteScheduler, StableDiffusionXLPipeline

    tokenizer = _clip_tokenizer(folder)
    unet = _unet(
        32, addition_embed_type="text_time", addition_time_embed_dim=8, projection_class_embeddings_input_dim=64
    )
    StableDiffusionXLPipeline(
        unet=unet, vae=_vae(), text_encoder=_clip_text(), text_encoder_2=_clip_text(projected=True),
        tokenizer=tokenizer, tokenizer_2=tokenizer,
        scheduler=EulerAncestralDiscreteScheduler(timestep_spacing="trailing"), add_watermarker=False,
    ).save_pretrained(folder / "pipeline")  # fmt: skip
    return folder / "pipeline"


def sd3(folder: Path) -> Path:
    """Stable Diffusion 3 of 16 x 16 pixels, with its three text encoders."""
    _start()
    from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel, StableDiffusion3Pipeline

    tokenizer = _clip_tokenizer(folder)
    transformer = SD3Transformer2DModel(
        sample_size=8, patch_size=1, in_channels=4, num_layers=1, attention_head_dim=8, num_attention_heads=4,
        caption_projection_dim=32, joint_attention_dim=32, pooled_projection_dim=32, out_channels=4,
        pos_embed_max_size=16,
    )  # fmt: skip
    StableDiffusion3Pipeline(
        transformer=transformer, scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=_vae(use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.06, scaling_factor=1.5),
        text_encoder=_clip_text(projected=True), text_encoder_2=_clip_text(projected=True), text_encoder_3=_t5(32),
        tokenizer=tokenizer, tokenizer_2=tokenizer, tokenizer_3=_t5_tokenizer(),
    ).save_pretrained(folder / "pipeline")  # fmt: skip
    return folder / "pipeline"


def flux(folder: Path) -> Path:
    """FLUX schnell of 16 x 16 pixels."""
    _start()
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel

    transformer = FluxTransformer2DModel(
        patch_size=1, in_channels=4, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, pooled_projection_dim=32, axes_dims_rope=(4, 4, 8), guidance_embeds=False,
    )  # fmt: skip
    FluxPipeline(
        transformer=transformer, scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=_vae(1, use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.06, scaling_factor=1.5),
        text_encoder=_clip_text(width=32), text_encoder_2=_t5(32), tokenizer=_clip_tokenizer(folder),
        tokenizer_2=_t5_tokenizer(),
    ).save_pretrained(folder / "pipeline")  # fmt: skip
    return folder / "pipeline"


def ip_adapter(folder: Path, width: int = 16, tokens: int = 4) -> Path:
    """An IP-Adapter for the U-Net above, with its image encoder; `width` is that of the text states."""
    _start()
    import torch
    from safetensors.torch import save_file
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    vision = CLIPVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=16, patch_size=8,
        projection_dim=8,
    )  # fmt: skip
    CLIPVisionModelWithProjection(vision).save_pretrained(folder / "image_encoder")
    weights = {
        "image_proj.proj.weight": torch.randn(tokens * width, 8),
        "image_proj.proj.bias": torch.randn(tokens * width),
        "image_proj.norm.weight": torch.ones(width),
        "image_proj.norm.bias": torch.zeros(width),
    }
    cross = sum("attn2" in name for name in _unet(width).attn_processors)
    for place in range(cross):  # the attention over text of each block, numbered 1, 3, 5 as published adapters do
        for letter in "kv":
            weights[f"ip_adapter.{2 * place + 1}.to_{letter}_ip.weight"] = torch.randn(16, width)
    save_file(weights, folder / "ip-adapter.safetensors")
    return folder
