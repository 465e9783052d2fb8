from __future__ import annotations

import multiprocessing
import random
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.files import sha256_bytes, write_tar
from fieldguide.core.paths import Paths
from fieldguide.corpus.ingest.ingest import ingest
from fieldguide.corpus.ingest.labels import slug
from fieldguide.corpus.ingest.summary import IngestSummary
from fieldguide.corpus.sources import parts as parts_module
from fieldguide.corpus.store import pixels as pixels_module
from fieldguide.corpus.store.pixels import open_image
from fieldguide.corpus.store.shards import image_bytes, iter_images, read_images
from fieldguide.records.images import DUPLICATES, REJECTED
from tests.corpus.pictures import (
    animation,
    corpus_bytes,
    encoded,
    folder_source,
    params,
    photo,
    picture,
    png_header,
    write_files,
)

Row = tuple[bytes, str | None, str]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The bytes that were really decoded, as ingest goes on."""
    seen: list[bytes] = []

    def watch(original: Callable[..., Any]) -> Callable[..., Any]:
        def watched(datas: list[bytes], max_pixels: int) -> Any:
            seen.extend(datas)
            return original(datas, max_pixels)

        return watched

    monkeypatch.setattr("fieldguide.corpus.ingest.inspecting.inspect_images", watch(pixels_module.inspect_images))
    return seen


def _table(paths: Paths, rows: list[Row], name: str = "rows.parquet") -> dict[str, Any]:
    """A Parquet source of (bytes, entity, split); every row's key is its place in `rows` when first written."""
    data, entities, splits = zip(*rows, strict=True)
    keys = [f"{n:03d}" for n in range(len(rows))]
    table = pa.table({"bytes": data, "entity": pa.array(entities, pa.string()), "split": splits, "key": keys})
    pq.write_table(table, paths.root / name)
    return {"name": name.split(".", maxsplit=1)[0], "kind": "parquet", "path": name}


def _rejected(paths: Paths) -> dict[str, str]:
    frame = REJECTED.read(paths.rejected)
    return dict(zip(frame["source_key"], frame["reason"], strict=True))


def test_every_bad_file_is_refused_with_its_reason_and_the_run_goes_on(paths: Paths) -> None:
    good = photo(1)
    files = {
        "ok/a.png": good,
        "ok/copy-without-extension": good,
        "x/unreadable.jpg": b"words",
        "x/empty.jpg": b"",
        "x/truncated.png": encoded(picture(3, 90, 90))[:-200],
        "x/animated.gif": animation("GIF"),
        "x/oversized.png": png_header(5000, 5000),
        "x/misnamed.jpg": photo(4),
        "x/unsupported.ico": encoded(picture(5), "ICO"),
        "one/contradictory.png": photo(6),
        "two/contradictory.png": photo(6),
    }
    write_files(paths.root / "photos", files)
    summary = ingest(params(folder_source()), paths)
    reasons = _rejected(paths)
    assert reasons.pop("one/contradictory.png") == reasons.pop("two/contradictory.png") == "contradictory"
    assert reasons == {f"x/{n}": n.split(".")[0] for n in (Path(f).name for f in files if f.startswith("x/"))}
    assert (summary.read, summary.kept, summary.merged) == (11, 1, 1)
    assert sum(summary.rejected.values()) == 9
    assert "refused 9 files: 1 animated, 2 contradictory, 1 empty, 1 misnamed" in "\n".join(summary.lines())
    details = REJECTED.read(paths.rejected).set_index("source_key")["detail"]
    assert details["one/contradictory.png"] == "the same bytes are labelled one and two"


def test_the_table_says_what_each_image_is(paths: Paths) -> None:
    data = photo(1)
    write_files(paths.root / "photos", {"Granny Smith/a.png": data})
    ingest(params(folder_source(split="train", licence="CC0-1.0", attribution="A. Nonymous")), paths)
    (row,) = read_images(paths).itertuples(index=False)
    assert row.sha256 == sha256_bytes(data) and row.image_id == row.sha256[:16]
    assert (row.width, row.height, row.format, row.entity_id, row.split) == (24, 16, "PNG", "granny-smith", "train")
    assert (row.source, row.source_key, row.copies) == ("photos", "Granny Smith/a.png", 1)
    assert (row.licence, row.attribution, row.near_duplicate_of) == ("CC0-1.0", "A. Nonymous", None)
    assert image_bytes(paths, row) == data


