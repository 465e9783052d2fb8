"""Sections about calls to other people's models: where, how fast, at what price, and how much may be spent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator

from fieldguide.core.errors import ProblemsError
from fieldguide.core.section import Positive, Section, Seed, problems_of
from fieldguide.core.yaml_files import read_yaml

Money = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]


class Price(Section):
    """What an endpoint takes for one model, in the currency of `calls.budget`.

    Attributes:
        input, output: for a million tokens of prompts and of replies.
        image: for one image.
    """

    input: Money = 0.0
    output: Money = 0.0
    image: Money = 0.0


class Spending(Section):
    """What may be spent on calls, all stages and all runs of this benchmark together.

    Attributes:
        budget: never exceeded: a call that might go beyond it is not sent. 0: only calls that cost nothing.
        prices: by model. A model at an address of this machine costs nothing where it has none (a proxy to a paid
            service needs one); at any other address it has to have one, which may be all zeros.
    """

    budget: Money = 0.0
    prices: dict[str, Price] = Field(default={})


class Endpoint(Section):
    """One model behind an OpenAI-compatible endpoint.

    Attributes:
        base_url: up to and with `/v1`.
        model: as the endpoint calls it.
        api_key_variable: the environment variable that holds the key; never the key itself.
        timeout: seconds for a whole answer, from sending to its last byte.
        retries: of what may pass: HTTP 408, 409, 429 and 5xx, lost connections, timeouts.
        concurrency: calls at once.
        requests_per_minute, tokens_per_minute: what the endpoint allows; null: as fast as it answers.
    """

    base_url: Annotated[str, Field(pattern=r"^https?://[^\s/]")]
    model: Annotated[str, Field(min_length=1)]
    api_key_variable: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = "OPENAI_API_KEY"
    timeout: Annotated[float, Field(strict=True, gt=0, le=3600)] = 60.0
    retries: Annotated[int, Field(strict=True, ge=0, le=10)] = 4
    concurrency: Annotated[int, Field(strict=True, ge=1, le=256)] = 4
    requests_per_minute: Positive | None = None
    tokens_per_minute: Positive | None = None

    @field_validator("base_url")
    @classmethod
    def _has_no_password(cls, value: str) -> str:
        if "@" in urlsplit(value).netloc:
            raise ValueError("holds a user name or password; secrets belong into the environment (api_key_variable)")
        return value

    @property
    def where(self) -> str:
        """For people: the model and its address."""
        return f"{self.model} at {self.base_url}"


class ChatEndpoint(Endpoint):
    """A chat model.

    Attributes:
        temperature, seed: sent as they are; null: not sent, for models that refuse them.
        max_tokens: of a reply; what keeps a call's price within bounds.
        limit_name: the name by which the endpoint knows that limit (OpenAI's reasoning models: the longer one).
        image_tokens: that an image in a prompt counts for, at most.
    """

    temperature: Annotated[float, Field(strict=True, ge=0, le=2)] | None = 0.0
    seed: Seed | None = 0
    max_tokens: Positive = 2048
    limit_name: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    image_tokens: Positive = 1500


def read_calls(root: Path) -> Spending:
    """Section `calls` of a repository's params.yaml; what holds by default where there is none.

    Prices and budget determine no result, so whoever makes a call reads them here and no stage hands them on.

    Raises:
        ProblemsError: each key that is not valid.
    """
    path = root / "params.yaml"
    if not path.exists():
        return Spending()
    values = read_yaml(path)
    section = values.get("calls", {}) if isinstance(values, dict) else {}
    try:
        return Spending.model_validate(section)
    except ValidationError as error:
        raise ProblemsError(f"{path} is not valid:", problems_of(error, f"{path}: calls")) from None
