from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.files import write_tar
from fieldguide.core.paths import Paths
from fieldguide.corpus.ingest.ingest import ingest
from fieldguide.corpus.store.items import drawing_items, image_items, text_items
from fieldguide.corpus.store.shards import read_images
from fieldguide.records.drawings import DRAWINGS
from fieldguide.records.embeddings import Embeddings, text_key, write_embeddings
from fieldguide.records.topics import Phrase, Topic
from fieldguide.retrieval.encoding import forward
from fieldguide.retrieval.encoding.encode import Encoded, encode
from fieldguide.retrieval.encoding.vector_cache import VectorCache
from tests.corpus.pictures import folder_source, params, photo, write_files

DIMENSION = 5


class FakeEncoder:
    """A vector is drawn from the content's hash; `left` encodings are done before it dies."""

    def __init__(self, revision: str = "r1", modalities: Sequence[str] = ("image", "text"), left: int = 10**9) -> None:
        self.name = "fake"
        self.revision = revision
        self.dimension = DIMENSION
        self.modalities: Any = frozenset(modalities)
        self.left = left
        self.batches: list[int] = []

    @property
    def encoded(self) -> int:
        return sum(self.batches)

    def encode_images(self, images: Sequence[Image.Image]) -> np.ndarray:
        assert all(image.mode == "RGB" for image in images)
        return self._vectors([image.tobytes() for image in images])

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        return self._vectors([text.encode() for text in texts])

    def _vectors(self, contents: list[bytes]) -> np.ndarray:
        if len(contents) > self.left:
            raise KeyboardInterrupt
        self.left -= len(contents)
        self.batches.append(len(contents))
        seeds = [int.from_bytes(hashlib.sha256(content).digest()[:8]) for content in contents]
        vectors = np.array([np.random.default_rng(seed).normal(size=DIMENSION) for seed in seeds], dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(tmp_path)
    write_files(tmp_path / "photos", {f"a/{n}.png": photo(n) for n in range(12)})
    ingest(params(folder_source()), paths)
    return paths


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(forward, "PART", 2)
    yield


def _encode(paths: Paths, encoder: FakeEncoder, batch: int = 4, **values: Any) -> Encoded:
    items = image_items(read_images(paths), paths)
    options = {"dtype": "float16", "batch": batch, **values}
    return encode(items, encoder, paths.embeddings("fake"), paths.cache / "embeddings", **options)


def _files(paths: Paths) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(paths.embeddings("fake").iterdir())}


def test_each_image_has_the_vector_of_its_pixels(paths: Paths) -> None:
    encoder = FakeEncoder()
    assert _encode(paths, encoder) == Encoded(12, 12)
    embeddings = Embeddings.open(paths.embeddings("fake"))
    images = read_images(paths).sample(frac=1, random_state=3)
    expected = encoder.encode_images(
        [Image.open(io.BytesIO(photo(int(Path(key).stem)))).convert("RGB") for key in images["source_key"]]
    )
    found = embeddings.rows("image", images["image_id"].tolist())
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected.astype(np.float16))
    assert np.load(embeddings.folder / "vectors.npy").dtype == np.float16
    assert embeddings.vectors.dtype == np.float32
    assert embeddings.keys("image") == sorted(images["image_id"])
    assert (embeddings.meta.encoder, embeddings.meta.rows, embeddings.meta.dimension) == ("fake", 12, DIMENSION)


@pytest.mark.usefixtures("small_parts")
def test_nothing_is_encoded_twice_and_one_photograph_more_is_one(paths: Paths) -> None:
    _encode(paths, FakeEncoder())
    before = _files(paths)
    again = FakeEncoder()
    assert _encode(paths, again) == Encoded(12, 0) and again.encoded == 0
    assert _files(paths) == before
    write_files(paths.root / "photos", {"a/new.png": photo(99)})
    ingest(params(folder_source()), paths)
    more = FakeEncoder()
    assert _encode(paths, more) == Encoded(13, 1) and more.encoded == 1


