"""The section of stage `answer`: a preset sets its keys, and params that are written out are read again."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from fieldguide.answering.section import PAPER, Answer


def test_a_preset_sets_its_keys_and_no_others_may_stand_beside_it() -> None:
    section = Answer.model_validate({"answerers": ["x"], "preset": "paper", "tracks": ["rerank"]})
    assert {key: getattr(section.settled, key) for key in PAPER} == PAPER
    assert section.settled.tracks == ["rerank"]
    with pytest.raises(ValidationError, match="preset paper sets images, k; leave out the one or the others"):
        Answer.model_validate({"preset": "paper", "images": 2, "k": [7]})


@pytest.mark.parametrize("preset", [None, "paper"])
def test_what_was_written_out_is_read_again(preset: str | None) -> None:
    section = Answer.model_validate({"preset": preset})
    assert Answer.model_validate(section.model_dump(mode="json")) == section


@pytest.mark.parametrize("orders", [[], ["reversed"], ["reversed", "ranked"]])
def test_other_orders_are_compared_with_ranked(orders: list[str]) -> None:
    with pytest.raises(ValidationError, match="begins with ranked"):
        Answer.model_validate({"orders": orders})
