"""A chat model behind an OpenAI-compatible endpoint. A prompt is asked once; its reply is kept by content."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fieldguide import params
from fieldguide.errors import FieldguideError
from fieldguide.files import content_key, read_json, write_json
from fieldguide.models.protocols import Refused

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion

_DETAIL = 300


@dataclass(frozen=True)
class Reply:
    """What a chat model answered. `model` is the name the endpoint gives itself; tokens are None where not counted."""

    text: str
    model: str
    prompt_tokens: int | None
    completion_tokens: int | None


class Chat:
    """Asks an OpenAI-compatible endpoint.

    Invariant: for one endpoint, model, temperature and seed, a pair of prompts is asked once; replies and
    refusals are read from `store` ever after, without a key and without a connection. To have it
    answered anew, change `seed` in params.yaml.
    """

    def __init__(self, spec: params.Chat, store: Path) -> None:
        """`store`: folder of replies, filed under the sha256 of all that determines them."""
        self.spec, self.store = spec, store

    def ask(self, system: str, user: str) -> Reply | Refused:
        """The model's reply, or its refusal. A JSON object is asked for where the prompts say so; not checked here.

        Raises:
            FieldguideError: no key in the environment, no connection, an error after all retries, or a reply
                that is none. The key is in no message.
        """
        determining = self.spec.model_dump(include={"base_url", "model", "temperature", "seed"})
        key = content_key(**determining, system=system, user=user)
        path = self.store / key[:2] / f"{key}.json"
        if path.exists():
            return _from_store(path)
        answer = self._ask(system, user)
        write_json(path, {"kind": type(answer).__name__, **asdict(answer)})
        return answer

    @property
    def _where(self) -> str:
        """The endpoint without user name and password."""
        parts = urlsplit(self.spec.base_url)
        return f"{self.spec.model} at {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def _ask(self, system: str, user: str) -> Reply | Refused:
        import openai

        secret = os.environ.get(self.spec.api_key_variable, "").strip()
        if not secret:
            raise FieldguideError(
                f"chat: the environment variable {self.spec.api_key_variable} is empty; put the key of {self._where} "
                "in it (any text for an endpoint without keys)"
            )
        try:
            # The client retries what may pass (408, 409, 429, 5xx, connections, timeouts) with growing, jittered
            # waits, and honours Retry-After.
            with openai.OpenAI(
                api_key=secret, base_url=self.spec.base_url, timeout=self.spec.timeout, max_retries=self.spec.retries
            ) as client:
                completion = client.chat.completions.create(
                    model=self.spec.model,
                    messages=[{"role": "system", "content": system}, {"role": "user", "content": user}],
                    temperature=self.spec.temperature,
                    seed=self.spec.seed,
                )
            return _read(completion)
        except (openai.OpenAIError, ValueError, TypeError, AttributeError, IndexError) as error:
            why = _explain(error).replace(secret, "***")
            raise FieldguideError(f"chat: {self._where}: {why}") from None


def _read(completion: ChatCompletion) -> Reply | Refused:
    """The first choice.

    Raises:
        ValueError, TypeError, AttributeError, IndexError: the endpoint sent something else than a completion.
    """
    choice = completion.choices[0]
    if choice.message.refusal or choice.finish_reason == "content_filter":
        return Refused(choice.message.refusal or "stopped by the endpoint's content filter")
    if choice.finish_reason == "length":
        raise ValueError("the reply was cut off at the endpoint's limit of tokens")
    if not isinstance(choice.message.content, str) or not choice.message.content.strip():
        raise ValueError("the reply is empty")
    usage = completion.usage
    return Reply(
        choice.message.content,
        str(completion.model),
        usage.prompt_tokens if usage else None,
        usage.completion_tokens if usage else None,
    )


def _explain(error: Exception) -> str:
    """An error in words, without the request and its headers."""
    import openai

    if isinstance(error, openai.APITimeoutError):
        return "no answer in time; raise `timeout` or look at the endpoint"
    if isinstance(error, openai.APIConnectionError):
        return f"cannot be reached ({error.__cause__ or error})"[:_DETAIL]
    if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
        # The body is left out: some endpoints quote the key in it.
        return f"HTTP {error.status_code}: the key is not accepted"
    if isinstance(error, openai.APIStatusError):
        tried = " after all retries" if error.status_code in (408, 409, 429) or error.status_code >= 500 else ""
        return f"HTTP {error.status_code}{tried}: {error.message}"[:_DETAIL]
    return f"not a chat completion ({error})"[:_DETAIL]


def _from_store(path: Path) -> Reply | Refused:
    values: dict[str, Any] = read_json(path)
    kinds: dict[str, type[Reply] | type[Refused]] = {"Reply": Reply, "Refused": Refused}
    try:
        return kinds[values.pop("kind")](**values)
    except (KeyError, TypeError, AttributeError):
        raise FieldguideError(f"{path}: not a stored reply; delete it, it will be asked for again") from None
