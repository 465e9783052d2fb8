from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from fieldguide.answering.question import Question, Shown
from fieldguide.core.errors import FieldguideError
from tests.answering.benchmark import question, shown, topic
from tests.models.endpoint import png


def test_a_question_is_known_by_all_that_an_answerer_gets(tmp_path: Path) -> None:
    one, other = shown(tmp_path, png(colour=(1, 1, 1)), png(colour=(2, 2, 2)))
    asked = topic("Which?", ("kite", "jay"))
    same = question(asked, (one,), (other,))
    renamed = dataclasses.replace(same, entities=(same.entities[0]._replace(name="red kite"), same.entities[1]))
    questions = [
        same,
        question(asked, (other,), (one,)),
        question(asked, (one, other)),
        question(asked, (other, one)),
        question(asked),
        question(asked, (one._replace(kind="drawing"),), (other,)),
        question(topic("Which one?", ("kite", "jay")), (one,), (other,)),
        Question(asked, same.entities[::-1]),
        renamed,
    ]
    assert len({made.key for made in questions}) == len(questions)
    # Where its bytes lie, what it is called and whether it is relevant is nothing that an answerer gets.
    moved = one._replace(key="another", payload="elsewhere", relevant=False)
    assert question(asked, (moved,), (other,)).key == same.key


def test_what_is_no_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(FieldguideError, match="caption i1 is no image"):
        Shown("caption", "i1", "c", "a red bird").image()
    (broken,) = shown(tmp_path, b"these bytes are no image")
    with pytest.raises(FieldguideError, match=f"image {broken.key}: "):
        broken.image()
