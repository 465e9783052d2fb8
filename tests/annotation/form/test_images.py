"""How images come to the form."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import pytest
from PIL import Image

from fieldguide.annotation.form.images import CannotShowError, Pictures
from fieldguide.annotation.planning.section import Images
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import write_tar
from fieldguide.core.paths import Paths
from fieldguide.corpus.store.shards import read_images
from fieldguide.records.images import IMAGES
from tests.builders import tiny_benchmark


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return tiny_benchmark(tmp_path / "benchmark")


def pictures(paths: Paths, **images: object) -> Pictures:
    return Pictures(paths, Images(**images), read_images(paths))  # type: ignore[arg-type]


def gallery(paths: Paths) -> list[str]:
    table = read_images(paths)
    return list(table[table["split"] == "gallery"]["image_id"])


def copy_of(paths: Paths, address: str) -> Path:
    return paths.annotation_state / address.removeprefix("/data/local-files/?d=")


def put(paths: Paths, image_id: str, data: bytes) -> None:
    """Give an image other bytes."""
    write_tar(paths.shards / "changed.tar", [("x", data)])
    table = IMAGES.read(paths.images)
    table.loc[table["image_id"] == image_id, ["shard", "offset", "size"]] = ["changed.tar", 512, len(data)]
    IMAGES.write(paths.images, table)


def encoded(size: tuple[int, int], orientation: int = 1) -> bytes:
    image, stream = Image.new("RGB", size, "red"), io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x9286] = "where it was taken"
    image.save(stream, "JPEG", exif=exif)
    return stream.getvalue()


def test_copies_are_upright_no_greater_than_asked_and_say_nothing_of_the_camera(paths: Paths) -> None:
    first = gallery(paths)[0]
    put(paths, first, encoded((300, 150), orientation=6))
    made = pictures(paths, side=100)
    assert made.prepare([first]) == {}
    with Image.open(copy_of(paths, made.address(first))) as image:
        assert (image.size, image.format, dict(image.getexif())) == ((50, 100), "JPEG", {})


def test_small_images_are_not_enlarged(paths: Paths) -> None:
    made = pictures(paths)
    made.prepare(gallery(paths))
    with Image.open(copy_of(paths, made.address(gallery(paths)[0]))) as image:
        assert image.size == (24, 24)


def test_copies_are_made_once_and_again_where_they_are_gone(paths: Paths) -> None:
    made = pictures(paths)
    made.prepare(gallery(paths))
    kept, gone = (copy_of(paths, made.address(i)) for i in gallery(paths)[:2])
    before, content = kept.stat().st_mtime_ns, gone.read_bytes()
    gone.unlink()
    pictures(paths).prepare(gallery(paths))
    assert kept.stat().st_mtime_ns == before
    assert gone.read_bytes() == content


def test_only_their_owner_reads_the_copies(paths: Paths) -> None:
    pictures(paths).prepare(gallery(paths))
    assert paths.annotation_state.stat().st_mode & 0o077 == 0


def test_images_that_do_not_decode_or_are_gone_are_named_and_have_no_address(paths: Paths) -> None:
    first, second, *_ = gallery(paths)
    put(paths, first, b"not an image at all")
    made = pictures(paths)
    refused = made.prepare([first, second, "0" * 16, "../../../etc/passwd"])
    assert refused.keys() == {first, "0" * 16, "../../../etc/passwd"}
    assert "do not decode" in refused[first]
    assert refused["0" * 16] == "it is not in the corpus"
    for image in refused:
        with pytest.raises(CannotShowError):
            made.address(image)


def test_a_missing_shard_is_the_users_to_mend_and_no_property_of_an_image(paths: Paths) -> None:
    for shard in paths.shards.glob("*.tar"):
        shard.unlink()
    with pytest.raises(FieldguideError, match=r"shard is missing.*dvc pull"):
        pictures(paths).prepare(gallery(paths))


def test_addresses_elsewhere(paths: Paths) -> None:
    made = pictures(paths, kind="http", address="https://images.museum.example/")
    first = gallery(paths)[0]
    assert made.prepare([first]) == {}
    assert made.address(first) == f"https://images.museum.example/{first}"
    assert not made.folder.exists()


def test_bytes_inside_the_task(paths: Paths) -> None:
    first, broken, *_ = gallery(paths)
    put(paths, broken, b"no image")
    made = pictures(paths, kind="upload")
    data = re.fullmatch(r"data:image/jpeg;base64,(.+)", made.address(first))
    assert data is not None
    with Image.open(io.BytesIO(base64.b64decode(data[1]))) as image:
        assert image.size == (24, 24)
    with pytest.raises(CannotShowError, match="do not decode"):
        made.address(broken)


def test_references_are_of_the_entity_of_the_train_split_and_always_the_same(paths: Paths) -> None:
    table = read_images(paths)
    train = table[(table["split"] == "train") & (table["entity_id"] == "satsuma")]
    assert pictures(paths).references("satsuma") == tuple(sorted(train["image_id"]))
    shuffled = Pictures(paths, Images(), table.sample(frac=1, random_state=1))
    assert shuffled.references("satsuma") == pictures(paths).references("satsuma")
    assert pictures(paths).references("unheard-of") == ()
