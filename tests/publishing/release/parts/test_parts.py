"""Vectors and drawings go into a release where they are asked for, and are held against the rest of it."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fieldguide.core.errors import ProblemsError
from fieldguide.core.files import read_json, sha256_file, write_json
from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.publishing.release.make import make_release
from fieldguide.publishing.release.verify import verify_release
from fieldguide.records.drawings import DRAWINGS
from fieldguide.records.embeddings import Embeddings, text_key
from fieldguide.records.topics import read_topics
from tests.builders import ENCODER, rewrite, tiny_params
from tests.finished import finished_benchmark
from tests.publishing.release.test_release import digests, sign, told

PARTS = ["vectors", "drawings"]


@pytest.fixture(scope="module")
def params() -> Params:
    return tiny_params(release={"sources": {}, "parts": PARTS})


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory, params: Params) -> Paths:
    """Not to be changed."""
    paths = finished_benchmark(tmp_path_factory.mktemp("parts"), params)
    make_release(params, paths)
    return paths


def test_what_is_not_asked_for_is_not_there_and_the_rest_stays_as_it_is(paths: Paths, tmp_path: Path) -> None:
    without = finished_benchmark(tmp_path, tiny_params())
    make_release(tiny_params(), without)
    plain, full = digests(without.release), digests(paths.release)
    assert not [name for name in plain if name.startswith(("vectors/", "drawings/"))]
    differing = {name for name in plain if plain[name] != full[name]}
    assert differing == {"README.md", "LICENSE.txt", "datasheet.md", "params.yaml", "croissant.json", "SHA256SUMS"}
    card = (without.release / "README.md").read_text()
    assert "`vectors/`" not in card and "`drawings/`" not in card


def test_a_system_finds_what_it_needs_without_the_photographs(paths: Paths) -> None:
    verify_release(paths.release)
    corpus, queries = (Embeddings.open(paths.release / "vectors" / ENCODER / half) for half in ("corpus", "queries"))
    assert len(corpus.keys("image")) == 23 and corpus.meta.encoder == ENCODER and corpus.meta.revision == "r1"
    topic = read_topics(paths.release / "topics.jsonl")[0]
    assert text_key(topic.text) in queries.keys("question")
    drawn = DRAWINGS.read(paths.release / "drawings" / "drawings.parquet")
    assert set(queries.keys("drawing")) == set(drawn["drawing_id"])
    assert {"`vectors/`", "`drawings/`"} <= set((paths.release / "README.md").read_text().split())
    assert "vectors/ holds features that encoders computed of all photographs" in " ".join(
        (paths.release / "LICENSE.txt").read_text().split()
    )
    listed = {file["@id"] for file in read_json(paths.release / "croissant.json")["distribution"]}
    assert {f"vectors/{ENCODER}/corpus/vectors.npy", "drawings/00000.tar", "drawings/drawings.parquet"} <= listed


def test_each_drawing_has_its_prompt_and_seed_beside_it_and_lies_where_the_table_says(paths: Paths) -> None:
    before = DRAWINGS.read(paths.drawings).set_index("drawing_id")
    after = DRAWINGS.read(paths.release / "drawings" / "drawings.parquet").set_index("drawing_id")
    assert list(before.index) == list(after.index)
    with tarfile.open(paths.release / "drawings" / "00000.tar") as tar:
        names = tar.getnames()
        for drawing, row in after.iterrows():
            told_of = json.loads(tar.extractfile(f"{drawing}.json").read())  # type: ignore[union-attr]
            assert (told_of["prompt"], told_of["seed"], told_of["index"]) == (row["prompt"], row["seed"], row["index"])
            picture = tar.extractfile(f"{drawing}.png").read()  # type: ignore[union-attr]
            shard = paths.drawings.parent / str(before.loc[drawing, "shard"])
            old = before.loc[drawing]
            assert picture == shard.read_bytes()[old["offset"] : old["offset"] + old["size"]]
            member = (paths.release / "drawings" / "00000.tar").read_bytes()
            assert member[row["offset"] : row["offset"] + row["size"]] == picture
    assert names == [f"{drawing}.{suffix}" for drawing in sorted(after.index) for suffix in ("png", "json")]


def test_failed_drawings_stay_in_the_table(tmp_path: Path, params: Params) -> None:
    paths = finished_benchmark(tmp_path, params)
    frame = DRAWINGS.read(paths.drawings)
    first = frame["drawing_id"][0]
    gone = {
        name: frame[name].astype(object).where(frame["drawing_id"] != first, None)
        for name in ("shard", "offset", "size")
    }
    status = frame["status"].where(frame["drawing_id"] != first, "failed")
    rewrite(DRAWINGS, paths.drawings, status=status, **gone)
    make_release(params, paths)
    verify_release(paths.release)
    after = DRAWINGS.read(paths.release / "drawings" / "drawings.parquet")
    assert len(after) == len(frame) and (after["status"] == "failed").sum() == 1


def test_what_is_missing_is_told_with_everything_else(tmp_path: Path, params: Params) -> None:
    paths = finished_benchmark(tmp_path, params)
    gone = [paths.embeddings(ENCODER) / "vectors.npy", paths.queries(ENCODER) / "index.parquet", paths.judgments]
    for path in gone:
        path.unlink()
    with pytest.raises(ProblemsError, match="the release cannot be made; these files are missing") as caught:
        make_release(params, paths)
    assert {problem.where for problem in caught.value.problems} == {str(path) for path in gone}


def test_parts_that_there_are_not_are_refused() -> None:
    with pytest.raises(ProblemsError, match=r"release\.parts\.0"):
        tiny_params(release={"sources": {}, "parts": ["weights"]})
    with pytest.raises(ProblemsError, match="more than once"):
        tiny_params(release={"sources": {}, "parts": ["vectors", "vectors"]})


def _vectors(half: str, edit: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    def defect(folder: Path) -> None:
        path = folder / "vectors" / ENCODER / half / "vectors.npy"
        np.save(path, edit(np.load(path)))

    return defect


def _meta(half: str, **values: object) -> Callable[[Path], None]:
    def defect(folder: Path) -> None:
        path = folder / "vectors" / ENCODER / half / "meta.json"
        write_json(path, read_json(path) | values)

    return defect


def _swap(folder: Path) -> None:
    place = folder / "vectors" / ENCODER
    (place / "corpus").rename(place / "x")
    (place / "queries").rename(place / "corpus")
    (place / "x").rename(place / "queries")


def _other_prompt(folder: Path) -> None:
    rewrite(DRAWINGS, folder / "drawings" / "drawings.parquet", prompt=lambda f: ["other", *f["prompt"][1:]])


def _moved(folder: Path) -> None:
    rewrite(DRAWINGS, folder / "drawings" / "drawings.parquet", offset=lambda f: [0, *f["offset"][1:]])


def _one_more(folder: Path) -> None:
    with tarfile.open(folder / "drawings" / "00000.tar", "a") as tar:
        tar.addfile(tarfile.TarInfo("extra.png"))


_ROWS = f"vectors/{ENCODER}/{{}}/vectors.npy: row 0 has the length {{}};"
DEFECTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a row less": (_vectors("corpus", lambda v: v[1:]), f"vectors/{ENCODER}/corpus/"),
    "no direction": (_vectors("queries", lambda v: v * 2), _ROWS.format("queries", 2)),
    "not a number": (_vectors("corpus", lambda v: v * np.nan), _ROWS.format("corpus", "nan")),
    "another revision": (_meta("corpus", revision="r2"), f"vectors/{ENCODER}"),
    "halves exchanged": (_swap, f"vectors/{ENCODER}/corpus/index.parquet: is of other images"),
    "an encoder less": (lambda f: shutil.rmtree(f / "vectors" / ENCODER), f"vectors/{ENCODER}: is missing"),
    "an encoder more": (
        lambda f: shutil.copytree(f / "vectors" / ENCODER, f / "vectors" / "other"), "vectors/other: is of an encoder",
    ),
    "a prompt": (_other_prompt, "drawings/00000.tar: "),
    "a place": (_moved, "drawings/00000.tar: "),
    "a drawing more": (_one_more, "drawings/00000.tar: holds extra, which drawings/drawings.parquet"),
    "no tar": (lambda f: (f / "drawings" / "00000.tar").write_bytes(b"x" * 999), "drawings/00000.tar: is not a"),
    "a tar less": (lambda f: (f / "drawings" / "00000.tar").unlink(), "drawings/00000.tar: lacks drawing"),
    "no table": (lambda f: (f / "drawings" / "drawings.parquet").write_bytes(b"x"), "drawings/drawings.parquet: "),
    "a part that is not named": (
        lambda f: (f / "params.yaml").write_text((f / "params.yaml").read_text().replace("  - vectors\n", "")),
        "vectors: is there, and release.parts of params.yaml does not name it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_in_a_part_is_found_behind_right_checksums(folder: Path, name: str) -> None:
    before = sha256_file(folder / "SHA256SUMS")
    defect, what = DEFECTS[name]
    defect(folder)
    sign(folder)
    assert sha256_file(folder / "SHA256SUMS") != before
    found = told(folder)
    assert [problem for problem in found if problem.startswith(what)], found
