"""Sources as curators have them: spreadsheets, network drives, archives joined and cut, links into caches."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.corpus.sources.candidates import SourceImage
from fieldguide.corpus.sources.reading import missing_sources, read_source, untracked_sources
from fieldguide.corpus.sources.section import ImageSource
from fieldguide.corpus.store.pixels import MAX_BYTES
from tests.corpus.pictures import write_files


def _read(root: Path, **source: Any) -> tuple[list[SourceImage], list[str]]:
    told: list[str] = []
    return list(read_source(ImageSource.model_validate({"name": "s", **source}), root, told.append)), told


def _manifest(root: Path, text: str | bytes) -> tuple[list[SourceImage], list[str]]:
    write_files(root, {"a.jpg": b"1", "m.csv": text if isinstance(text, bytes) else text.encode()})
    return _read(root, kind="manifest", path="m.csv", licence="CC0-1.0")


def test_columns_that_are_spelled_otherwise_are_taken_and_it_is_said(tmp_path: Path) -> None:
    (image,), told = _manifest(tmp_path, "path, entity,Split,license,when\na.jpg, Gala ,train,CC-BY-NC-4.0,1999\n")
    assert (image.entity, image.split, image.licence) == ("Gala", "train", "CC-BY-NC-4.0")
    assert told == [
        "source s: column ' entity' is taken as `entity`",
        "source s: column 'license' is taken as `licence`",
        "source s: column 'Split' is taken as `split`",
        "source s: columns not used: 'when'",
    ]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("path,Entity,ENTITY", "may be 'Entity' or 'ENTITY': name one"),
        ("path,entity,entity", "has 2 columns 'entity'; rename all but one"),
        ("file,entity,x", "columns.path: is needed: name the column"),
    ],
)
def test_columns_that_leave_a_doubt_are_refused(tmp_path: Path, header: str, words: str) -> None:
    with pytest.raises(ProblemsError, match=words):
        _manifest(tmp_path, f"{header}\na.jpg,Gala,Fuji\n")


def test_a_column_that_params_name_is_taken_whatever_others_are_called(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.jpg": b"1", "m.csv": b"path,Entity,class\na.jpg,Gala,Fuji\n"})
    (image,), told = _read(tmp_path, kind="manifest", path="m.csv", columns={"entity": "class"})
    assert image.entity == "Fuji"
    assert told == ["source s: columns not used: 'Entity'"]


def test_two_parquet_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([b"1"]), pa.array(["a"]), pa.array(["b"])], ["bytes", "entity", "entity"])
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(ProblemsError, match="has 2 columns 'entity'"):
        _read(tmp_path, kind="parquet", path="a.parquet")


def test_classes_that_became_floats_are_whole_numbers_and_nan_is_none(tmp_path: Path) -> None:
    pq.write_table(pa.table({"bytes": [b"1", b"2", b"3"], "entity": [1.0, float("nan"), 2.5]}), tmp_path / "a.parquet")
    images, _ = _read(tmp_path, kind="parquet", path="a.parquet")
    assert [image.entity for image in images] == ["1", None, "2.5"]
    images, _ = _manifest(tmp_path, "path,entity\na.jpg,12.0\na.jpg,nan\na.jpg,v1.0\n")
    assert [image.entity for image in images] == ["12", None, "v1.0"]


@pytest.mark.parametrize("nothing", ["NA", "n/a", "None", "null", " ", "NaN", "<NA>"])
def test_words_for_nothing_state_no_licence(tmp_path: Path, nothing: str) -> None:
    (image,), _ = _manifest(tmp_path, f"path,licence\na.jpg,{nothing}\n")
    assert image.licence is None


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize("first", ["", "\ufeff", "sep={}\r\n"])
def test_tables_of_spreadsheets_are_read(tmp_path: Path, separator: str, first: str) -> None:
    (image,), _ = _manifest(tmp_path, first.format(separator) + f"path{separator}entity\r\na.jpg{separator}Gala\r\n")
    assert (image.data, image.entity) == (b"1", "Gala")


def test_other_encodings_are_told_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(FieldguideError, match="is UTF-16; save it as CSV in UTF-8"):
        _manifest(tmp_path, "path\na.jpg\n".encode("utf-16"))
    with pytest.raises(FieldguideError, match=r"m\.csv:3: .*0xe4, is no UTF-8"):
        _manifest(tmp_path, "path,entity\na.jpg,x\na.jpg,\u00e4\n".encode("latin-1"))


def test_addresses_and_backslashes_are_told(tmp_path: Path) -> None:
    images, _ = _manifest(tmp_path, "path\nimg\\a.jpg\nhttps://example.org/a.jpg\ns3://bucket/a.jpg\n")
    details = [image.refusal.detail for image in images if image.refusal]
    assert details[0] == "no such file; folders are separated by / here, not by \\"
    assert details[1:] == ["is an address; photographs are read from files, so download it first"] * 2


def test_what_programs_leave_behind_is_no_photograph(tmp_path: Path) -> None:
    left = [".ipynb_checkpoints/0-checkpoint.jpg", "@eaDir/2.jpg/THUMB_M.jpg", "@eaDir/2.jpg/x.jpg"]
    files = ["1.jpg", "._1.jpg", ".DS_Store", "Thumbs.db", "desktop.ini"]
    write_files(tmp_path / "p", {f"gala/{name}": b"1" for name in [*left, *files]})
    images, _ = _read(tmp_path, kind="folder", path="p")
    assert [image.key for image in images if image.refusal is None] == ["gala/1.jpg"]
    refused = {image.key: image.refusal.detail for image in images if image.refusal}
    assert refused["gala/@eaDir/"] == "a folder that a program left there, or hidden, with 2 files"
    assert len(refused) == 6
    assert {image.refusal.reason for image in images if image.refusal} == {"leftover"}


def test_nor_is_it_in_a_tar(tmp_path: Path) -> None:
    names = ["gala/1.jpg", "__MACOSX/gala/._1.jpg", "gala/@eaDir/1.jpg", "./gala/2.jpg"]
    (tmp_path / "a.tar").write_bytes(_tar(dict.fromkeys(names, b"1")))
    images, _ = _read(tmp_path, kind="tar", path="a.tar")
    assert [image.key for image in images if image.refusal is None] == ["gala/1.jpg", "./gala/2.jpg"]
    assert {image.refusal.reason for image in images if image.refusal} == {"leftover"}


def _tar(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


SIX = {f"{n}.jpg": bytes([n]) * 700 for n in range(6)}
CUT = 2 * (512 + 1024)  # where the third member begins


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_all_streams_of_a_compressed_tar_are_read(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    whole = _tar(SIX)
    (tmp_path / "a.tar").write_bytes(compress(whole[:CUT]) + compress(whole[CUT:]))
    images, _ = _read(tmp_path, kind="tar", path="a.tar")
    assert {image.key: image.data for image in images} == SIX


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_tar_cut_between_two_members_is_told(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    (tmp_path / "a.tar").write_bytes(compress(_tar(SIX)[:CUT]))
    with pytest.raises(FieldguideError, match=r"a\.tar: .*after member 2 .*it was cut off"):
        _read(tmp_path, kind="tar", path="a.tar")


def test_joined_tars_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(_tar(SIX) + _tar({"7.jpg": b"7"}))
    with pytest.raises(FieldguideError, match="joined archives must be given as sources of their own"):
        _read(tmp_path, kind="tar", path="a.tar")
    (tmp_path / "a.tar").write_bytes(_tar(SIX) + b"\0" * 100_000)
    assert len(_read(tmp_path, kind="tar", path="a.tar")[0]) == 6


@pytest.mark.parametrize("size", [1 << 40, MAX_BYTES + 1])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_header_that_claims_what_is_not_there_ends_at_once(
    tmp_path: Path, size: int, compress: Callable[[bytes], bytes]
) -> None:
    info = tarfile.TarInfo("huge.jpg")
    info.size = size
    (tmp_path / "a.tar").write_bytes(compress(_tar(SIX)[:CUT] + info.tobuf() + b"x" * 20_000))
    begun = time.process_time()
    with pytest.raises(FieldguideError, match=r"after member 3 \((ends within|'huge.jpg' claims)"):
        _read(tmp_path, kind="tar", path="a.tar")
    assert time.process_time() - begun < 10  # hours otherwise


def test_an_archive_of_zeros_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(lzma.compress(bytes(48 << 20)))
    assert _read(tmp_path, kind="tar", path="a.tar") == ([], [])


def test_a_pipe_is_no_source(tmp_path: Path) -> None:
    subprocess.run(["mkfifo", str(tmp_path / "a.tar")], check=True)
    source = ImageSource.model_validate({"name": "s", "kind": "tar", "path": "a.tar"})
    assert [problem.what for problem in missing_sources([source], tmp_path)] == [
        f"{tmp_path / 'a.tar'}: source 's' of kind `tar` needs a file"
    ]


@pytest.mark.parametrize(
    ("path", "watched"),
    [
        ("data/input/photographs/mine", True), ("mine", True), ("elsewhere", False), ("data/input", False),
        ("data/input/photographs/../other", False), ("data/input/photographs/link", False),
    ],
)  # fmt: skip
def test_a_source_that_dvc_does_not_watch_is_told(tmp_path: Path, path: str, watched: bool) -> None:
    (tmp_path / "dvc.yaml").write_text("stages: {ingest: {cmd: x, deps: [data/input/photographs, mine]}}")
    (tmp_path / "data/input/photographs").mkdir(parents=True)
    (tmp_path / "data/input/photographs/link").symlink_to(tmp_path / "elsewhere")
    source = ImageSource.model_validate({"name": "s", "kind": "folder", "path": path})
    found = [problem.where for problem in untracked_sources([source], tmp_path)]
    assert found == ([] if watched else ["params.yaml: ingest.sources.0.path"])


def test_links_into_dvcs_cache_are_followed(tmp_path: Path) -> None:
    write_files(tmp_path, {"photos/gala/1.jpg": b"1", "secret.jpg": b"2"})
    for command in (["init", "-q", "--no-scm"], ["config", "cache.type", "symlink"], ["add", "-q", "photos"]):
        subprocess.run([sys.executable, "-m", "dvc", *command], cwd=tmp_path, check=True)
    assert (tmp_path / "photos" / "gala" / "1.jpg").is_symlink()
    (tmp_path / "photos" / "out.jpg").symlink_to(tmp_path / "secret.jpg")
    images, _ = _read(tmp_path, kind="folder", path="photos")
    assert {image.key: image.data for image in images} == {"gala/1.jpg": b"1", "out.jpg": b""}


def test_links_into_git_annex_are_followed(tmp_path: Path) -> None:
    write_files(tmp_path, {".git/annex/objects/x/1.jpg": b"1"})
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.jpg").symlink_to("../.git/annex/objects/x/1.jpg")
    ((image,), _) = _read(tmp_path, kind="folder", path="photos")
    assert (image.data, image.refusal) == (b"1", None)
