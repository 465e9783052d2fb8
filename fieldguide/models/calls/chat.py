"""A chat model behind an OpenAI-compatible endpoint: hosted, vLLM, llama.cpp, Ollama."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import sha256_bytes
from fieldguide.core.streaming import map_ahead
from fieldguide.models.calls.caller import Caller, EndpointAnswer, Request, UnansweredError, UnreadableError
from fieldguide.models.calls.pricing import Usage, tokens_at_most, tokens_likely
from fieldguide.models.calls.section import ChatEndpoint
from fieldguide.models.calls.store import Call
from fieldguide.models.loading.protocols import Refused

# What endpoints add to each message of a prompt.
_TOKENS_A_MESSAGE = 16
# Of a reply that was not given yet.
_LIKELY_REPLY = 128


@dataclass(frozen=True)
class Prompt:
    """What a chat model is told.

    Attributes:
        system: the instruction.
        user: the text.
        images: PNG or JPEG files that are shown after the text.
        parts: texts and such files in an order of their own; in place of `user` and `images`.
        schema: a JSON schema that the reply is to follow, for endpoints that can be held to one.
        likeliest: 0: a reply is asked for. Otherwise its first token alone is, with so many that were likeliest there.
    """

    system: str
    user: str
    images: tuple[bytes, ...] = ()
    parts: tuple[str | bytes, ...] = ()
    schema: Mapping[str, Any] | None = None
    likeliest: int = 0

    @property
    def content(self) -> tuple[str | bytes, ...]:
        """Texts and files in the order in which they are sent."""
        return self.parts or (self.user, *self.images)


@dataclass(frozen=True)
class Reply:
    """What a chat model answered.

    Attributes:
        model: the name the endpoint gives itself.
        prompt_tokens, completion_tokens: None where not counted.
        first: the likeliest first tokens with their log-probabilities; None where none were asked for, or none came.
        cost: in the currency of calls.budget.
    """

    text: str
    model: str
    prompt_tokens: int | None
    completion_tokens: int | None
    first: tuple[tuple[str, float], ...] | None = None
    cost: float = 0.0


class Chat:
    """Asks a chat model.

    Invariant: for one endpoint, model, temperature, seed and limit of tokens, a prompt is asked once (`Caller`).
    """

    def __init__(self, spec: ChatEndpoint, calls: Caller) -> None:
        self.spec, self.calls = spec, calls

    def ask(self, system: str, user: str, images: Sequence[bytes] = ()) -> Reply | Refused:
        """The model's reply, or its refusal. A JSON object is asked for where the prompts say so; not checked here.

        Raises:
            BudgetError: it might cost more than is left of calls.budget.
            FieldguideError: no key in the environment, no price, no connection, an error after all retries, or a reply
                that is none. The key is in no message.
        """
        return self._ask(Prompt(system, user, tuple(images)))

    def _ask(self, prompt: Prompt) -> Reply | Refused:
        body = self._body(prompt, _shown)

        def send(client: Any) -> bytes:
            data: bytes = client.chat.completions.with_raw_response.create(**body).content
            return data

        read = partial(_read, first_token=prompt.likeliest > 0)
        return _reply(self.calls.ask(self.request(prompt), send, read))

    def ask_all(self, prompts: Iterable[Prompt]) -> Iterator[Reply | Refused]:
        """What `ask` returns for each prompt, in their order; `concurrency` are asked at once."""
        return map_ahead(self._ask, prompts, threads=self.spec.concurrency)

    def ask_each(self, prompts: Iterable[Prompt]) -> Iterator[Reply | Refused | UnansweredError]:
        """As `ask_all`, but where a prompt got no usable answer the others are asked all the same."""

        def ask(prompt: Prompt) -> Reply | Refused | UnansweredError:
            try:
                return self._ask(prompt)
            except UnansweredError as error:
                return error

        return map_ahead(ask, prompts, threads=self.spec.concurrency)

    def request(self, prompt: Prompt) -> Request:
        """What asking a prompt sends and may use; for the store and for estimates."""
        text = prompt.system + "".join(part for part in prompt.content if isinstance(part, str))
        images = sum(isinstance(part, bytes) for part in prompt.content)
        besides = 2 * _TOKENS_A_MESSAGE + images * self.spec.image_tokens
        longest = self._longest(prompt)
        return Request(
            kind="chat",
            endpoint=self.spec,
            body=self._body(prompt, lambda data: {"sha256": sha256_bytes(data)}),
            most=Usage(tokens_at_most(text) + besides, longest),
            likely=Usage(tokens_likely(text) + besides, min(_LIKELY_REPLY, longest)),
        )

    def _body(self, prompt: Prompt, shown: Callable[[bytes], dict[str, Any]]) -> dict[str, Any]:
        spec = self.spec
        user: Any = prompt.user
        if prompt.parts or prompt.images:
            user = [{"type": "text", "text": p} if isinstance(p, str) else shown(p) for p in prompt.content]
        optional = {"temperature": spec.temperature, "seed": spec.seed, "response_format": _format(prompt.schema)}
        first_token = {"logprobs": True, "top_logprobs": prompt.likeliest} if prompt.likeliest else {}
        return {
            "model": spec.model,
            "messages": [{"role": "system", "content": prompt.system}, {"role": "user", "content": user}],
            spec.limit_name: self._longest(prompt),
            **{name: value for name, value in optional.items() if value is not None},
            **first_token,
        }

    def _longest(self, prompt: Prompt) -> int:
        """Tokens of a reply, at most."""
        return 1 if prompt.likeliest else self.spec.max_tokens


def _format(schema: Mapping[str, Any] | None) -> dict[str, Any] | None:
    named = {"name": "reply", "strict": True, "schema": schema}
    return None if schema is None else {"type": "json_schema", "json_schema": named}


def _shown(data: bytes) -> dict[str, Any]:
    """An image inside the message itself: nothing is fetched by the endpoint."""
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    address = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return {"type": "image_url", "image_url": {"url": address}}


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Message(_Part):
    content: str | None = None
    refusal: str | None = None


_Logprob = Annotated[float, Field(strict=True, le=0, allow_inf_nan=False)]


class _Likely(_Part):
    token: str
    logprob: _Logprob


class _Token(_Part):
    top_logprobs: list[_Likely]


class _Logprobs(_Part):
    content: list[_Token] = Field(min_length=1)


class _Choice(_Part):
    message: _Message
    finish_reason: str | None = None
    logprobs: Any = None


class _Counted(_Part):
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)


class _Completion(_Part):
    model: str = ""
    choices: list[_Choice] = Field(min_length=1)
    usage: _Counted | None = None


class _Kept(_Part):
    """A reply as the store has it."""

    text: str
    first: tuple[tuple[str, _Logprob], ...] | None = None


def _read(value: Any, first_token: bool) -> EndpointAnswer:
    """The first choice of a completion; `first_token`: with the likeliest first tokens, and whatever was cut off.

    Raises:
        UnreadableError: the endpoint sent something else, nothing, or a part.
    """
    try:
        completion = _Completion.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the answer"
        raise UnreadableError(f"not a chat completion ({where}: {first['msg']})") from None
    counted = completion.usage
    usage = Usage(counted.prompt_tokens, counted.completion_tokens) if counted else None
    choice = completion.choices[0]
    if choice.message.refusal or choice.finish_reason == "content_filter":
        why = choice.message.refusal or "stopped by the endpoint's content filter"
        return EndpointAnswer(None, completion.model, usage, refused=why)
    if first_token:
        reply = {"text": choice.message.content or "", "first": _first_tokens(choice.logprobs)}
        return EndpointAnswer(reply, completion.model, usage)
    if choice.finish_reason == "length":
        raise UnreadableError("the reply was cut off at the endpoint's limit of tokens; raise `max_tokens`", usage)
    if not (choice.message.content or "").strip():
        raise UnreadableError("the reply is empty", usage)
    return EndpointAnswer({"text": choice.message.content}, completion.model, usage)


def _first_tokens(logprobs: Any) -> list[tuple[str, float]] | None:
    """(token, log-probability) of the likeliest; None where one is no probability: then the others are not believed."""
    try:
        (first, *_) = _Logprobs.model_validate(logprobs).content
    except ValidationError:
        return None
    return [(one.token, one.logprob) for one in first.top_logprobs]


def _reply(call: Call) -> Reply | Refused:
    """A call's answer.

    Raises:
        FieldguideError: the store holds none; see `CallStore.get`.
    """
    if call.refused is not None:
        return Refused(call.refused)
    try:
        kept = _Kept.model_validate(call.reply)
    except ValidationError:
        raise FieldguideError(
            f"the stored call {call.key} holds no reply of a chat model; delete it, or take no others'"
        ) from None
    counted = (call.usage.input_tokens, call.usage.output_tokens) if call.counted else (None, None)
    return Reply(kept.text, call.model, counted[0], counted[1], kept.first, call.cost)
