"""Questions and replies: put together by number, refused in words, printed without steering a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fieldguide.annotation.correspondence.log import AssessorQuestion, append, read
from fieldguide.annotation.correspondence.threads import reply, threads
from fieldguide.annotation.manager import Annotation
from fieldguide.annotation.planning.section import Annotate
from fieldguide.cli import annotate
from fieldguide.cli.main import app
from fieldguide.cli.views.annotate import question_lines
from fieldguide.core.errors import ProblemsError
from fieldguide.core.paths import Paths

AT = "2026-03-02T09:00:00+00:00"


def asked(
    text: str = "Is this one?", by: str = "ada", image: str | None = "i1", flag: bool = False
) -> AssessorQuestion:
    return AssessorQuestion(at=AT, by=by, page_key="p1", subtopic_id="t1.e1", image_id=image, flag=flag, text=text)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = Paths(tmp_path).correspondence
    append(path, [asked(), asked("private: \x1b[2Jperson", "ben", None, flag=True)])
    return path


def test_replies_are_with_their_questions(path: Path) -> None:
    first = reply(path, 1, "  Yes. \n", faq=True, at=AT)
    second = reply(path, 1, "And the next one too.", faq=False, at=AT)
    assert first.replies == second.replies[:1]
    one, other = threads(read(path))
    assert [(r.number, r.by, r.faq, r.text) for r in one.replies] == [
        (3, "manager", True, "Yes."),
        (4, "manager", False, "And the next one too."),
    ]
    assert (one.open, other.open, other.flag, other.image_id) == (False, True, True, None)


@pytest.mark.parametrize(
    ("number", "text", "words"),
    [
        (7, " ", ["question 7: is not there; there are: 1, 2", "the reply: has no text"]),
        (0, "yes", ["question 0: is not there; there are: 1, 2"]),
        (1, "\n", ["the reply: has no text"]),
        (1, "x" * 4001, ["the reply: has 4001 characters; at most 4000 are taken"]),
    ],
)
def test_what_is_no_reply_is_refused_and_nothing_is_written(
    path: Path, number: int, text: str, words: list[str]
) -> None:
    before = path.read_bytes()
    with pytest.raises(ProblemsError) as refused:
        reply(path, number, text, faq=False, at=AT)
    assert [str(problem) for problem in refused.value.problems] == words
    assert path.read_bytes() == before


def test_a_line_that_is_no_question_has_no_reply(path: Path) -> None:
    reply(path, 1, "Yes.", faq=False, at=AT)
    with pytest.raises(ProblemsError, match="question 3: is not there"):
        reply(path, 3, "No.", faq=False, at=AT)


def test_where_nobody_asked_there_is_nothing_to_reply_to(tmp_path: Path) -> None:
    with pytest.raises(ProblemsError, match="there are: none"):
        reply(Paths(tmp_path).correspondence, 1, "Yes.", faq=False, at=AT)
    assert list(question_lines([])) == ["0 of 0 questions are open"]


def test_open_questions_come_first_and_nothing_steers_the_terminal(path: Path) -> None:
    reply(path, 1, "Yes.", faq=True, at=AT)
    assert list(question_lines(threads(read(path)))) == [
        f"2  ben, {AT}, t1.e1 (open, flagged)",
        "    private: \\x1b[2Jperson",
        f"1  ada, {AT}, t1.e1, image i1 (answered)",
        "    Is this one?",
        f"    manager, {AT} (to everybody):",
        "    Yes.",
        '1 of 2 questions are open; `fieldguide annotate reply NUMBER "TEXT"`',
    ]


def test_the_commands(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    annotation = Annotation(Paths(path.parents[2]), Annotate(), "tiny")
    monkeypatch.setattr(annotate, "_annotation", lambda: annotation)
    run = CliRunner().invoke
    assert run(app, ["annotate", "reply", "1", "Yes.", "--faq"]).stdout == (
        "replied to question 1 of ada, and shown to everybody below the guidelines\n"
    )
    assert "1 of 2 questions are open" in run(app, ["annotate", "questions"]).stdout
    told = json.loads(run(app, ["annotate", "questions", "--json"]).stdout)
    assert [(one["number"], [r["text"] for r in one["replies"]]) for one in told] == [(1, ["Yes."]), (2, [])]
    refused = run(app, ["annotate", "reply", "9", "Yes."])
    assert refused.exit_code != 0 and isinstance(refused.exception, ProblemsError)