def test_encoding_bit_by_bit_gives_the_bytes_of_encoding_at_once(paths: Paths, tmp_path: Path) -> None:
    write_files(paths.root / "photos", {"a/new.png": photo(99)})
    _encode(paths, FakeEncoder())
    ingest(params(folder_source()), paths)
    _encode(paths, FakeEncoder(), batch=3)
    other = Paths(tmp_path / "other")
    write_files(other.root / "photos", {p.relative_to(paths.root / "photos").as_posix(): p.read_bytes()
                                        for p in (paths.root / "photos").rglob("*.png")})  # fmt: skip
    ingest(params(folder_source()), other)
    _encode(other, FakeEncoder(), batch=32)
    assert _files(other) == _files(paths)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("done", [0, 1, 5, 11])
def test_a_kill_loses_one_part_and_the_bytes_are_those_of_an_undisturbed_run(
    paths: Paths, tmp_path: Path, done: int
) -> None:
    _encode(paths, FakeEncoder(), batch=1)
    undisturbed = _files(paths)
    cache = tmp_path / "cache"
    items = image_items(read_images(paths), paths)
    killed, folder = FakeEncoder(left=done), tmp_path / "killed"
    with pytest.raises(KeyboardInterrupt):
        encode(items, killed, folder, cache, dtype="float16", batch=1)
    assert killed.encoded == done and not folder.exists()
    rest = FakeEncoder()
    encode(items, rest, folder, cache, dtype="float16", batch=1)
    lost = killed.encoded + rest.encoded - 12
    assert 0 <= lost < 2  # a part holds two
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == undisturbed


def test_another_revision_or_type_is_encoded_anew(paths: Paths) -> None:
    _encode(paths, FakeEncoder())
    assert _encode(paths, FakeEncoder("r2")).encoded == 12
    assert _encode(paths, FakeEncoder(), dtype="float32").encoded == 12
    assert Embeddings.open(paths.embeddings("fake")).vectors.dtype == np.float32


def test_encoders_that_see_images_alike_share_their_vectors(paths: Paths) -> None:
    first, second = FakeEncoder("tower 1"), FakeEncoder("tower 2")
    first.image_revision = second.image_revision = "network"  # type: ignore[attr-defined]
    _encode(paths, first)
    assert _encode(paths, second).encoded == 0
    assert Embeddings.open(paths.embeddings("fake")).meta.revision == "tower 2"


