"""The form that assessors see: Label Studio's labelling config, filled from annotation/label_config.xml.

A page shows `tiles` images of one subtopic, each with a group of choices named `grade1`, `grade2`, ... Its keyboard
has two dimensions: a column an image, a row a choice. A page of one image gives it the choices' own keys. What the
form needs beside the answers are groups of choices too (`blank`: tiles that a short page leaves empty; `view`: what
is opened or enlarged); they come back with the answers and say nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from xml.etree import ElementTree

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from fieldguide.annotation.judgments.guidelines import Guideline
from fieldguide.annotation.planning.section import GRID
from fieldguide.core.errors import FieldguideError, Problem, ProblemsError

# On a page of several images: rows of the keyboard, each with a key an image.
_ROWS = (*map(tuple, ("12345678", "qwertyui", "asdfghjk", "zxcvbnm,")), tuple(f"shift+{n}" for n in "12345678"))
_ENLARGE = tuple(f"shift+{key}" for key in "qwertyui")


@dataclass(frozen=True)
class FormChoice:
    """What the template knows of a choice for one image.

    `label` and `described` (the label with its definition) are HTML, for Label Studio's attribute `html`.
    """

    choice: str
    label: str
    described: str
    definition: str
    key: str | None

    @property
    def sign(self) -> str:
        """The key as the form shows it."""
        return (self.key or "").replace("shift+", "⇧")


@dataclass(frozen=True)
class Tile:
    """What the template knows of one image: its position from 1, its choices, and the key that enlarges it.

    Keys are None on pages of more images than the keyboard has columns.
    """

    position: int
    answers: tuple[FormChoice, ...]
    enlarge: str | None


def label_config(template: str, guideline: Guideline, tiles: int) -> str:
    """Fill the template of the form.

    The template (Jinja, autoescaped) may use `tiles` (list of `Tile`), `guideline` and `instructions` (its body
    as HTML). Label Studio sees only what comes out.

    Args:
        template: text of annotation/label_config.xml.
        guideline: gives choices, labels, hints and, for one image, keys.
        tiles: images a page, 1 to 30; more than 8 have no keys.

    Raises:
        FieldguideError: the template cannot be filled or gives no XML; says where.
        ProblemsError: what comes out lacks a group of choices, a choice or a field, or has one key twice; all of it.
    """
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


def _tile(guideline: Guideline, tiles: int, position: int) -> Tile:
    alone, keyless = tiles == 1, tiles > GRID
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
            key=answer.key if alone else None if keyless else _ROWS[row][position - 1],
        )
        for row, answer in enumerate(guideline.answers)
    )
    return Tile(position, tuple(answers), "z" if alone else None if keyless else _ENLARGE[position - 1])


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
