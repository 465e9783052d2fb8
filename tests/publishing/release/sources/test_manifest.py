"""sources.json, card and licence say how each source is got and whom to name, each as far as it is stated."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fieldguide.core.errors import ProblemsError
from fieldguide.core.files import read_json, write_json
from fieldguide.corpus.sources.section import ImageSource
from fieldguide.publishing.release.make import make_release
from fieldguide.publishing.release.sources.manifest import attribution_words, described
from fieldguide.publishing.release.verify import verify_release
from fieldguide.records.images import IMAGES
from fieldguide.records.release import RELEASE_IMAGES
from tests.builders import rewrite, tiny_params
from tests.finished import finished_benchmark
from tests.publishing.release.sources.shop import shop_release, with_access
from tests.publishing.release.test_release import sign, told


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be changed."""
    return shop_release(tmp_path_factory.mktemp("manifest"), with_access(folder="Ask."))[0]


@pytest.mark.parametrize(
    ("stated", "texts", "words"),
    [
        (None, ["a", "a"], "a"),
        ("the museum", ["a", "a"], "a"),
        (None, [None, ""], ""),
        (None, ["a", "b"], "2 different, see images.parquet"),
        ("the museum", ["a", "b"], "the museum; 2 different, see images.parquet"),
        ("a", ["a", "b"], "2 different, see images.parquet"),
        (None, ["a", None], "1 different, see images.parquet (1 of 2 images state none)"),
        ("m", [str(n) for n in range(1500)], "m; 1,500 different, see images.parquet"),
    ],
)
def test_no_image_is_credited_to_the_maker_of_another(stated: str | None, texts: list[str], words: str) -> None:
    assert attribution_words(stated, texts) == words


def test_many_attributions_are_counted_on_card_and_licence(tmp_path: Path) -> None:
    params = tiny_params()
    museum = params.ingest.sources[1].model_copy(update={"attribution": "City Museum"})
    ingest = params.ingest.model_copy(update={"sources": [params.ingest.sources[0], museum]})
    params = params.model_copy(update={"ingest": ingest})
    paths = finished_benchmark(tmp_path, params)
    rewrite(
        IMAGES,
        paths.images,
        attribution=lambda f: f["attribution"].where(f["source"] == "shop", [f"work {n}" for n in f.index]),
    )
    make_release(params, paths)
    words = "City Museum; 2 different, see images.parquet"
    assert f"| museum | 2 | CC0-1.0 | yes | {words} |" in (paths.release / "README.md").read_text()
    assert f"- museum, 2 images: CC0-1.0 ({words})" in (paths.release / "LICENSE.txt").read_text()
    assert (
        "- shop, 21 images: no licence stated; not included here (somebody)"
        in (paths.release / "LICENSE.txt").read_text()
    )
    verify_release(paths.release)


@pytest.mark.parametrize(
    ("access", "words"),
    [
        ({}, "how to get it is not stated"),
        ({"folder": "Write to the *shop*."}, r"by hand: Write to the \*shop\*."),
        ({"package": "shop-x", "version": "1.0", "member": "a/b"}, "Python package shop-x 1.0, a/b inside it"),
        ({"url": "https://example.org/x.zip", "sha256": "0" * 64}, "https://example.org/x.zip"),
    ],
)
def test_card_and_machines_are_told_how_a_source_is_got(tmp_path: Path, access: dict[str, Any], words: str) -> None:
    release, _ = shop_release(tmp_path, with_access(**access))
    card = (release / "README.md").read_text()
    assert f"- `shop`: {words}" in card and "fieldguide release fetch-images" in card
    source = read_json(release / "sources.json")["sources"]["shop"]
    given = {key: value for key, value in (source["access"] or {}).items() if value is not None}
    assert given == access
    (part,) = source["licences"]
    assert (part["licence"], part["images"], part["in_release"]) == (None, 21, 0)
    assert source["source_key"] == "the file's path inside the folder"
    verify_release(release)


