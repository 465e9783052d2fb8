"""The form that assessors see: Label Studio's labelling config, the data of its tasks, and what it sends back.

A page shows `tiles` images of one subtopic, each with a group of choices named `grade1`, `grade2`, ... Its keyboard
has two dimensions: a column an image, a row a choice. A page of one image gives it the choices' own keys. What the
form needs beside the answers are groups of choices too (`blank`: tiles that a short page leaves empty; `view`: what
is opened or enlarged); they come back with the answers and say nothing.
"""

from __future__ import annotations

import re
import reprlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from fieldguide.annotation.judgments.guidelines import Guideline
from fieldguide.core.errors import FieldguideError, Problem, ProblemsError

TILES = 8
REFERENCES = 3
BLANK, VIEW = "blank", "view"

# On a page of several images: rows of the keyboard, each with a key an image.
_ROWS = (*map(tuple, ("12345678", "qwertyui", "asdfghjk", "zxcvbnm,")), tuple(f"shift+{n}" for n in "12345678"))
_ENLARGE = tuple(f"shift+{key}" for key in "qwertyui")
# Label Studio gives every choice without a key one that is still free: a stray key would uncover a blank tile.
_NO_KEY = "ctrl+alt+shift+f19"
_GRADE = re.compile(rf"grade([1-{TILES}])")
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

    def __post_init__(self) -> None:
        count = len(self.images)
        if not 1 <= count <= TILES or len(self.items) != count:
            raise ValueError(f"a page has 1 to {TILES} images and an item for each; found {count}, {len(self.items)}")
        if len(self.guesses) not in (0, count) or len(self.votes) not in (0, count):
            raise ValueError(f"guesses and votes are for all {count} images of a page or for none")


@dataclass(frozen=True)
class FormChoice:
    """What the template knows of a choice for one image.

    `label` and `described` (the label with its definition) are HTML, for Label Studio's attribute `html`.
    """

    choice: str
    label: str
    described: str
    definition: str
    key: str

    @property
    def sign(self) -> str:
        """The key as the form shows it."""
        return self.key.replace("shift+", "⇧")


@dataclass(frozen=True)
class Tile:
    """What the template knows of one image: its position from 1, its choices, and the key that enlarges it."""

    position: int
    answers: tuple[FormChoice, ...]
    enlarge: str


def label_config(template: str, guideline: Guideline, tiles: int) -> str:
    """Fill the template of the form.

    The template (Jinja, autoescaped) may use `tiles` (list of `Tile`), `guideline` and `instructions` (its body
    as HTML). Label Studio sees only what comes out.

    Args:
        template: text of annotation/label_config.xml.
        guideline: gives choices, labels, hints and, for one image, keys.
        tiles: images a page, 1 to 8.

    Raises:
        FieldguideError: the template cannot be filled or gives no XML; says where.
        ProblemsError: what comes out lacks a group of choices, a choice or a field, or has one key twice; all of it.
    """
    if not 1 <= tiles <= TILES:
        raise FieldguideError(f"a page has 1 to {TILES} images, found {tiles} (annotate.page in params.yaml)")
    environment = ImmutableSandboxedEnvironment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    values = {
        "tiles": [_tile(guideline, tiles, n) for n in range(1, tiles + 1)],
        "guideline": guideline,
        "instructions": instructions(guideline),
    }
    try:
        config = environment.from_string(template).render(values).strip()
        root = ElementTree.fromstring(config)  # noqa: S314 - the curator's own file; no entities are declared in it
    except jinja2.TemplateSyntaxError as error:
        raise FieldguideError(f"label_config.xml:{error.lineno}: not a template: {error.message}") from None
    except jinja2.TemplateError as error:
        raise FieldguideError(
            f"label_config.xml: {error.message}; it may use tiles, guideline and instructions"
        ) from None
    except ElementTree.ParseError as error:
        raise FieldguideError(f"label_config.xml, filled for {tiles} images: not XML: {error}") from None
    problems = [*_missing(root, guideline, tiles), *_twice(root)]
    if problems:
        raise ProblemsError(
            f"label_config.xml, filled for {tiles} images, is no form for {guideline.version}:", problems
        )
    return config


def instructions(guideline: Guideline) -> str:
    """The guidelines as HTML: the body, and the choices with their definitions. Raw HTML in the body is text."""
    rows = Markup("").join(
        Markup("<tr><td><b>{}</b></td><td>{}</td><td>{}</td></tr>").format(
            "" if answer.grade is None else answer.grade, answer.label, answer.definition
        )
        for answer in guideline.answers
    )
    # Label Studio shows line ends of this text as such; between tags they are not meant.
    body = re.sub(r"\s*\n\s*", " ", MarkdownIt("commonmark", {"html": False}).enable("table").render(guideline.body))
    return f"<table>{rows}</table>{body}".strip()


