"""Captions by models of transformers: BLIP, BLIP-2, GIT and what else its class for images to text loads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from fieldguide.core.files import content_key
from fieldguide.models.captioners.base import one_line
from fieldguide.models.captioners.registry import CAPTIONERS
from fieldguide.models.captioners.section import ImageToTextCaptioner
from fieldguide.models.loading import hub
from fieldguide.models.loading.compute import Compute
from fieldguide.models.loading.parallel import one_thread
from fieldguide.models.loading.protocols import Refused
from fieldguide.models.networks.image_text import ImageTextNetwork
from fieldguide.models.networks.pretrained import CONFIG, MODULES

KIND = "image-to-text"
_VERSION = 1


@CAPTIONERS.register(KIND, modules=MODULES, files={"weights": (CONFIG,)})
class ImageToText:
    """The likeliest words, one after the other (greedy); one image at a time, so that none depends on another."""

    def __init__(self, name: str, spec: ImageToTextCaptioner, root: Path) -> None:
        self.name, self._spec = name, spec
        compute = Compute.of(name, spec)
        self._network = ImageTextNetwork(hub.folder(spec, root), compute)
        settings = {"tokens": spec.tokens, **compute.key}
        self.revision = content_key(kind=KIND, version=_VERSION, files=self._network.files, **settings)

    def caption(self, images: Sequence[Image.Image]) -> list[str | Refused]:
        """See `Captioner`."""
        with one_thread():
            return [one_line(self._say(image.convert("RGB"))) for image in images]

    def _say(self, image: Image.Image) -> str:
        tokens, _ = self._network.tokens(self._spec.tokens, images=image)
        words: str = self._network.processor.batch_decode(tokens, skip_special_tokens=True)[0]
        return words
