"""Images that nobody can be asked about are kept with the judgments."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldguide.annotation.progress.excluded_images import excluded_pairs, read_excluded, write_excluded
from fieldguide.core.errors import FieldguideError
from tests.annotation.real_server import people_params
from tests.annotation.served_plan import small_plan


def test_what_is_written_is_read_and_nothing_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "unshowable.json"
    assert read_excluded(path) == {}
    write_excluded(path, {"b": "not in the corpus", "a": "broken"})
    assert read_excluded(path) == {"a": "broken", "b": "not in the corpus"}
    write_excluded(path, {})
    assert not path.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not valid JSON"),
        ('{"schema_version": 1, "images": {"a": 3}}', r"images\.a: .*string.*delete it"),
        ('{"schema_version": 2, "images": {}}', "schema version 2; this program reads 1"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "unshowable.json"
    path.write_text(text)
    with pytest.raises(FieldguideError, match=said) as told:
        read_excluded(path)
    assert str(path) in str(told.value)


def test_every_pair_with_such_an_image_is_meant_and_no_other() -> None:
    plan = small_plan(people_params(page=2, overlap=2), subtopics=2, images=4)
    lost = str(plan["image_id"].iloc[0])
    found = excluded_pairs(plan, {lost: "broken", "0" * 16: "never asked"})
    assert set(found) == {(s, i) for s, i in zip(plan["subtopic_id"], plan["image_id"], strict=True) if i == lost}
    assert set(found.values()) == {"broken"}
