"""The task of a page: what the server is given for the form to show, and what the form sends back."""

from __future__ import annotations

import re
import reprlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from fieldguide.annotation.planning.section import GRID

TILES = 30
"""Images that any page can show."""
REFERENCES = 3
BLANK, VIEW = "blank", "view"
ALONE = "alone"

# Label Studio gives every choice without a key one that is still free: a stray key would uncover a blank tile.
_NO_KEY = "ctrl+alt+shift+f19"
_GRADE = re.compile(r"grade([1-9]|[12][0-9]|30)")
_MOST_RESULTS = 1000


@dataclass(frozen=True)
class ShownPage:
    """One page: what an assessor is asked, and what is shown.

    Attributes:
        page_key: identity of the page.
        question: of the topic.
        entity: name of the entity that the images are judged for.
        feature: what must be visible on it.
        part: where to look.
        references: addresses of photographs that surely show the entity; the first three are shown.
        images: addresses, in the order of the positions; empty where an image cannot be shown: its tile stays blank,
            and nobody is asked about it.
        items: (task_key, image_id) of each image.
        guesses: for a sighted page, a model's choice (or None) for each image.
        votes: for the adjudicator, the choices that were given for each image; no names.
    """

    page_key: str
    question: str
    entity: str
    feature: str
    part: str
    references: tuple[str, ...]
    images: tuple[str, ...]
    items: tuple[tuple[str, str], ...]
    guesses: tuple[str | None, ...] = ()
    votes: tuple[tuple[str, ...], ...] = ()


def task_data(asked: ShownPage, tiles: int = GRID) -> dict[str, Any]:
    """What the server is given of a page. All that the form shows is HTML, in which the texts are escaped.

    Args:
        asked: the page.
        tiles: of the form, all of which it wants to be given; those without an image are blank.
    """
    tiles = max(GRID, tiles)
    shown = {f"tile{n}": "" for n in range(1, tiles + 1)}
    addresses = [address for address in asked.images if address]
    shown |= {f"tile{n}": _picture(address, f"image {n}") for n, address in enumerate(asked.images, 1) if address}
    return {
        "page_key": asked.page_key,
        "question": str(escape(asked.question)),
        "entity": str(escape(asked.entity)),
        "feature": str(escape(asked.feature)),
        "part": str(escape(asked.part)),
        "references": "".join(_picture(address, asked.entity) for address in asked.references[:REFERENCES]),
        "image": addresses[0] if len(addresses) == 1 else "",
        "votes": "; ".join(_tally(votes) for votes in asked.votes),
        "blanks": [{"value": n, "selected": True, "hotkey": _NO_KEY} for n in _blank(asked, tiles)],
        "items": [{"task_key": key, "image_id": image} for key, image in asked.items],
        **shown,
    }


def predictions(asked: ShownPage, tiles: int) -> list[dict[str, Any]]:
    """A sighted page's guesses, as the server takes them; none for a blind page."""
    shown = zip(asked.guesses, asked.images, strict=False)
    given = {n: guess for n, (guess, address) in enumerate(shown, 1) if guess is not None and address}
    if not given:
        return []
    # A page that begins with a prediction takes nothing else as preselected: blank tiles are named here too.
    blank = _blank(asked, tiles)
    hidden = [_result(BLANK, "question", blank)] if blank else []
    return [{"model_version": "guess", "result": [*result_of(given), *hidden]}]


def result_of(choices: Mapping[int, str]) -> list[dict[str, Any]]:
    """What the form sends for one choice a position: the inverse of `choices_of`."""
    return [_result(f"grade{n}", f"tile{n}", [choice]) for n, choice in sorted(choices.items())]


def choices_of(result: object) -> dict[int, list[str]]:
    """What was chosen, by position from 1: one choice each where all is well.

    Nothing is trusted: whether there are such positions on the page and such choices in the guideline, and whether
    there is one choice a position, is the reader's to check.

    Raises:
        ValueError: the result is not what the form sends; says what is wrong.
    """
    if not isinstance(result, list):
        raise ValueError(f"the result is not a list but {type(result).__name__}")
    if len(result) > _MOST_RESULTS:
        raise ValueError(f"the result has {len(result)} parts; the form sends at most {TILES + 2}")
    found: dict[int, list[str]] = {}
    for number, part in enumerate(result, 1):
        try:
            position, choices = _answer(part)
        except ValueError as error:
            raise ValueError(f"part {number} of the result: {error}") from None
        if position is not None:
            found.setdefault(position, []).extend(choices)
    return dict(sorted(found.items()))


def _answer(part: object) -> tuple[int | None, list[str]]:
    """Position and choices of one part; position None for what says nothing."""
    if not isinstance(part, dict):
        raise ValueError(f"not an object but {type(part).__name__}")
    name, kind, value = part.get("from_name"), part.get("type"), part.get("value")
    if name in (BLANK, VIEW):
        return None, []
    match = _GRADE.fullmatch(name) if isinstance(name, str) else None
    if match is None:
        raise ValueError(f"from_name {reprlib.repr(name)} is no group of choices of the form (grade1 to grade{TILES})")
    if kind != "choices":
        raise ValueError(f"type {reprlib.repr(kind)} where `choices` belongs")
    choices = value.get("choices") if isinstance(value, dict) else None
    if not isinstance(choices, list) or not choices:
        raise ValueError(f"value {reprlib.repr(value)} has no list of choices")
    if len(choices) > _MOST_RESULTS or not all(isinstance(choice, str) for choice in choices):
        raise ValueError(f"choices {reprlib.repr(choices)} are no list of names")
    return int(match[1]), choices


def _result(name: str, to_name: str, choices: list[str]) -> dict[str, Any]:
    return {"id": name, "from_name": name, "to_name": to_name, "type": "choices", "value": {"choices": choices}}


def _blank(asked: ShownPage, tiles: int) -> list[str]:
    """Positions that have no image to show; and `ALONE` where one image is shown, which the form then shows large."""
    shown = {n for n, address in enumerate(asked.images, 1) if address}
    return [str(n) for n in range(1, tiles + 1) if n not in shown] + [ALONE] * (len(shown) == 1)


def _picture(address: str, words: str) -> str:
    return str(Markup('<img src="{}" alt="{}">').format(address, words))


def _tally(votes: tuple[str, ...]) -> str:
    counts = sorted(Counter(votes).items())  # by choice, so that the order says nothing of who gave it
    return str(Markup(", ").join(Markup("<b>{}</b> × {}").format(choice, count) for choice, count in counts))
