"""COCO files as iNaturalist's competitions and INQUIRE have them, and as nobody should have them."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.corpus.sources import json_lists, parts
from fieldguide.corpus.sources.candidates import SourceImage
from fieldguide.corpus.sources.reading import (
    list_source,
    missing_sources,
    part_key,
    read_part,
    read_source,
    split_source,
    untracked_sources,
)
from fieldguide.corpus.sources.section import ImageSource
from tests.corpus.pictures import write_files

FOLDER = "00855_Animalia_Arthropoda_Insecta_Lepidoptera_Cossidae_Prionoxystus_robiniae"
LICENCES = [
    {"id": 0, "name": "Attribution-NonCommercial License", "url": "http://creativecommons.org/licenses/by-nc/4.0/"},
    {"id": 1, "name": "Public Domain", "url": "https://creativecommons.org/publicdomain/zero/1.0/deed.en"},
    {"id": 2, "name": "All Rights Reserved", "url": ""},
    {"id": 3, "name": "No known copyright restrictions", "url": "http://flickr.com/commons/usage/"},
]
INATURALIST: dict[str, Any] = {
    "info": {"year": 2021},
    "images": [
        {"id": 7, "file_name": f"train/{FOLDER}/a.jpg", "width": 3, "license": 0, "rights_holder": "A. Nonymous",
         "latitude": float("nan")},
        {"id": 8, "file_name": "train/b.jpg", "license": 1, "rights_holder": None},
        {"id": 9, "file_name": "train/c.jpg", "license": 2},
        {"id": 10, "file_name": "train/d.jpg", "license": 3},
    ],
    "annotations": [{"id": 1, "image_id": 7, "category_id": 855}, {"id": 2, "image_id": 8, "category_id": 3}],
    "categories": [
        {"id": 855, "name": FOLDER, "genus": "Prionoxystus"},
        {"id": 3, "name": "Larus argentatus", "common_name": "Herring Gull"},
    ],
    "licenses": LICENCES,
}  # fmt: skip


def coco(**values: Any) -> ImageSource:
    return ImageSource.model_validate({"name": "s", "kind": "coco", "path": "p/train.json", **values})


def place(root: Path, document: Any, **files: bytes) -> None:
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    write_files(root / "p", {"train.json": text, **files})


def read(root: Path, document: Any, say: Any = lambda _: None, **values: Any) -> list[SourceImage]:
    place(root, document)
    return list(read_source(coco(**values), root, say))


def small(**values: Any) -> dict[str, Any]:
    whole = {
        "images": [{"id": 1, "file_name": "1.jpg"}], "annotations": [{"image_id": 1, "category_id": 1}],
        "categories": [{"id": 1, "name": "gull"}],
    }  # fmt: skip
    return whole | values


def test_images_have_their_category_licence_and_holder(tmp_path: Path) -> None:
    write_files(tmp_path / "p/train", {f"{FOLDER}/a.jpg": b"a", "b.jpg": b"b", "c.jpg": b"c", "d.jpg": b"d"})
    told: list[str] = []
    first, second, third, fourth = read(tmp_path, INATURALIST, told.append)
    name = f"train/{FOLDER}/a.jpg"
    assert first == SourceImage(name, name, b"a", None, "Prionoxystus robiniae", None, "CC-BY-NC-4.0", "A. Nonymous")
    assert (second.data, second.entity, second.licence) == (b"b", "Larus argentatus", "CC0-1.0")
    assert (third.entity, third.licence, fourth.licence) == (None, None, "No known copyright restrictions")
    assert told == ["source s: lists not used: info", "source s: 2 images have no annotation and show no entity"]
    listed = list(list_source(coco(), tmp_path))
    assert [(one.key, one.entity, one.data) for one in listed][1] == ("train/b.jpg", "Larus argentatus", b"")


def test_what_is_said_of_images_may_stand_before_or_behind_them(tmp_path: Path) -> None:
    write_files(tmp_path / "p", {"1.jpg": b"1"})
    forward = read(tmp_path, small())
    assert forward == read(tmp_path, dict(reversed(small().items()))) and forward[0].entity == "gull"


def test_columns_name_other_keys(tmp_path: Path) -> None:
    write_files(tmp_path / "p", {"x/1.jpg": b"1"})
    document = small(
        images=[{"id": "a", "local": "x/1.jpg", "by": "B", "part": "val", "terms": "CC0-1.0"}],
        annotations=[{"image_id": "a", "category_id": 1}], categories=[{"id": 1, "name": "x", "common_name": "Gull"}],
    )  # fmt: skip
    columns = {"path": "local", "key": "id", "attribution": "by", "split": "part", "licence": "terms"}
    (image,) = read(tmp_path, document, columns=columns | {"entity": "common_name"})
    assert image == SourceImage("a", "x/1.jpg", b"1", None, "Gull", "val", "CC0-1.0", "B")


def test_an_image_of_several_categories_is_refused_unless_nobody_asks(tmp_path: Path) -> None:
    write_files(tmp_path / "p", {"1.jpg": b"1"})
    document = small(
        annotations=[{"image_id": 1, "category_id": n} for n in (2, 1, 2)],
        categories=[{"id": 1, "name": "gull"}, {"id": 2, "name": "boat"}],
    )
    (image,) = read(tmp_path, document)
    assert image.refusal is not None and image.refusal.reason == "contradictory" and image.data == b""
    assert image.refusal.detail == "shows several categories (boat, gull); a photograph shows one entity"
    (image,) = read(tmp_path, document, entities=None)
    assert (image.data, image.entity, image.refusal) == (b"1", None, None)


def test_one_category_in_several_places_is_one(tmp_path: Path) -> None:
    write_files(tmp_path / "p", {"1.jpg": b"1"})
    (image,) = read(tmp_path, small(annotations=[{"image_id": 1, "category_id": 1, "bbox": [n]} for n in range(3)]))
    assert image.entity == "gull"


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ({"id": 1, "file_name": "../secret.jpg"}, "lies outside p/, the source's folder"),
        ({"id": 1, "file_name": "/etc/passwd"}, "lies outside p/, the source's folder"),
        ({"id": 1, "file_name": "none.jpg"}, "no such file"),
        ({"id": 1, "file_name": "a\x00b.jpg"}, "null"),
        ({"id": 1, "file_name": "link.jpg"}, "lies outside p/, the source's folder"),
        ({"id": 1}, "the JSON gives no name of a file"),
        ({"id": 1, "file_name": ["1.jpg"]}, "its 'file_name' is a list; expected text or a number"),
        ({"id": 1, "file_name": "\ud800.jpg"}, "its 'file_name' is no Unicode text"),
        ({"file_name": "1.jpg"}, "has no id that is a number or text"),
        ({"id": True, "file_name": "1.jpg"}, "has no id that is a number or text"),
        ({"id": 1, "file_name": "1.jpg", "license": {}}, "its 'license' is a dict"),
        ({"id": 1, "file_name": "1.jpg", "rights_holder": False}, "its 'rights_holder' is a bool"),
        ({"id": 2, "file_name": "1.jpg"}, "is of category 'x', which the JSON does not describe"),
    ],
)
def test_an_image_that_cannot_be_used_says_why(tmp_path: Path, image: dict[str, Any], words: str) -> None:
    write_files(tmp_path, {"secret.jpg": b"s", "p/1.jpg": b"1"})
    (tmp_path / "p/link.jpg").symlink_to("../secret.jpg")
    annotations = [{"image_id": 1, "category_id": 1}, {"image_id": 2, "category_id": "x"}]
    (found,) = read(tmp_path, small(images=[image], annotations=annotations))
    assert found.refusal is not None and found.refusal.reason == "unreadable" and found.data == b""
    assert words in found.refusal.detail


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (small(images=[]), "lists no `images`; expected images, annotations, categories, licenses"),
        ({}, "lists no `images`"),
        (small(images=[3]), "images: item 1: is of type int; expected an object"),
        (small(images={"id": 3, "x": [1]}, annotations="x"), "annotations: item 1: is of type str; expected an object"),
        (small(annotations=[{"image_id": 1}]), "annotations: item 1: has no category_id"),
        (small(annotations=[{"image_id": [1], "category_id": 1}]), "annotations: item 1: has no image_id"),
        (small(categories=[{"id": 1}]), "categories: item 1: has no 'name'"),
        (small(categories=[{"id": 1, "name": "\ud800"}]), "categories: item 1: its 'name' is no Unicode text"),
        (small(licenses=[{"id": 1, "name": {}}]), "licenses: item 1: its 'name' is a dict"),
        (small(categories=[{"id": n, "name": "gull"} for n in (1, "2")]), "categories 1, 2: are all called 'gull'"),
    ],
)  # fmt: skip
def test_items_that_cannot_be_read_are_told(tmp_path: Path, document: Any, words: str) -> None:
    with pytest.raises(FieldguideError) as error:
        read(tmp_path, document)
    assert words in str(error.value) and "train.json" in str(error.value)


def test_they_are_told_all_at_once_and_not_for_ever(tmp_path: Path) -> None:
    with pytest.raises(ProblemsError) as error:
        read(tmp_path, small(annotations=[{}, 3], categories=[{"id": 1}]))
    assert len(error.value.problems) == 3
    with pytest.raises(ProblemsError) as error:
        read(tmp_path, small(annotations=[0] * 100_000))
    assert len(error.value.problems) == 1000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "at its beginning: not valid JSON (expected { and found its end)"),
        (b"[]", "expected { and found ["),
        (b'{"images": [{"id": 1}, {]', "images: after item 1: not valid JSON"),
        (b'{"images": [{"id": 1}', "images: after item 1: not valid JSON"),
        (b'{"images": [' + b"[" * 200_000, "nested too deeply"),
        (b'{"images": [{"id": ' + b"9" * 5000 + b"}]}", "not valid JSON"),
        (b'{"images": [{"id": "\xff"}]}', "is no UTF-8"),
        (b'{"images": []} x', "more follows its end"),
        (b'{"images": ["' + b"x" * (5 << 20), "not valid JSON"),
        (b"{1: []}", "expected the name of a list"),
    ],
)  # fmt: skip
def test_what_is_no_json_is_told_with_its_place(tmp_path: Path, text: bytes, words: str) -> None:
    with pytest.raises(FieldguideError) as error:
        read(tmp_path, text)
    assert words in str(error.value) and "train.json" in str(error.value)


@pytest.mark.parametrize("chunk", [1, 2, 7, 1 << 20])
def test_json_is_read_by_pieces_whatever_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(json_lists, "_CHUNK", chunk)
    document = {"a": [1, 23, "x\ny", {"b": [1.5e3, None]}, []], "c": 12345, "d": {"e": [1]}, "f": []}
    (tmp_path / "x.json").write_text("\ufeff \n" + json.dumps(document, indent=1, ensure_ascii=False) + "\n ")
    found = list(json_lists.json_lists(tmp_path / "x.json"))
    assert found == [*(("a", one) for one in document["a"]), ("c", 12345), ("d", {"e": [1]})]  # type: ignore[union-attr]


def test_what_the_file_says_of_nothing_is_told(tmp_path: Path) -> None:
    write_files(tmp_path / "p", {"1.jpg": b"1"})
    told: list[str] = []
    annotations = [{"image_id": n, "category_id": 1} for n in (1, 5, 6)]
    read(tmp_path, small(images=[{"id": 1, "file_name": "1.jpg", "license": 9}], annotations=annotations), told.append)
    assert told == [
        "source s: 1 images name a license that the JSON does not describe: none is stated for them",
        "source s: 2 images have annotations and are not listed",
    ]


def test_one_image_more_changes_one_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_CANDIDATES", 4)
    write_files(tmp_path / "p", {f"{n}.jpg": bytes([n]) for n in range(80)})

    def cut(numbers: list[int]) -> list[str]:
        images = [{"id": n, "file_name": f"{n}.jpg"} for n in numbers]
        annotations = [{"image_id": n, "category_id": 1} for n in numbers]
        place(tmp_path, small(images=images, annotations=annotations))
        found = pickle.loads(pickle.dumps(list(split_source(coco(), tmp_path))))
        assert [one.data for part in found for one in read_part(part, tmp_path)] == [bytes([n]) for n in numbers]
        return [part_key(part, tmp_path) for part in found]

    before, after = cut([*range(40), *range(41, 80)]), cut([*range(80)])
    assert len(before) > 5 and 1 <= len(set(after) - set(before)) <= 2


def test_a_coco_source_is_a_file_whose_folder_dvc_watches(tmp_path: Path) -> None:
    assert "no such file" in next(missing_sources([coco()], tmp_path)).what
    place(tmp_path, small())
    (tmp_path / "dvc.yaml").write_text("stages: {ingest: {cmd: x, deps: [p]}}")
    assert list(untracked_sources([coco()], tmp_path)) == [] and coco().place == Path("p")
    with pytest.raises(ValidationError, match=r"columns\.bytes: a coco has none"):
        coco(columns={"bytes": "x"})
