"""Near duplicates with different grades are named; what only looks like that is not."""

import pandas as pd

from fieldguide.evaluation.fitness.duplicates import Contradiction, duplicates

IMAGES = pd.DataFrame(
    [("a", None), ("b", "a"), ("c", "a"), ("x", None)], columns=["image_id", "near_duplicate_of"], dtype=object
)
FOUND = pd.DataFrame(
    [("a", "near", "b", 2), ("b", "near", "c", 4), ("x", "exact", "x", 0)],
    columns=["image_id", "kind", "other_image_id", "distance"],
)


def qrels(*rows: tuple[str, str, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["subtopic_id", "image_id", "grade"])


def test_two_near_duplicates_with_different_grades_are_named() -> None:
    found = duplicates(qrels(("t1.e1", "b", 0), ("t1.e1", "a", 1), ("t1.e1", "c", 0)), IMAGES, FOUND)
    assert found.pairs == 3
    assert found.contradictions == (
        Contradiction("t1.e1", "a", "b", 1, 0, 2),
        Contradiction("t1.e1", "a", "c", 1, 0, None),  # near by b only
    )


def test_the_same_grade_another_subtopic_or_an_image_that_merely_exists_is_none() -> None:
    same = qrels(("t1.e1", "a", 1), ("t1.e1", "b", 1), ("t1.e1", "x", 0))
    assert duplicates(same, IMAGES, FOUND).contradictions == ()
    apart = duplicates(qrels(("t1.e1", "a", 1), ("t1.e2", "b", 0)), IMAGES, FOUND)
    assert (apart.pairs, apart.contradictions) == (0, ())
