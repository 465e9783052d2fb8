"""Photographs of a release are got from wherever they are, told by their bytes, and what does not come is explained."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fieldguide.cli.main import app
from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.files import locked, read_json, sha256_bytes
from fieldguide.publishing.release.sources.fetching import ImageFetcher
from fieldguide.publishing.release.verify import verify_release
from fieldguide.records.release import RELEASE_IMAGES
from tests.builders import rewrite
from tests.publishing.release.sources.shop import (
    FORMS,
    MUSEUM,
    SHOP,
    as_folder,
    as_manifest,
    as_table,
    as_tar,
    as_zip,
    described_as,
    shop_release,
    sums,
    with_access,
)

LIMIT = 10**9


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """A release and the shop's photographs; not to be changed."""
    return shop_release(tmp_path_factory.mktemp("shop"), with_access(folder="Ask the shop."))


@pytest.fixture
def release(made: tuple[Path, dict[str, bytes]]) -> Path:
    return made[0]


@pytest.fixture
def shop(made: tuple[Path, dict[str, bytes]]) -> dict[str, bytes]:
    return made[1]


def every(release: Path) -> dict[str, str]:
    """sha256 of every image, by its id."""
    images = RELEASE_IMAGES.read(release / "images.parquet")
    return dict(zip(images["image_id"], images["sha256"], strict=True))


def test_what_the_release_holds_comes_out_of_it_and_the_rest_is_explained(release: Path, tmp_path: Path) -> None:
    fetched = ImageFetcher(release, tmp_path / "to", limit=LIMIT).fetch()
    rows = {row.source: row for row in fetched.sources}
    assert (rows["museum"].released, rows["museum"].missing) == (MUSEUM, 0)
    assert (rows["shop"].got, rows["shop"].missing) == (0, SHOP)
    assert {one.reason for one in fetched.missing} == {"not obtained"}
    assert {one.detail for one in fetched.missing} == {"by hand: Ask the shop.; if you have it: --from shop=PATH"}
    assert len(sums(tmp_path / "to")) == MUSEUM
    record = read_json(tmp_path / "to" / "fetched.json")
    assert len(record["missing"]) == SHOP and record["missing"][0]["source_key"] in {f"{n:04}.png" for n in range(SHOP)}


