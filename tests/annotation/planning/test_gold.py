"""Gold: what is read, and that everything wrong with it is told at once."""

from collections import Counter
from pathlib import Path

import pytest

from fieldguide.annotation.judgments.guidelines import DATASET_LABEL, read_guideline
from fieldguide.annotation.planning.gold import read_gold
from fieldguide.core.errors import FieldguideError, ProblemsError
from tests.conftest import REPOSITORY

HEAD = "subtopic_id,image_id,grade\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gold.csv"


def test_gold_is_read_as_it_is_written(path: Path) -> None:
    path.write_text("\ufeff" + HEAD + "t1.e1, i1 ,1\n\nt1.e1,i2,0\r\n", encoding="utf-8")
    gold = read_gold(path, DATASET_LABEL)
    assert gold == {("t1.e1", "i1"): 1, ("t1.e1", "i2"): 0}


def test_everything_wrong_is_told_with_its_line(path: Path) -> None:
    path.write_text(HEAD + "t1.e1,i1,1\nt1.e1,i1,0\nt9.e1,i9,2\nt1.e1,i2\nt1.e1,,0\nt1.e1,i2,yes\n", encoding="utf-8")
    with pytest.raises(ProblemsError) as error:
        read_gold(path, DATASET_LABEL)
    assert str(error.value).splitlines() == [
        f"{path}: not valid gold:",
        f"  {path}:3: i1 for t1.e1 is in line 2 already",
        f"  {path}:4: grade '2' is not in dataset-label-1; allowed: 0, 1",
        f"  {path}:5: must have subtopic_id, image_id, grade; found t1.e1,i2",
        f"  {path}:6: must have subtopic_id, image_id, grade; found t1.e1,,0",
        f"  {path}:7: grade 'yes' is not in dataset-label-1; allowed: 0, 1",
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, ": no such file; annotate.gold in params.yaml names it"),
        (b"\xff\xfe", ":1: is UTF-16 text; save the file as UTF-8"),
        (b"", ":1: must be subtopic_id,image_id,grade; found nothing"),
        (b"subtopic_id;image_id;grade\n", ":1: must be subtopic_id,image_id,grade; found subtopic_id;image_id;grade"),
        (HEAD.encode(), ": holds no gold; add rows, or set annotate.gold_share to 0"),
    ],
)
def test_a_file_that_is_no_gold_says_what_to_do(path: Path, data: bytes | None, message: str) -> None:
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(FieldguideError) as error:
        read_gold(path, DATASET_LABEL)
    assert str(error.value) == f"{path}{message}"


def test_the_examples_gold_fits_its_guidelines_and_both_ends_of_the_scale() -> None:
    gold = read_gold(
        REPOSITORY / "annotation" / "gold.csv", read_guideline(REPOSITORY / "annotation" / "guidelines.md")
    )
    assert len(gold) == 42
    assert len({subtopic for subtopic, _ in gold}) == 42
    assert Counter(gold.values()) == {2: 22, 0: 20}
