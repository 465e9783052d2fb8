"""A source of many tars: folders, patterns and braces; what is missing, hidden or outside is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.files import write_tar
from fieldguide.corpus.sources.patterns import braces
from fieldguide.corpus.sources.reading import missing_sources, part_key, read_source, split_source, untracked_sources
from fieldguide.corpus.sources.section import ImageSource


def source(path: str, **values: Any) -> ImageSource:
    return ImageSource.model_validate({"name": "s", "kind": "tar", "path": path, **values})


def tars(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write_tar(root / name, [("gala/1.jpg", name.encode()), ("2.jpg", b"2" + name.encode())])


def keys(root: Path, path: str, say: Callable[[str], None] = lambda _: None) -> list[str]:
    return [one.key for one in read_source(source(path), root, say)]


def problems(root: Path, path: str) -> list[str]:
    return [problem.what for problem in missing_sources([source(path)], root)]


@pytest.mark.parametrize(
    "path", ["t", "t/*.tar", "t/{00..01}.tar", "t/0?.tar", "t/0[01].tar", "t/{00,01}.*", "t/**/*.tar"]
)
def test_keys_are_prefixed_by_the_name_of_their_tar(tmp_path: Path, path: str) -> None:
    tars(tmp_path, "t/01.tar", "t/00.tar")
    found = list(read_source(source(path), tmp_path))
    assert [one.key for one in found] == [
        f"{tar}.tar/{name}" for tar in ("00", "01") for name in ("gala/1.jpg", "2.jpg")
    ]
    assert [one.entity for one in found] == ["gala", None] * 2  # the folder inside the tar, not the tar's name
    assert [one.data for one in found][::2] == [b"t/00.tar", b"t/01.tar"]
    assert problems(tmp_path, path) == []


def test_one_tar_more_renames_nothing_and_changes_no_other_part(tmp_path: Path) -> None:
    tars(tmp_path, "t/b.tar")
    before = keys(tmp_path, "t"), {part_key(part, tmp_path) for part in split_source(source("t"), tmp_path)}
    assert before[0] == ["b.tar/gala/1.jpg", "b.tar/2.jpg"]
    tars(tmp_path, "t/a/a.tar")
    after = keys(tmp_path, "t"), {part_key(part, tmp_path) for part in split_source(source("t"), tmp_path)}
    assert set(before[0]) < set(after[0]) and before[1] < after[1]


def test_the_same_tar_under_another_name_is_another_key(tmp_path: Path) -> None:
    tars(tmp_path, "t/a.tar")
    (tmp_path / "t/b.tar").write_bytes((tmp_path / "t/a.tar").read_bytes())
    assert len({part_key(part, tmp_path) for part in split_source(source("t"), tmp_path)}) == 2


def test_a_tar_whose_name_looks_like_a_pattern_is_itself(tmp_path: Path) -> None:
    tars(tmp_path, "t/a[1].tar")
    assert keys(tmp_path, "t/a[1].tar") == ["gala/1.jpg", "2.jpg"] and problems(tmp_path, "t/a[1].tar") == []


def test_every_tar_that_braces_name_and_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    tars(tmp_path, "t/000.tar", "t/002.tar")
    (tmp_path / "t/003.tar").mkdir()
    told = ["t/001.tar: no such tar", "t/003.tar: is no file", "t/004.tar: no such tar"]
    assert problems(tmp_path, "t/{000..004}.tar") == told
    with pytest.raises(ProblemsError, match="source 's' cannot be read") as error:
        keys(tmp_path, "t/{000..004}.tar")
    assert [str(problem) for problem in error.value.problems] == told


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("t", "t: holds no tar; their names end in .tar"),
        ("t/*.tar", "t/*.tar: no such tar"),
        ("none/*.tar", "none/*.tar: no such tar"),
        ("t/{x,y}*.tar", "t/x*.tar: no such tar"),
        ("t/{9..1}.tar", "t/{9..1}.tar: {9..1} runs backwards or too far; {000..099} are a hundred"),
        ("t/{0..999999999}.tar", "{0..999999999} runs backwards or too far"),
        ("t/{0..99999}{0..9}.tar", "means 1,000,000 files; 100,000 are read at most"),
        ("t/{one}.tar", "{one} is neither numbers as {000..099} nor words as {train,val}"),
        ("t/{0..99999999999999999999}.tar", "is neither numbers"),
        ("t/a**.tar", "source 's': Invalid pattern"),
        ("t/{a", "t/{a: no such tar"),
    ],
)  # fmt: skip
def test_patterns_that_mean_nothing_are_told(tmp_path: Path, path: str, words: str) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t/notes.txt").write_text("x")
    assert words in problems(tmp_path, path)[0]
    with pytest.raises(FieldguideError):
        keys(tmp_path, path)


def test_tars_outside_the_folder_are_refused(tmp_path: Path) -> None:
    tars(tmp_path, "secret.tar", "t/a.tar")
    (tmp_path / "t/b.tar").symlink_to("../secret.tar")
    (tmp_path / "t/c.tar").symlink_to("a.tar")
    for path in ("t", "t/*.tar", "t/{a,b,c}.tar"):
        assert problems(tmp_path, path) == ["t/b.tar: lies outside t/, the source's folder"]


@pytest.mark.parametrize("path", ["*.tar", "t/../*.tar", "{a,b}/1.tar", "t*/1.tar"])
def test_a_pattern_begins_with_a_folder_that_dvc_can_watch(path: str) -> None:
    with pytest.raises(ValidationError, match="a pattern of tars begins with the folder that they lie in"):
        source(path)


def test_what_is_not_read_is_told(tmp_path: Path) -> None:
    tars(tmp_path, "t/a.tar", "t/._b.tar", "t/@eaDir/c.tar", "elsewhere/d.tar")
    (tmp_path / "t/notes.txt").write_text("x")
    (tmp_path / "t/link").symlink_to(tmp_path / "elsewhere")
    told: list[str] = []
    assert keys(tmp_path, "t", told.append) == ["a.tar/gala/1.jpg", "a.tar/2.jpg"]
    assert told == ["source s: not named like tars, and not read: t/._b.tar, t/@eaDir/, t/link/, t/notes.txt"]
    told.clear()
    assert keys(tmp_path, "t/*.tar", told.append) == ["a.tar/gala/1.jpg", "a.tar/2.jpg"]
    assert told == ["source s: what programs left there, or is hidden, is not read: t/._b.tar"]


def test_a_damaged_tar_among_many_is_named(tmp_path: Path) -> None:
    tars(tmp_path, "t/a.tar", "t/b.tar")
    (tmp_path / "t/b.tar").write_bytes(b"no tar")
    with pytest.raises(FieldguideError, match=r"t/b\.tar: source 's': not a tar, or damaged"):
        keys(tmp_path, "t")


def test_dvc_has_to_watch_the_folder_of_a_pattern(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").write_text("stages: {ingest: {cmd: x, deps: [data/tars]}}")
    tars(tmp_path, "data/tars/x/a.tar", "data/other/a.tar")
    assert list(untracked_sources([source("data/tars/*/{a,b}.tar"), source("data/tars/x")], tmp_path)) == []
    assert len(list(untracked_sources([source("data/{other,tars}/a.tar"), source("data/other/*")], tmp_path))) == 2


def test_patterns_of_other_kinds_are_told(tmp_path: Path) -> None:
    other = ImageSource.model_validate({"name": "s", "kind": "parquet", "path": "t/*.parquet"})
    missing, pattern = missing_sources([other], tmp_path)
    assert "no such file" in missing.what
    assert pattern.what == "t/*.parquet: a pattern means several files of kinds tar and webdataset alone"


def test_braces_keep_the_digits_of_the_first_number() -> None:
    assert list(braces("a{08..11}{x,y}")) == [f"a{n}{c}" for n in ("08", "09", "10", "11") for c in "xy"]
    assert list(braces("a")) == ["a"]
