"""Images and texts by E5-V: a multimodal language model asked for one word (Jiang et al., arXiv 2407.12580)."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any

from PIL import Image

from fieldguide.models.encoders.pretrained import FILES, Loaded, PretrainedEncoder
from fieldguide.models.encoders.registry import ENCODERS
from fieldguide.models.encoders.section import E5VEncoder
from fieldguide.models.loading.compute import Inputs
from fieldguide.models.loading.torchvision import declare_operators
from fieldguide.models.networks.pretrained import MODULES, load_network, load_processor, load_tokenizer

KIND = "e5-v"
# As published with the model; white space counts.
_CHAT = "<|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n \n"
IMAGE_PROMPT = _CHAT.format("<image>\nSummary above image in one word: ")
TEXT_PROMPT = _CHAT.format("{text}\nSummary above sentence in one word: ")


@ENCODERS.register(KIND, modules=MODULES, files=FILES, modalities=("image", "text"))
class E5V(PretrainedEncoder):
    """The last token's state in the last layer of a LLaVA-NeXT, from the prompts of E5-V.

    Inputs differ in length, and filling them up would change their bits: each is a forward pass of its own.
    """

    kind = KIND
    types = ("llava_next",)
    dimension_keys = ("text_config", "hidden_size")

    def __init__(self, name: str, spec: E5VEncoder, root: Path) -> None:
        super().__init__(name, spec, root)
        self._tokenizing = Lock()

    def prepare_image(self, image: Image.Image) -> Inputs:
        """See `NetworkEncoder`."""
        processor = self.loaded.images
        # The processor's tokenizer must not be called from several threads at once.
        with self._tokenizing:
            made = processor(images=image.convert("RGB"), text=IMAGE_PROMPT, return_tensors="pt")
        return {name: value[0] for name, value in made.items()}

    def _prepare_text(self, text: str) -> Inputs:
        made = self.loaded.tokens(TEXT_PROMPT.format(text=text), return_tensors="pt")
        return {name: made[name][0] for name in ("input_ids", "attention_mask")}

    def _embed_images(self, inputs: dict[str, Any]) -> Any:
        return self._last(inputs)

    def _embed_texts(self, inputs: dict[str, Any]) -> Any:
        return self._last(inputs)

    def _last(self, inputs: dict[str, Any]) -> Any:
        # Of the model without its head: the states after the last normalisation, no logits.
        return self.loaded.network(**inputs, use_cache=False).last_hidden_state[:, -1]

    def _load(self) -> Loaded:
        declare_operators()
        from transformers import LlavaNextForConditionalGeneration, LlavaNextProcessor

        whole = load_network(LlavaNextForConditionalGeneration, self.folder, self.compute.dtype)
        load_tokenizer(self.folder)
        processor = load_processor(LlavaNextProcessor, self.folder)
        return Loaded(self.compute.place(whole.model), processor, processor.tokenizer)
