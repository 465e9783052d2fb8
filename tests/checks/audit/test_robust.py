"""Whatever a published file holds, every check ends, and says the same twice."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.checks.audit.run import audit
from fieldguide.checks.audit.subject import AuditSubject
from fieldguide.formats.collection import PublishedBenchmark, PublishedPool, PublishedQuestion
from fieldguide.formats.deviations import Deviation
from tests.checks.audit.synthetic import folder, scores

TEXTS = st.sampled_from(
    [
        "",
        " ",
        "Which one has it, a or b?",
        "which on has a a?",
        "Yes.",
        "no",
        "(Aus bus)",
        "x (scientific name: Aus bus)",
    ]
) | st.text(max_size=30)
IMAGES = st.sampled_from(["a.jpg", "f/a.jpg", "f/b.jpg", "", "../x", "/etc/passwd", f"{folder(1, 'Aus bus')}/1.jpg"])
LABELS = st.dictionaries(IMAGES, st.sampled_from([None, -1, 0, 1, 2]), max_size=5)
VALUES = st.none() | st.booleans() | st.floats() | st.integers() | TEXTS | st.lists(st.integers() | TEXTS, max_size=3)


@st.composite
def collections(draw: st.DrawFn) -> PublishedBenchmark:
    questions = []
    for n in range(1, draw(st.integers(0, 6)) + 1):
        pools = tuple(
            PublishedPool(f"t{n}.e{e}", f"entity_{e}", draw(st.none() | TEXTS), draw(LABELS), f"f:{n} entity_{e}")
            for e in range(1, draw(st.integers(0, 3)) + 1)
        )
        fields = draw(st.dictionaries(st.sampled_from(["x", "y", "sn"]), VALUES, max_size=3))
        answers = tuple(draw(st.lists(TEXTS, max_size=2)))
        questions.append(PublishedQuestion(f"t{n}", draw(TEXTS), answers, pools, fields, f"f:{n}"))
    return PublishedBenchmark("any", "csv", tuple(questions), (Deviation("f:1", draw(TEXTS), "odd"),))


@settings(max_examples=60, deadline=None)
@given(collections(), TEXTS)
def test_every_check_ends_and_repeats_itself(collection: PublishedBenchmark, prompt: str) -> None:
    given_too = {"prompts": {"p": prompt}, "images": Path(__file__).parent, "scores": scores(hit_at_1=0.5)}
    once = audit(AuditSubject(collection, **given_too))  # type: ignore[arg-type]
    again = audit(AuditSubject(collection, **given_too))  # type: ignore[arg-type]
    assert once == again
    assert not once.not_run
