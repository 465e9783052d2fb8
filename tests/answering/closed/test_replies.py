from __future__ import annotations

import pytest

from fieldguide.answering.closed.replies import reasoning, stated_answer


@pytest.mark.parametrize(
    ("reply", "answer", "before"),
    [
        ("### Reasoning\nIt is red.\n### Answer\nYes.", "Yes.", "It is red."),
        ("It is red.\nAnswer: yes", "yes", "It is red."),
        ("### Answer\nno\n### Answer\nyes", "yes", "no"),
    ],
)
def test_an_answer_of_its_own_and_what_stands_before_it(reply: str, answer: str, before: str) -> None:
    assert stated_answer(reply) == (answer, True)
    assert reasoning(reply) == before


def test_a_reply_without_a_heading_is_the_answer_as_a_whole() -> None:
    assert stated_answer(" It answers to its name. ") == ("It answers to its name.", False)
    assert reasoning(" It is red. ") == "It is red."


def test_a_heading_with_nothing_below_states_nothing() -> None:
    assert stated_answer("### Reasoning\nIt is red.\n### Answer\n") == ("", True)
    assert reasoning("### Reasoning\nIt is red.\n### Answer\n") == "It is red."
