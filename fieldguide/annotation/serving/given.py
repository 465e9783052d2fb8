"""What a browser sent, of which nothing is trusted."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from fieldguide.annotation.correspondence.log import LONGEST
from fieldguide.core.errors import FieldguideError

_LONGEST_SECONDS = 6 * 3600.0


class RefusedError(FieldguideError):
    """What a browser sent cannot be taken; `status` of HTTP says what kind of refusal it is."""

    def __init__(self, text: str, status: int = 422) -> None:
        super().__init__(text)
        self.status = status


def seconds_of(value: object) -> float:
    """Seconds that a page took; 0 where it is no number, and no more than six hours."""
    seconds = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
    return round(min(max(seconds, 0.0), _LONGEST_SECONDS), 3) if math.isfinite(seconds) else 0.0


def text_of(value: object, what: str, *, empty: bool = False) -> str:
    """A text without the blanks around it.

    Raises:
        RefusedError: it is empty or too long.
    """
    text = value.strip() if isinstance(value, str) else ""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise RefusedError(f"{what} is not valid Unicode")
    if not text and not empty:
        raise RefusedError(f"{what} has no text")
    if len(text) > LONGEST:
        raise RefusedError(f"{what} has {len(text)} characters; at most {LONGEST} are taken")
    return text


def choices_of_page(answers: object, shown: Sequence[int], allowed: Collection[str]) -> dict[int, str]:
    """One choice for each position.

    Args:
        answers: position (text) -> choice.
        shown: positions that have an image.
        allowed: choices of the guidelines that the page was asked by.

    Raises:
        RefusedError: positions without an answer, or answers that are none; all of them.
    """
    given = answers if isinstance(answers, dict) else {}
    missing = [n for n in shown if str(n) not in given]
    if missing:
        raise RefusedError(f"images without an answer: {', '.join(map(str, missing))}")
    unknown = sorted(set(given) - {str(n) for n in shown})
    wrong = [n for n in shown if not isinstance(given[str(n)], str) or given[str(n)] not in allowed]
    if unknown or wrong:
        raise RefusedError(f"not an answer to this page: {', '.join([*unknown, *map(str, wrong)])[:200]}")
    return {n: given[str(n)] for n in shown}
