"""Guidelines are refused when they are read, not when somebody submits."""

from pathlib import Path

import pytest

from fieldguide.annotation.judgments.guidelines import read_guideline
from fieldguide.core.errors import ProblemsError
from tests.annotation.real_server import REPOSITORY

FILE = REPOSITORY / "annotation" / "guidelines.md"


@pytest.mark.parametrize("other", ["3", "null"])
def test_guidelines_without_an_answer_of_grade_0_are_refused_when_they_are_read(tmp_path: Path, other: str) -> None:
    """Pages of thumbnails give it to all that is not marked."""
    text = FILE.read_text(encoding="utf-8")
    assert 0 in read_guideline(FILE).grades and text.count("grade: 0") == 1
    changed = tmp_path / "guidelines.md"
    changed.write_text(text.replace("grade: 0", f"grade: {other}"), encoding="utf-8")
    with pytest.raises(ProblemsError, match=r"grade 0 .not relevant. and at least one grade above it must have an"):
        read_guideline(changed)
