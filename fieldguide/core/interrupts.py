"""Ctrl-C as one thing, whatever the code that was running makes of it."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn


@contextlib.contextmanager
def interruptible(*signals: signal.Signals) -> Iterator[None]:
    """Raise KeyboardInterrupt out of the block where one of `signals` came, so that one way of ending serves all.

    Compiled libraries turn an interrupt that comes while they call Python into an error of theirs (pydantic's
    serializer raises PydanticSerializationError): that too leaves the block as KeyboardInterrupt.

    Args:
        signals: SIGINT where none is named. Their handlers are put back at the end. A hangup that is ignored, as under
            nohup, stays ignored; SIGINT does not, for shells let all that runs in the background ignore it.
    """
    came = False

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        nonlocal came
        came = True
        raise KeyboardInterrupt

    before = {
        number: signal.signal(number, interrupt)
        for number in signals or (signal.SIGINT,)
        if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    except Exception as error:
        if came:
            raise KeyboardInterrupt from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