@pytest.mark.parametrize("form", FORMS)
def test_what_somebody_has_may_be_in_any_form(form: str, made: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
    release, shop = made
    name, write = FORMS[form]
    place = write(tmp_path / name, shop)
    fetched = ImageFetcher(release, tmp_path / "to", given={"shop": place}, limit=LIMIT).fetch()
    assert fetched.missing == () and sums(tmp_path / "to") == every(release)
    assert not (tmp_path / "to" / ".fetching").exists()
    verify_release(release)  # nothing was written into it


def test_a_table_of_files_may_lie_beside_them_or_be_named(
    release: Path, shop: dict[str, bytes], tmp_path: Path
) -> None:
    listed = described_as(release, tmp_path / "release", kind="manifest", file="shop.csv")
    (tmp_path / "shop").mkdir()
    table = as_manifest(tmp_path / "shop" / "shop.csv", shop)
    for number, place in enumerate((table, table.parent)):
        to = tmp_path / f"to{number}"
        assert ImageFetcher(listed, to, given={"shop": place}, limit=LIMIT).fetch().missing == ()
        assert sums(to) == every(release)


@pytest.mark.parametrize(
    ("kind", "member", "inner"), [("parquet", "a/b/images2.parquet", as_table), ("tar", "a/shop.tar", as_tar)]
)
def test_a_file_in_an_archive_is_found_by_its_place_in_it(
    kind: str, member: str, inner: Any, release: Path, shop: dict[str, bytes], tmp_path: Path
) -> None:
    access = {"package": "p", "version": "1", "member": member}
    listed = described_as(release, tmp_path / "release", kind=kind, file="other.bin", access=access)
    data = inner(tmp_path / "inner", shop).read_bytes()
    for place in (as_zip(tmp_path / "p.whl", {member: data}), as_tar(tmp_path / "p.tar.gz", {member: data})):
        to = tmp_path / f"to-{place.name}"
        assert ImageFetcher(listed, to, given={"shop": place}, limit=LIMIT).fetch().missing == ()
    elsewhere = as_zip(tmp_path / "q.whl", {"a/b/other": data})
    fetched = ImageFetcher(listed, tmp_path / "none", given={"shop": elsewhere}, limit=LIMIT).fetch()
    assert fetched.missing[0].detail == f"{elsewhere}: has no file {member!r}; expected one"


@pytest.mark.parametrize("kind", ["tar", "webdataset"])
def test_a_source_of_many_tars_is_found_in_a_folder_of_them(
    kind: str, release: Path, shop: dict[str, bytes], tmp_path: Path
) -> None:
    listed = described_as(release, tmp_path / "release", kind=kind, file="{0..1}.tar")
    (tmp_path / "tars").mkdir()
    for n in range(2):
        as_tar(tmp_path / "tars" / f"{n}.tar", dict(list(shop.items())[n::2]))
    fetched = ImageFetcher(listed, tmp_path / "to", given={"shop": tmp_path / "tars"}, limit=LIMIT).fetch()
    assert fetched.missing == () and sums(tmp_path / "to") == every(release)


@pytest.mark.parametrize(("kind", "columns"), [("coco", {"entity": "common_name"}), ("inaturalist", {})])
def test_photographs_of_a_collection_are_found_in_its_folder(
    kind: str, columns: dict[str, str], release: Path, shop: dict[str, bytes], tmp_path: Path
) -> None:
    listed = described_as(release, tmp_path / "release", kind=kind, file="x.json", columns=columns)
    place = as_folder(tmp_path / "there", {f"photos/{n}/medium.png": data for n, data in enumerate(shop.values())})
    (place / "x.json").write_text("{}")
    fetched = ImageFetcher(listed, tmp_path / "to", given={"shop": place}, limit=LIMIT).fetch()
    assert fetched.missing == () and sums(tmp_path / "to") == every(release)


def test_names_say_nothing_bytes_do(release: Path, shop: dict[str, bytes], tmp_path: Path) -> None:
    renamed = {f"{n}.exe": data for n, data in enumerate(shop.values())}
    place = as_zip(tmp_path / "shop.dat", renamed)
    fetched = ImageFetcher(release, tmp_path / "to", given={"shop": place}, limit=LIMIT).fetch()
    assert fetched.missing == () and sums(tmp_path / "to") == every(release)


def test_other_bytes_refused_files_and_files_that_are_not_there_are_told_apart(
    release: Path, shop: dict[str, bytes], tmp_path: Path
) -> None:
    changed, linked, gone, *_ = sorted(shop)
    place = as_folder(tmp_path / "shop", {key: data for key, data in shop.items() if key not in (linked, gone)})
    pictures = place / "pictures"
    (pictures / changed).write_bytes(shop[changed] + b"\n")
    (pictures / linked).symlink_to("/etc/passwd")
    fetched = ImageFetcher(release, tmp_path / "to", given={"shop": pictures}, limit=LIMIT).fetch()
    told = {one.source_key: (one.reason, one.detail) for one in fetched.missing}
    assert told[changed][0] == "other bytes"
    assert told[linked] == ("refused", "unreadable: lies outside pictures/, the source's folder")
    assert told[gone] == ("absent", "the source has neither these bytes nor this key")
    assert len(told) == 3 and len(sums(tmp_path / "to")) == SHOP + MUSEUM - 3


def test_it_goes_on_where_it_stopped_and_mends_what_was_damaged(
    release: Path, shop: dict[str, bytes], tmp_path: Path
) -> None:
    some = dict(list(shop.items())[:10])
    first = ImageFetcher(
        release, tmp_path / "to", given={"shop": as_table(tmp_path / "a.parquet", some)}, limit=LIMIT
    ).fetch()
    assert len(first.missing) == SHOP - 10
    victim = sorted((tmp_path / "to").glob("*.png"))[0]
    victim.write_bytes(b"half")
    given = {"shop": as_table(tmp_path / "b.parquet", shop)}
    second = ImageFetcher(release, tmp_path / "to", given=given, limit=LIMIT).fetch()
    assert sum(row.there for row in second.sources) == 10 + MUSEUM - 1
    assert (tmp_path / "to" / f"{victim.name}.before-1").read_bytes() == b"half"  # may be somebody's work
    (tmp_path / "to" / f"{victim.name}.before-1").unlink()
    assert second.missing == () and sums(tmp_path / "to") == every(release)
    third = ImageFetcher(release, tmp_path / "to", limit=LIMIT).fetch()  # nothing is needed any more
    assert [(row.there, row.how) for row in third.sources] == [(MUSEUM, "there already"), (SHOP, "there already")]


def test_a_plan_writes_nothing(release: Path, shop: dict[str, bytes], tmp_path: Path) -> None:
    place = as_zip(tmp_path / "shop.zip", shop)
    planned = ImageFetcher(release, tmp_path / "to", given={"shop": place}, limit=LIMIT).plan()
    assert {(row.source, row.released, row.got, row.missing) for row in planned.sources} == {
        ("museum", MUSEUM, 0, 0), ("shop", 0, SHOP, 0),
    }  # fmt: skip
    assert not (tmp_path / "to").exists()


def test_archives_of_the_release_that_are_gone_or_damaged_are_no_end(
    release: Path, shop: dict[str, bytes], tmp_path: Path
) -> None:
    broken = Path(shutil.copytree(release, tmp_path / "release"))
    museum = {}
    for number, path in enumerate(sorted((broken / "images").glob("*.tar"))):
        with tarfile.open(path) as tar:
            museum |= {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
        path.write_bytes(b"no tar") if number else path.unlink()
    given = {"shop": as_zip(tmp_path / "s.zip", shop), "museum": as_zip(tmp_path / "m.zip", museum)}
    fetched = ImageFetcher(broken, tmp_path / "to", given=given, limit=LIMIT).fetch()
    assert fetched.missing == ()
    assert {row.source: row.got for row in fetched.sources} == {"museum": MUSEUM, "shop": SHOP}


def test_bytes_that_are_no_image_are_refused_although_their_sum_is_right(release: Path, tmp_path: Path) -> None:
    """A release may say of any file in the world that it is a photograph."""
    broken = Path(shutil.copytree(release, tmp_path / "release"))
    secret = b"-----BEGIN"
    digest = sha256_bytes(secret)
    rewrite(
        RELEASE_IMAGES,
        broken / "images.parquet",
        sha256=lambda frame: frame["sha256"].where(frame["source_key"] != "0000.png", digest),
    )
    place = as_folder(tmp_path / "shop", {"0000.png": secret})
    fetched = ImageFetcher(broken, tmp_path / "to", only=["shop"], given={"shop": place}, limit=LIMIT).fetch()
    assert sums(tmp_path / "to") == {}
    assert {one.reason for one in fetched.missing} == {"refused", "absent"}


@pytest.mark.parametrize(
    ("column", "value"),
    [("image_id", "../../evil0000000"), ("archive", "../x.tar"), ("source", "../x"), ("sha256", "0" * 63)],
)
def test_what_would_lead_elsewhere_is_refused(release: Path, tmp_path: Path, column: str, value: str) -> None:
    broken = Path(shutil.copytree(release, tmp_path / "release"))
    names = RELEASE_IMAGES.read(broken / "images.parquet")[column]
    rewrite(RELEASE_IMAGES, broken / "images.parquet", **{column: [value, *names[1:]]})
    with pytest.raises((ProblemsError, FieldguideError), match="expected"):
        ImageFetcher(broken, tmp_path / "to", limit=LIMIT)


def test_mistakes_are_told(release: Path, tmp_path: Path) -> None:
    with pytest.raises(FieldguideError, match=r"is no release, for it has no release\.json"):
        ImageFetcher(tmp_path, tmp_path / "to", limit=LIMIT)
    with pytest.raises(FieldguideError, match="lies in the release, whose checksums would not fit any more"):
        ImageFetcher(release, release / "images", limit=LIMIT)
    with pytest.raises(ProblemsError, match="has no source 'zoo'; it has museum, shop"):
        ImageFetcher(release, tmp_path / "to", only=["zoo"], limit=LIMIT)
    (tmp_path / "file").write_text("")
    with pytest.raises(FieldguideError, match="is no folder to write to"):
        ImageFetcher(release, tmp_path / "file", limit=LIMIT).fetch()
    fetcher = ImageFetcher(release, tmp_path / "to", limit=LIMIT)
    with (
        locked(tmp_path / "to" / ".fieldguide-fetching" / "lock"),
        pytest.raises(FieldguideError, match="another process is fetching into it"),
    ):
        fetcher.fetch()


def test_more_than_was_allowed_is_not_read(release: Path, shop: dict[str, bytes], tmp_path: Path) -> None:
    given = {"shop": as_zip(tmp_path / "shop.zip", shop)}
    fetched = ImageFetcher(release, tmp_path / "to", given=given, limit=len(shop["0000.png"]) * 3).fetch()
    assert 0 < len(fetched.missing) < SHOP
    assert {one.reason for one in fetched.missing} == {"not obtained"}
    assert "--max-gb allows more" in fetched.missing[0].detail


@pytest.mark.parametrize(
    "data", [b"", b"PAR1", b"PAR1" + b"\0" * 99 + b"PAR1", b"\x1f\x8b\x08" + b"\0" * 40, b"PK\x03\x04x"]
)
def test_what_is_damaged_is_told_in_words(release: Path, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "shop").write_bytes(data)
    fetched = ImageFetcher(release, tmp_path / "to", given={"shop": tmp_path / "shop"}, limit=LIMIT).fetch()
    assert len(fetched.missing) == SHOP
    assert all(one.reason == "not obtained" and one.detail for one in fetched.missing)


def test_a_release_without_sources_json_is_read_by_its_parameters(
    release: Path, shop: dict[str, bytes], tmp_path: Path
) -> None:
    old = Path(shutil.copytree(release, tmp_path / "release"))
    (old / "sources.json").unlink()
    given = {"shop": as_zip(tmp_path / "shop.zip", shop)}
    assert ImageFetcher(old, tmp_path / "to", given=given, limit=LIMIT).fetch().missing == ()


def command(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["release", "fetch-images", *map(str, arguments)])


def test_the_command_counts_and_ends_with_1_until_all_are_there(
    release: Path, shop: dict[str, bytes], tmp_path: Path
) -> None:
    place, to = as_zip(tmp_path / "shop.zip", shop), tmp_path / "to"
    planned = command(release, "--to", to, "--dry-run")
    assert planned.exit_code == 1 and f"{MUSEUM} of {SHOP + MUSEUM} images would be in {to}/" in planned.stdout
    assert not to.exists()
    partly = command(release, "--to", to)
    assert partly.exit_code == 1 and f"{MUSEUM} of {SHOP + MUSEUM} images are in {to}/" in partly.stdout
    assert f"shop: {SHOP} not obtained: by hand: Ask the shop." in partly.stdout
    done = command(release, "--to", to, "--from", f"shop={place}", "--json")
    assert done.exit_code == 0, done.stdout
    told = json.loads(done.stdout)
    assert told["missing"] == [] and {row["source"]: row["got"] for row in told["sources"]} == {
        "museum": 0,
        "shop": SHOP,
    }
    assert command(release, "--to", tmp_path / "two", "--source", "museum").exit_code == 0
    assert len(sums(tmp_path / "two")) == MUSEUM


@pytest.mark.parametrize("pair", ["shop", "=x", "shop="])
def test_what_is_no_pair_is_told(release: Path, tmp_path: Path, pair: str) -> None:
    done = command(release, "--to", tmp_path / "to", "--from", pair)
    assert done.exit_code == 2 and "is not NAME=PATH" in done.stderr
    twice = command(release, "--to", tmp_path / "to", "--from", "shop=a", "--from", "shop=b")
    assert twice.exit_code == 2 and "stands there twice" in twice.stderr


def test_a_sources_json_that_is_none_is_told(release: Path, tmp_path: Path) -> None:
    broken = described_as(release, tmp_path / "release", file="../../home/secret.parquet", kind="pickle")
    with pytest.raises(ProblemsError) as caught:
        ImageFetcher(broken, tmp_path / "to", limit=LIMIT)
    wrong = {problem.where.rpartition(": ")[2] for problem in caught.value.problems}
    assert wrong == {"sources.shop.file", "sources.shop.kind"}