def test_batches_are_bounded_by_number_and_by_pixels(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = FakeEncoder()
    _encode(paths, encoder, batch=2)
    assert max(encoder.batches) == 2
    monkeypatch.setattr(forward, "_BATCH_PIXELS", 1)
    encoder = FakeEncoder("r2")
    _encode(paths, encoder, batch=2)
    assert set(encoder.batches) == {1}


def test_queries_are_encoded_by_what_they_are(paths: Paths) -> None:
    topics = [_topic("t1", "Which is red?"), _topic("t2", "Which is green?"), _topic("t3", "Which is red?")]
    phrases = [Phrase("t1.e1", "a red one", "template"), Phrase("t2.e1", "a red one", "template")]
    (member,) = write_tar(_made(paths.drawings.parent) / "0.tar", [("d.png", photo(50))])
    rows = [_drawing("d1", "ok", "0.tar", member.offset, member.size), _drawing("d2", "failed", None, None, None)]
    drawings = DRAWINGS.frame(rows)
    items = [*text_items(topics, phrases), *drawing_items(drawings, paths)]
    folder = paths.queries("fake")
    encoder = FakeEncoder()
    summary = encode(items, encoder, folder, paths.cache / "embeddings", dtype="float32", batch=8)
    assert summary == Encoded(4, 4)
    embeddings = Embeddings.open(folder)
    assert embeddings.keys("drawing") == ["d1"] and embeddings.keys("phrase") == [text_key("a red one")]
    assert embeddings.keys("question") == sorted([text_key("Which is red?"), text_key("Which is green?")])
    np.testing.assert_array_equal(
        embeddings.rows("phrase", [text_key("a red one")]), encoder.encode_texts(["a red one"])
    )
    with pytest.raises(FieldguideError, match=r"encoders\.fake encodes no texts \(only image\)"):
        encode(items, FakeEncoder(modalities=["image"]), folder, paths.cache, dtype="float32", batch=8)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _topic(topic_id: str, text: str) -> Topic:
    return Topic(topic_id, "comparison", "which", text, ("a", "b"), "colour", "skin", "a", {"a": "red", "b": "green"})


def _drawing(drawing_id: str, status: str, *place: Any) -> dict[str, Any]:
    values = [drawing_id, "a red one", "topic", 0, 1, "g", "r", status, None, *place]
    return dict(zip((column.name for column in DRAWINGS.columns), values, strict=True))


class WrongEncoder(FakeEncoder):
    def __init__(self, scale: float, columns: int = DIMENSION) -> None:
        super().__init__()
        self._scale, self._columns = scale, columns

    def _vectors(self, contents: list[bytes]) -> np.ndarray:
        return super()._vectors(contents)[:, : self._columns] * np.float32(self._scale)


@pytest.mark.parametrize("scale", [0.0, 2.0, np.nan])
def test_vectors_that_are_not_of_unit_length_are_refused(paths: Paths, scale: float) -> None:
    first = read_images(paths).sort_values(["shard", "offset"])["image_id"].iloc[0]
    with pytest.raises(
        FieldguideError, match=rf"encoders\.fake gave image {first} a vector that is not of unit length"
    ):
        _encode(paths, WrongEncoder(scale))


def test_vectors_of_another_shape_are_refused(paths: Paths) -> None:
    with pytest.raises(FieldguideError, match=r"encoders\.fake answered with shape \(\d, 3\); expected \(\d, 5\)"):
        _encode(paths, WrongEncoder(1.0, columns=3))


def test_an_image_that_does_not_decode_is_an_error(paths: Paths) -> None:
    for shard in paths.shards.iterdir():
        shard.write_bytes(bytes(shard.stat().st_size))
    with pytest.raises(FieldguideError, match=r"image [0-9a-f]{16}: these bytes do not decode"):
        _encode(paths, FakeEncoder())


def test_keys_that_are_not_there_are_named(paths: Paths) -> None:
    _encode(paths, FakeEncoder())
    embeddings = Embeddings.open(paths.embeddings("fake"))
    with pytest.raises(FieldguideError) as error:
        embeddings.rows("image", [embeddings.keys("image")[0], *(f"no{n}" for n in range(7))])
    assert "encoder fake has no image no0, no1, no2, no3, no4 and 2 more; it holds 12 of that kind" in str(error.value)
    with pytest.raises(FieldguideError, match="has no drawing d1; it holds 0 of that kind"):
        embeddings.rows("drawing", ["d1"])
    assert embeddings.rows("image", []).shape == (0, DIMENSION)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dimension": 6}, r"vectors\.npy: is float16 \(12, 5\); meta.json says float16 \(12, 6\)"),
        ({"rows": 11}, r"`row` does not count from 0 to 10"),
        ({"dtype": "float32"}, r"is float16 \(12, 5\); meta.json says float32 \(12, 5\)"),
        ({"revision": "other"}, r"`key` is not that of its revision, dtype, dimension and index.parquet"),
        ({"key": "0" * 64}, r"`key` is not that of its revision"),
        ({"more": 1}, r"expected exactly the keys dimension, dtype, encoder, key, revision, rows"),
    ],
)
def test_files_that_do_not_belong_together_are_refused(paths: Paths, change: dict[str, Any], words: str) -> None:
    _encode(paths, FakeEncoder())
    meta = paths.embeddings("fake") / "meta.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | change))
    with pytest.raises(FieldguideError, match=words):
        Embeddings.open(paths.embeddings("fake"))


def test_the_index_of_another_folder_is_refused(paths: Paths) -> None:
    _encode(paths, FakeEncoder())
    other = paths.root / "other"
    keys = [("image", f"{n:016x}") for n in range(12)]
    block = (np.arange(12), np.eye(12, DIMENSION, dtype=np.float32))
    write_embeddings(other, keys, [block], encoder="x", revision="r1", dtype="float16", dimension=DIMENSION)
    (paths.embeddings("fake") / "index.parquet").write_bytes((other / "index.parquet").read_bytes())
    with pytest.raises(ProblemsError, match="`key` is not that of"):
        Embeddings.open(paths.embeddings("fake"))