@pytest.fixture(scope="module")
def images(release: Path) -> pd.DataFrame:
    """Of the shop."""
    return RELEASE_IMAGES.read(release / "images.parquet").query("source == 'shop'")


@pytest.mark.parametrize(
    ("kind", "columns", "keys", "words"),
    [
        ("folder", {}, ["a/b.png"], "the file's path inside the folder"),
        ("tar", {}, ["a/b.png"], "the member's name inside the tar"),
        ("tar", {}, ["00.tar/a/b.png", "x/01.tar.gz/b.png"], "the name of the tar, then the member's name inside it"),
        (
            "webdataset",
            {},
            ["00.tar/x"],
            "the sample's name inside the tar, after the tar's own where there are many, or what its .json says",
        ),
        ("coco", {}, ["x.jpg"], "the file's path as the JSON names it, or what the key says that params.yaml names"),
        ("inaturalist", {}, ["12"], "the photograph's number at iNaturalist, its photo_id"),
        ("parquet", {}, ["00000000", "00000012"], "the number of the table's row, from 0, as eight digits"),
        ("parquet", {}, ["00000000", "x"], "what the table's column `key` says"),
        ("parquet", {"key": "id"}, ["00000000"], "what the column id of the table says"),
        ("manifest", {}, ["x.png"], "the file's path as the manifest names it, or what its column `key` says"),
    ],
)
def test_what_a_key_means_hangs_on_the_kind(
    kind: Any, columns: dict[str, str], keys: list[str], words: str, images: pd.DataFrame
) -> None:
    source = ImageSource.model_validate({"name": "shop", "kind": kind, "path": "x", "columns": columns})
    (found,) = described([source], {}, images.head(len(keys)).assign(source_key=keys)).values()
    assert found.source_key == words


@pytest.mark.parametrize(
    ("access", "words"),
    [
        ({"package": "a"}, "package and version go together"),
        ({"package": "-r evil", "version": "1"}, "package"),
        ({"package": "a", "version": "1 --index-url=x"}, "version"),
        ({"package": "a", "version": "1", "folder": "x"}, "has package and folder of package, url and folder"),
        ({"member": "x"}, "has none of package, url and folder; expected exactly one"),
        ({"url": "http://example.org/x", "sha256": "0" * 64}, "url"),
        ({"url": "https://me:secret@example.org/x", "sha256": "0" * 64}, "url"),
        ({"url": "https://example.org/x"}, "an address needs the sha256 of the file that it gives"),
        ({"folder": "x", "sha256": "0" * 64}, "with folder nothing is downloaded"),
        ({"folder": "x", "member": "../x"}, "is no path inside an archive"),
        ({"folder": "x", "member": "/x"}, "is no path inside an archive"),
    ],
)
def test_what_is_no_way_of_getting_it_is_refused(access: dict[str, Any], words: str) -> None:
    with pytest.raises(ProblemsError, match=words):
        with_access(**access)


def test_sources_that_are_none_of_ingest_are_told() -> None:
    with pytest.raises(ProblemsError, match=r"release\.sources\.zoo: 'zoo' is not in ingest\.sources; allowed: museum"):
        tiny_params(release={"sources": {"zoo": {"folder": "x"}}})


@pytest.mark.parametrize(
    "edit",
    [
        lambda shop: shop | {"access": {"package": "evil", "version": "1"}},
        lambda shop: shop | {"licences": [shop["licences"][0] | {"licence": "CC0-1.0"}]},
        lambda shop: shop | {"licences": [shop["licences"][0] | {"attribution": "me"}]},
        lambda shop: shop | {"kind": "tar"},
    ],
)
def test_a_changed_sources_json_is_found_behind_right_checksums(release: Path, tmp_path: Path, edit: Any) -> None:
    broken = Path(shutil.copytree(release, tmp_path / "release"))
    told_of = read_json(broken / "sources.json")
    told_of["sources"]["shop"] = edit(told_of["sources"]["shop"])
    write_json(broken / "sources.json", told_of)
    sign(broken)
    found = told(broken)
    assert "sources.json: says something else of the sources than params.yaml and images.parquet" in found