def test_bytes_in_both_splits_are_of_train_only(paths: Paths) -> None:
    rows: list[Row] = [(photo(1), "a", "gallery"), (photo(1), "a", "train"), (photo(2), "a", "gallery")]
    rows += [(photo(2), None, "gallery")]
    summary = ingest(params(_table(paths, rows)), paths)
    images = read_images(paths).set_index("source_key")
    assert images["split"].to_dict() == {"001": "train", "002": "gallery"}
    assert images["copies"].to_dict() == {"001": 2, "002": 2}
    duplicates = DUPLICATES.read(paths.duplicates).set_index("source_key")
    assert duplicates["across_splits"].to_dict() == {"000": True, "003": False}
    assert set(duplicates["kind"]) == {"exact"} and set(duplicates["distance"]) == {0}
    assert (summary.merged, summary.exact_across_splits) == (2, 1)


def test_near_duplicates_are_linked_to_the_least_id(paths: Paths) -> None:
    image = picture(1, 64, 64)
    rows: list[Row] = [(encoded(image, "JPEG", quality=q), "a", s) for q, s in [(95, "train"), (90, "gallery")]]
    rows += [(encoded(image), "a", "gallery"), (photo(9), "a", "gallery")]
    summary = ingest(params(_table(paths, rows)), paths)
    images = read_images(paths)
    near = images[images["source_key"] != "003"]
    least = min(near["image_id"])
    links = near.set_index("image_id")["near_duplicate_of"].to_dict()
    assert links.pop(least) is None and set(links.values()) == {least} and len(links) == 2
    assert images.set_index("source_key")["near_duplicate_of"]["003"] is None
    split = images.set_index("image_id")["split"]
    duplicates = DUPLICATES.read(paths.duplicates)
    assert set(duplicates["kind"]) == {"near"} and set(duplicates["image_id"]) == {least}
    assert duplicates["across_splits"].tolist() == [split[o] != split[least] for o in duplicates["other_image_id"]]
    assert (duplicates["distance"] <= 4).all()
    assert (summary.near, summary.merged, summary.kept) == (2, 0, 4)


def test_the_order_of_listing_changes_nothing(paths: Paths, tmp_path_factory: pytest.TempPathFactory) -> None:
    rows = [(photo(n % 7), f"e{n % 7}", "train" if n % 3 else "gallery") for n in range(20)]
    rows += [(encoded(picture(n, 64, 64), "JPEG", quality=q), None, "gallery") for n in (30, 31) for q in (95, 85)]
    ingest(params(_table(paths, rows)), paths)
    other = Paths(tmp_path_factory.mktemp("other"))
    table = pq.read_table(paths.root / "rows.parquet")
    order = random.Random(5).sample(range(len(rows)), len(rows))
    pq.write_table(table.take(order), other.root / "rows.parquet")
    ingest(params(_source_only()), other)
    assert corpus_bytes(paths) == corpus_bytes(other)


def _source_only() -> dict[str, Any]:
    return {"name": "rows", "kind": "parquet", "path": "rows.parquet"}


