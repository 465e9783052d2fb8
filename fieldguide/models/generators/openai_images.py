"""The OpenAI images API and its compatibles."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import content_key
from fieldguide.core.streaming import map_ahead
from fieldguide.models.calls.caller import EndpointAnswer, Request, UnansweredError, UnreadableError, open_caller
from fieldguide.models.calls.pricing import Usage, tokens_at_most, tokens_likely
from fieldguide.models.generators.finished import checked, from_file
from fieldguide.models.generators.registry import GENERATORS
from fieldguide.models.generators.section import OpenAIImagesGenerator
from fieldguide.models.loading.protocols import Refused

if TYPE_CHECKING:
    from fieldguide.models.calls.store import Call

KIND = "openai-images"
_VERSION = 1
# Output tokens of one square and one other image of gpt-image-1, by quality, as its maker's guide has them.
_TOKENS = {"low": (272, 408), "medium": (1056, 1584), "high": (4160, 6240)}


@GENERATORS.register(KIND, modules=("openai",), files={})
class OpenAIImages:
    """Asks for one image a call.

    Invariant: a prompt is asked once for each seed (`Caller`); what came is read from the store ever after, without a
    key and without a connection. The seed tells the drawings of a prompt apart also where it is not sent.
    """

    def __init__(self, name: str, spec: OpenAIImagesGenerator, root: Path) -> None:
        self.name, self.spec = name, spec
        self.calls = open_caller(root)
        self.revision = content_key(kind=KIND, version=_VERSION, base_url=spec.base_url, model=spec.model)
        given = {"size": spec.size, "quality": spec.quality, **spec.options}
        self.settings: Mapping[str, float | int | str] = {k: v for k, v in given.items() if v is not None}

    def draw(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image | Refused]:
        """See `Generator`. Refuses what the endpoint refuses, does not answer, or answers with something else.

        Raises:
            BudgetError: a drawing might cost more than is left of calls.budget.
            FieldguideError: no key, no price or no connection, or an error that concerns every request.
        """
        pairs = zip(prompts, seeds, strict=True)
        return list(map_ahead(self._draw, pairs, threads=self.spec.concurrency))

    def request(self, prompt: str, seed: int) -> Request:
        """What drawing a prompt sends and may use; for the store and for estimates."""
        spec = self.spec
        optional = {"size": spec.size, "quality": spec.quality, "response_format": spec.response_format}
        sent = {key: value for key, value in optional.items() if value is not None}
        square = len(set(spec.size.split("x"))) == 1
        known = _TOKENS.get(spec.quality or "", (spec.image_tokens, spec.image_tokens))
        likely = min(known[0 if square else 1], spec.image_tokens)
        return Request(
            kind="images",
            endpoint=spec,
            body={
                "model": spec.model,
                "prompt": prompt,
                "n": 1,
                "size": spec.size,
                "seed": seed,
                **sent,
                **spec.options,
            },
            most=Usage(tokens_at_most(prompt), spec.image_tokens, 1),
            likely=Usage(tokens_likely(prompt), likely, 1),
            variant=f"{spec.quality}/{spec.size}" if spec.quality else spec.size,
        )

    def _draw(self, pair: tuple[str, int]) -> Image.Image | Refused:
        prompt, seed = pair
        if not prompt.strip():
            return Refused("the prompt has no words")
        request = self.request(prompt, seed)
        left_out = {"prompt"} if self.spec.send_seed else {"prompt", "seed"}
        body = {key: value for key, value in request.body.items() if key not in left_out}

        def send(client: Any) -> bytes:
            data: bytes = client.images.with_raw_response.generate(prompt=prompt, extra_body=body).content
            return data

        try:
            return self._seen(self.calls.ask(request, send, _read))
        except UnansweredError as error:
            return Refused(str(error))

    def _seen(self, call: Call) -> Image.Image | Refused:
        """The drawing of a call."""
        if call.refused is not None:
            return Refused(call.refused)
        try:
            drawing = from_file(self.calls.store.blob(call.blobs[0]))
        except (ValueError, IndexError):
            raise FieldguideError(f"the stored call {call.key} holds no image; delete it, or take no others'") from None
        size = f"{drawing.width}x{drawing.height}"
        if self.spec.size not in ("auto", size):
            return Refused(f"an image of {size} pixels came, {self.spec.size} were asked for")
        return checked(drawing)


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Made(_Part):
    b64_json: str | None = None
    url: str | None = None
    revised_prompt: str | None = None


class _Counted(_Part):
    input_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)


class _Images(_Part):
    data: list[_Made] = Field(min_length=1)
    usage: _Counted | None = None


def _read(value: Any) -> EndpointAnswer:
    """The first image of an answer.

    Raises:
        UnreadableError: the endpoint sent something else, an address, or bytes that are no image.
    """
    try:
        answer = _Images.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the answer"
        raise UnreadableError(f"not an answer of an images API ({where}: {first['msg']})") from None
    counted = answer.usage
    usage = Usage(counted.input_tokens, counted.output_tokens, 1) if counted else None
    made = answer.data[0]
    if made.b64_json is None:
        what = "an address instead of an image; set response_format: b64_json" if made.url else "no image"
        raise UnreadableError(f"the endpoint sent {what}", usage)
    try:
        data = base64.b64decode(made.b64_json, validate=True)
        from_file(data)
    except (binascii.Error, ValueError) as error:
        raise UnreadableError(f"what the endpoint sent is no image: {error}", usage) from None
    return EndpointAnswer({"revised_prompt": made.revised_prompt}, "", usage, (data,))