def test_no_embeddings_at_all_is_told(tmp_path: Path) -> None:
    with pytest.raises(FieldguideError, match="no embeddings here; `dvc repro` makes them"):
        Embeddings.open(tmp_path / "none")


def test_vectors_that_would_be_unpickled_are_refused(paths: Paths) -> None:
    _encode(paths, FakeEncoder())
    np.save(paths.embeddings("fake") / "vectors.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(FieldguideError, match=r"vectors\.npy: not a NumPy array"):
        Embeddings.open(paths.embeddings("fake"))


@pytest.mark.parametrize("rows", [[0], [0, 1, 1]])
def test_every_row_is_given_exactly_once(tmp_path: Path, rows: list[int]) -> None:
    blocks = [(np.array([row]), np.ones((1, 2), dtype=np.float32)) for row in rows]
    options: dict[str, Any] = {"encoder": "x", "revision": "r", "dtype": "float32", "dimension": 2}
    with pytest.raises(ValueError, match=r"row 1 of .* was not given exactly once"):
        write_embeddings(tmp_path / "e", [("image", "a"), ("image", "b")], blocks, **options)
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="keys must be sorted, each once"):
        write_embeddings(tmp_path / "e", [("image", "b"), ("image", "a")], blocks, **options)


def _cache(folder: Path) -> VectorCache:
    return VectorCache(folder, 2, "float32")


def _contents(cache: VectorCache, ids: list[str]) -> np.ndarray:
    vectors = np.full((len(ids), 2), np.nan, dtype=np.float32)
    for positions, block in cache.blocks(ids):
        vectors[positions] = block
    return vectors


def test_many_small_parts_are_merged_without_a_loss(tmp_path: Path) -> None:
    cache = _cache(tmp_path)
    vectors = np.arange(40, dtype=np.float32).reshape(20, 2)
    ids = [f"{n:02d}" for n in range(20)]
    for n, id_ in enumerate(ids):
        cache.put([id_], vectors[n : n + 1])
    cache.compact(parts=20, rows=8)
    assert len(list(tmp_path.iterdir())) == 20
    cache.compact(parts=19, rows=8)
    assert len(list(tmp_path.iterdir())) == 3
    np.testing.assert_array_equal(_contents(cache, ids[::-1]), vectors[::-1])
    np.testing.assert_array_equal(_contents(_cache(tmp_path), ids), vectors)


def test_a_merge_that_was_killed_leaves_both_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = _cache(tmp_path)
    vectors = np.arange(8, dtype=np.float32).reshape(4, 2)
    for n in range(4):
        cache.put([str(n)], vectors[n : n + 1])
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "unlink", _interrupt)
        cache.compact(parts=1, rows=8)
    assert len(list(tmp_path.glob("*.npz"))) == 5
    np.testing.assert_array_equal(_contents(_cache(tmp_path), list("0123")), vectors)


def _interrupt(self: Path, missing_ok: bool = False) -> None:
    if not self.name.startswith("."):
        raise KeyboardInterrupt


@pytest.mark.parametrize("damage", ["cut", "text", "other shape"])
def test_a_damaged_part_is_named(tmp_path: Path, damage: str) -> None:
    cache = _cache(tmp_path)
    cache.put(["a"], np.ones((1, 2), dtype=np.float32))
    (part,) = tmp_path.iterdir()
    if damage == "other shape":
        with part.open("wb") as stream:
            np.savez(stream, ids=np.array(["a"]), vectors=np.ones((1, 3), dtype=np.float32))
    else:
        part.write_bytes(part.read_bytes()[:100] if damage == "cut" else b"no")
    with pytest.raises(FieldguideError, match=r"\.npz: this cached part is damaged; remove the file and run again"):
        list(_cache(tmp_path).blocks(["a"]))


def test_a_part_of_another_shape_is_not_taken(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="float32"):
        _cache(tmp_path).put(["a"], np.ones((1, 3), dtype=np.float32))