def test_the_listing_of_folders_changes_nothing(
    paths: Paths, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{'abc'[n % 3]}/{n}.png": photo(n) for n in range(9)}
    write_files(paths.root / "photos", files)
    ingest(params(folder_source()), paths)
    other = Paths(tmp_path_factory.mktemp("other"))
    write_files(other.root / "photos", dict(reversed(files.items())))
    ingest(params(folder_source()), other)
    assert corpus_bytes(paths) == corpus_bytes(other)


def test_the_order_of_decoding_changes_nothing(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(paths.root / "photos", {f"a/{n}.png": photo(n) for n in range(12)})
    ingest(params(folder_source()), paths)
    before = corpus_bytes(paths)
    monkeypatch.setattr("fieldguide.core.streaming.usable_cores", lambda: 5)
    ingest(params(folder_source()), paths)
    assert corpus_bytes(paths) == before


def test_one_photograph_more_decodes_one_and_changes_one_shard(paths: Paths, decoded: list[bytes]) -> None:
    write_files(paths.root / "photos", {f"a/{n}.png": photo(n) for n in range(12)})
    ingest(params(folder_source()), paths)
    before = corpus_bytes(paths)
    assert len(decoded) == 12
    decoded.clear()
    write_files(paths.root / "photos", {"a/new.png": photo(99)})
    summary = ingest(params(folder_source()), paths)
    assert decoded == [photo(99)] and summary.decoded == 1
    after = corpus_bytes(paths)
    changed = {name for name in after if before.get(name) != after[name]}
    assert len([name for name in changed if name.startswith("shards/")]) == 1
    assert changed - {name for name in changed if name.startswith("shards/")} == {"images.parquet"}


def test_refusals_are_remembered_and_read_the_same(paths: Paths, decoded: list[bytes]) -> None:
    write_files(paths.root / "photos", {"a/cut.png": encoded(picture(1, 90, 90))[:-200], "a/good.png": photo(1)})
    ingest(params(folder_source()), paths)
    before = corpus_bytes(paths)
    decoded.clear()
    ingest(params(folder_source()), paths)
    assert not decoded and corpus_bytes(paths) == before


def test_another_limit_decides_anew(paths: Paths) -> None:
    write_files(paths.root / "photos", {"a/1.png": photo(1), "a/2.png": encoded(picture(2).resize((8, 8)), "PNG")})
    assert ingest(params(folder_source()), paths).kept == 2
    assert ingest(params(folder_source(), max_pixels=100), paths).rejected == {"oversized": 1}


@pytest.mark.parametrize("lost", ["*/parts/*.arrow", "*/verdicts.arrow", "stored/*"])
def test_whatever_is_lost_or_damaged_of_what_is_kept_is_made_again(
    paths: Paths, decoded: list[bytes], lost: str
) -> None:
    """Verdicts are kept twice, by part and by bytes: with either of them nothing is decoded."""
    write_files(paths.root / "photos", {f"a/{n}.png": photo(n) for n in range(20)})
    ingest(params(folder_source()), paths)
    before = corpus_bytes(paths)
    for damage in (Path.unlink, _cut_short, _another_byte):
        decoded.clear()
        kept = sorted((paths.cache / "ingest").glob(lost))
        assert kept
        for path in kept:
            damage(path)
        shutil.rmtree(paths.shards)
        ingest(params(folder_source()), paths)
        assert not decoded and corpus_bytes(paths) == before


def _cut_short(path: Path) -> None:
    data = path.read_bytes()
    path.unlink()  # it may be a link to what is not damaged
    path.write_bytes(data[: len(data) // 2])


def _another_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    path.unlink()
    data[0] ^= 1
    path.write_bytes(data)


def test_a_photograph_that_is_put_back_is_not_decoded_again(paths: Paths, decoded: list[bytes]) -> None:
    files = {f"a/{n}.png": photo(n) for n in range(20)}
    write_files(paths.root / "photos", files)
    ingest(params(folder_source()), paths)
    before = corpus_bytes(paths)
    (paths.root / "photos/a/7.png").unlink()
    assert ingest(params(folder_source()), paths).kept == 19
    decoded.clear()
    write_files(paths.root / "photos", files)
    assert ingest(params(folder_source()), paths).decoded == 0
    assert not decoded and corpus_bytes(paths) == before


@pytest.mark.parametrize("kind", ["folder", "tar", "parquet", "manifest"])
def test_parts_read_by_several_processes_give_the_same_bytes(
    paths: Paths, tmp_path_factory: pytest.TempPathFactory, kind: str
) -> None:
    source = _source_of(kind, paths.root)
    alone = ingest(params(source), paths)
    other = Paths(tmp_path_factory.mktemp("other"))
    _source_of(kind, other.root)
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn"), initializer=_small_parts) as pool:

        def spread(work: Callable[..., Any], calls: Any) -> list[Any]:
            futures = [pool.submit(work, *call) for call in calls]
            asked.append(len(futures))
            return [future.result() for future in futures]

        asked: list[int] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(parts_module, "_CANDIDATES", 4)
            assert ingest(params(source), other, spread=spread, threads=1) == alone
    assert corpus_bytes(paths) == corpus_bytes(other)
    assert asked[0] > 3 or kind == "parquet"


def _small_parts() -> None:
    parts_module._CANDIDATES = 4


def _source_of(kind: str, root: Path) -> dict[str, Any]:
    """Forty files: some are the same, some near duplicates, some no images."""
    files = {f"{'ab'[n % 2]}/{n}.png": photo(n % 30) for n in range(36)}
    files |= {f"b/{q}.jpg": encoded(picture(50, 64, 64), "JPEG", quality=q) for q in (95, 85)}
    files |= {"a/empty.png": b"", "a/cut.png": photo(99)[:-30]}
    source: dict[str, Any] = {"name": "photos", "kind": kind, "path": f"photos.{kind}"}
    if kind == "tar":
        write_tar(root / "photos.tar", files.items())
    elif kind == "parquet":
        table = pa.table({"bytes": list(files.values()), "entity": [name[0] for name in files]})
        pq.write_table(table, root / "photos.parquet", row_group_size=8)
    else:
        write_files(root / "photos.folder", files)
        lines = "".join(f"photos.folder/{name},{name[0]}\n" for name in files)
        (root / "photos.manifest").write_text(f"path,entity\n{lines}")
    return source


STOPS = ["fieldguide.corpus.ingest.inspecting.inspect_images", "fieldguide.corpus.ingest.packing.pack.write_tar"]


@pytest.mark.parametrize("step", STOPS)
def test_a_run_that_was_stopped_is_taken_up(paths: Paths, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    monkeypatch.setattr("fieldguide.corpus.ingest.inspecting._FILES", 3)
    write_files(paths.root / "photos", {f"a/{n}.png": photo(n) for n in range(12)})
    ingest(params(folder_source()), paths)
    expected = corpus_bytes(paths)
    stopped = Paths(paths.root / "stopped")
    write_files(stopped.root / "photos", {f"a/{n}.png": photo(n) for n in range(12)})
    with monkeypatch.context() as patch:
        patch.setattr(step, _Stops(3, step))
        with pytest.raises(KeyboardInterrupt):
            ingest(params(folder_source()), stopped)
    assert not stopped.images.exists()
    ingest(params(folder_source()), stopped)
    assert corpus_bytes(stopped) == expected
    assert not list(stopped.root.rglob("*.tmp")) and not (stopped.state / "ingest-spool").exists()


class _Stops:
    """The function of that name, until it is called for the nth time."""

    def __init__(self, calls: int, name: str) -> None:
        module, _, attribute = name.rpartition(".")
        self._function = getattr(__import__(module, fromlist=[attribute]), attribute)
        self._left = calls

    def __call__(self, *args: Any) -> Any:
        self._left -= 1
        if self._left <= 0:
            raise KeyboardInterrupt
        return self._function(*args)


def test_labels_without_a_meaning_are_told_in_one_error(paths: Paths) -> None:
    rows: list[Row] = [(photo(1), "Anjou", "val"), (photo(2), "Bosc", "test"), (photo(3), "Seckel", "dev")]
    source = {**_table(paths, rows), "entities": {"Anjou": "anjou"}, "splits": {"val": "train"}}
    with pytest.raises(ProblemsError) as error:
        ingest(params(source), paths)
    told = [str(problem) for problem in error.value.problems]
    where = "params.yaml: ingest.sources: rows"
    assert told == [
        f"{where}.entities: 'Bosc' (first met at 001) is not listed; listed are Anjou",
        f"{where}.entities: 'Seckel' (first met at 002) is not listed; listed are Anjou",
        f"{where}.splits: 'dev' (first met at 002) is not listed; listed are val",
        f"{where}.splits: 'test' (first met at 001) is not listed; listed are val",
    ]
    assert "nothing was written" in str(error.value) and not paths.images.parent.exists()


def test_folder_names_that_would_be_one_entity_or_none_are_told(paths: Paths) -> None:
    write_files(paths.root / "photos", {"Pink Lady/1.png": photo(1), "pink-lady/2.png": photo(2), "梨/3.png": photo(3)})
    with pytest.raises(ProblemsError) as error:
        ingest(params(folder_source()), paths)
    assert "'pink-lady' (first met at pink-lady/2.png) and 'Pink Lady' would both be called" in str(error.value)
    assert "'梨' (first met at 梨/3.png) has no letters a-z or digits" in str(error.value)


def test_keys_that_occur_twice_are_told(paths: Paths) -> None:
    table = pa.table({"bytes": [photo(1), photo(2)], "key": ["k", "k"]})
    pq.write_table(table, paths.root / "rows.parquet")
    with pytest.raises(ProblemsError, match="source rows: the key 'k' occurs twice"):
        ingest(params(_source_only()), paths)


def test_a_source_that_is_not_there_is_told(paths: Paths) -> None:
    with pytest.raises(ProblemsError, match="photos: no such folder"):
        ingest(params(folder_source()), paths)


def test_sources_count_in_the_order_of_params(paths: Paths) -> None:
    sources = [_table(paths, [(photo(1), e, "gallery")], f"{n}.parquet") for n, e in [("z", None), ("a", "x")]]
    sources[1]["licence"] = "CC0-1.0"
    ingest(params(*sources), paths)
    (row,) = read_images(paths).itertuples(index=False)
    assert (row.source, row.entity_id, row.licence) == ("z", "x", None)


def test_where_every_file_is_refused_the_run_stops_with_the_reasons_counted(paths: Paths) -> None:
    write_files(paths.root / "photos", {"a/1.png": b"no", "a/2.png": b"neither", "a/3.png": b""})
    with pytest.raises(ProblemsError, match="no photograph was kept, and nothing was written") as error:
        ingest(params(folder_source()), paths)
    assert [str(problem)[:44] for problem in error.value.problems] == [
        "2 x unreadable: such as a/1.png: no image fo", "1 x empty: such as a/3.png: no bytes",
    ]  # fmt: skip
    assert not paths.images.exists()


def test_where_there_are_no_files_the_run_stops(paths: Paths) -> None:
    (paths.root / "photos").mkdir()
    with pytest.raises(FieldguideError, match="the sources hold no files at all"):
        ingest(params(folder_source()), paths)


def test_a_file_that_is_refused_needs_no_label(paths: Paths) -> None:
    """What macOS packs beside a photograph lies in folders that no list of entities knows."""
    files = {"Gala/1.png": photo(1), "__MACOSX/Gala/._1.png": b"x", "Fuji/2.png": b"no", "._Gala": b"x"}
    write_files(paths.root / "photos", files)
    summary = ingest(params(folder_source(entities={"Gala": "gala"})), paths)
    assert (summary.kept, summary.rejected) == (1, {"leftover": 2, "unreadable": 1})


def test_how_a_source_was_understood_is_told(paths: Paths) -> None:
    write_files(paths.root, {"a.png": photo(1), "m.csv": b"path;Entity ;weight\na.png;Gala;3\n"})
    told = ingest(params({"name": "m", "kind": "manifest", "path": "m.csv"}), paths).lines()
    assert told[:3] == [
        "source m: its columns are separated by ';'", "source m: column 'Entity ' is taken as `entity`",
        "source m: columns not used: 'weight'",
    ]  # fmt: skip
    assert list(read_images(paths)["entity_id"]) == ["gala"]


def test_images_are_read_in_the_order_of_the_shards(paths: Paths) -> None:
    write_files(paths.root / "photos", {f"a/{n}.png": photo(n) for n in range(9)})
    ingest(params(folder_source()), paths)
    images = read_images(paths)
    seen = []
    for row, image in iter_images(paths, images.sample(frac=1, random_state=1)):
        assert image.tobytes() == open_image(photo(int(Path(row.source_key).stem))).tobytes()
        seen.append((row.shard, row.offset))
    assert seen == sorted(seen) and len(seen) == 9


def test_bytes_that_no_longer_decode_name_their_image(paths: Paths) -> None:
    write_files(paths.root / "photos", {"a/1.png": photo(1)})
    ingest(params(folder_source()), paths)
    images = read_images(paths)
    shard = paths.shards / images["shard"][0]
    shard.write_bytes(bytes(shard.stat().st_size))
    with pytest.raises(FieldguideError, match=f"image {images['image_id'][0]}: these bytes do not decode"):
        list(iter_images(paths, images))


def test_a_shard_may_not_lie_elsewhere(paths: Paths) -> None:
    row = pd.Series({"shard": "../../secret", "offset": 0, "size": 1})
    with pytest.raises(FieldguideError, match="is not a plain file name"):
        image_bytes(paths, row)


def test_counts_that_do_not_add_up_stop_the_run(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(paths.root / "photos", {"a/1.png": photo(1), "a/2.png": photo(1)})
    monkeypatch.setattr("fieldguide.corpus.ingest.ingest.duplicate_frame", lambda *_: DUPLICATES.frame([]))
    with pytest.raises(RuntimeError, match="files were lost"):
        ingest(params(folder_source()), paths)


@pytest.mark.parametrize(("label", "expected"), [("Granny Smith", "granny-smith"), ("Kjellström's", "kjellstrom-s")])
def test_slugs(label: str, expected: str) -> None:
    assert slug(label) == expected


@pytest.mark.example
def test_the_example_has_the_images_that_its_papers_count(example_input: Path, tmp_path: Path) -> None:
    from fieldguide.params import read_params

    repository = example_input.parent.parent
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "input").symlink_to(example_input)
    summary = ingest(read_params(repository / "params.yaml").ingest, Paths(tmp_path))
    assert summary == IngestSummary(
        read=2228, kept=1567, merged=661, rejected={}, decoded=1567, kept_by_split={"train": 732, "gallery": 835},
        exact_across_splits=0, near=4, near_across_splits=0, notes=summary.notes,
    )  # fmt: skip
    images = read_images(Paths(tmp_path))
    assert images.groupby(["source", "split"]).size().to_dict() == {
        ("grocery", "gallery"): 661, ("grocery", "train"): 732, ("met", "gallery"): 174,
    }  # fmt: skip
    assert images["entity_id"].nunique() == 14
