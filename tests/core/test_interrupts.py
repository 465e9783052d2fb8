"""Ctrl-C, also where a library makes an error of its own of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from pydantic import BaseModel, field_serializer
from pydantic_core import PydanticSerializationError

from fieldguide.core.errors import ending_in_words
from fieldguide.core.interrupts import interruptible


class Interrupted(BaseModel):
    """A record during whose serialization Ctrl-C comes."""

    value: int = 1

    @field_serializer("value")
    def serialized(self, value: int) -> int:
        os.kill(os.getpid(), signal.SIGINT)
        return value


@pytest.fixture(autouse=True)
def _heard() -> Iterator[None]:
    """What runs in the background of a shell ignores SIGINT, and so do these tests there."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_that_a_library_made_an_error_of_is_an_interrupt_again() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(PydanticSerializationError):
        Interrupted().model_dump_json()  # what pydantic makes of it: were this otherwise, nothing would be tested
    with pytest.raises(KeyboardInterrupt), interruptible():
        Interrupted().model_dump_json()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_command_ends_with_130_and_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, ending_in_words("made"):
        Interrupted().model_dump_json()
    assert ended.value.code == 130 and capsys.readouterr().err == "made: interrupted\n"


def test_other_signals_where_they_are_named_and_other_errors_as_they_are() -> None:
    with pytest.raises(KeyboardInterrupt), interruptible(signal.SIGTERM):
        signal.raise_signal(signal.SIGTERM)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with interruptible(signal.SIGHUP):
        signal.raise_signal(signal.SIGHUP)  # as under nohup: a build goes on when its terminal is closed
    signal.signal(signal.SIGHUP, before)
    with pytest.raises(ValueError, match="of its own"), interruptible():
        raise ValueError("of its own")