def task_data(asked: ShownPage) -> dict[str, Any]:
    """What the server is given of a page. All that the form shows is HTML, in which the texts are escaped."""
    tiles = {f"tile{n}": "" for n in range(1, TILES + 1)}
    tiles |= {f"tile{n}": _picture(address, f"image {n}") for n, address in enumerate(asked.images, 1) if address}
    return {
        "page_key": asked.page_key,
        "question": str(escape(asked.question)),
        "entity": str(escape(asked.entity)),
        "feature": str(escape(asked.feature)),
        "part": str(escape(asked.part)),
        "references": "".join(_picture(address, asked.entity) for address in asked.references[:REFERENCES]),
        "image": asked.images[0],
        "votes": "; ".join(_tally(votes) for votes in asked.votes),
        "blanks": [{"value": n, "selected": True, "hotkey": _NO_KEY} for n in _blank(asked, TILES)],
        "items": [{"task_key": key, "image_id": image} for key, image in asked.items],
        **tiles,
    }


def predictions(asked: ShownPage, guideline: Guideline, tiles: int) -> list[dict[str, Any]]:
    """A sighted page's guesses, as the server takes them; none for a blind page.

    Raises:
        ValueError: a guess is no choice of the guideline.
    """
    shown = zip(asked.guesses, asked.images, strict=False)
    given = {n: guess for n, (guess, address) in enumerate(shown, 1) if guess is not None and address}
    unknown = sorted(set(given.values()) - set(guideline.choices))
    if unknown:
        raise ValueError(f"guesses {', '.join(unknown)} are no choices of {guideline.version}")
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


def _tile(guideline: Guideline, tiles: int, position: int) -> Tile:
    alone = tiles == 1
    if not alone and len(guideline.answers) > len(_ROWS):
        raise FieldguideError(
            f"guidelines {guideline.version} have {len(guideline.answers)} answers, and a page of several images has "
            f"keys for {len(_ROWS)}: set annotate.page to 1 in params.yaml, or have fewer answers"
        )
    answers = (
        FormChoice(
            choice=answer.choice,
            label=str(escape(answer.label)),
            described=str(Markup("<b>{}</b> <small>{}</small>").format(answer.label, answer.definition)),
            definition=answer.definition,
            key=answer.key if alone else _ROWS[row][position - 1],
        )
        for row, answer in enumerate(guideline.answers)
    )
    return Tile(position, tuple(answers), "z" if alone else _ENLARGE[position - 1])


def _missing(root: ElementTree.Element, guideline: Guideline, tiles: int) -> list[Problem]:
    groups = {group.get("name"): group for group in root.iter("Choices")}
    problems = []
    for n in range(1, tiles + 1):
        group = groups.get(f"grade{n}")
        if group is None:
            problems.append(Problem(f'<Choices name="grade{n}">', f"is missing; image {n} cannot be judged without it"))
            continue
        values = [choice.get("value") for choice in group.iter("Choice")]
        if sorted(map(str, values)) != sorted(guideline.choices):
            what = f"has the choices {', '.join(map(str, values)) or 'none'}; needed: {', '.join(guideline.choices)}"
            problems.append(Problem(f'<Choices name="grade{n}">', what))
        if group.get("toName") != f"tile{n}":
            problems.append(Problem(f'<Choices name="grade{n}">', f'needs toName="tile{n}"'))
    return problems


def _twice(root: ElementTree.Element) -> list[Problem]:
    keys = Counter(key for choice in root.iter("Choice") if (key := choice.get("hotkey")))
    return [Problem(f'hotkey="{key}"', f"is given to {count} choices") for key, count in keys.items() if count > 1]


def _blank(asked: ShownPage, tiles: int) -> list[str]:
    """Positions that have no image to show."""
    return [str(n) for n in range(1, tiles + 1) if n > len(asked.images) or not asked.images[n - 1]]


def _picture(address: str, words: str) -> str:
    return str(Markup('<img src="{}" alt="{}">').format(address, words))


def _tally(votes: tuple[str, ...]) -> str:
    counts = sorted(Counter(votes).items())  # by choice, so that the order says nothing of who gave it
    return str(Markup(", ").join(Markup("<b>{}</b> × {}").format(choice, count) for choice, count in counts))
