"""iNaturalist's open data: tables joined to the photographs that are there, and tables that are damaged."""

from __future__ import annotations

import gzip
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.corpus.sources import parts
from fieldguide.corpus.sources.candidates import SourceImage
from fieldguide.corpus.sources.reading import (
    list_source,
    missing_sources,
    part_key,
    read_part,
    read_source,
    split_source,
)
from fieldguide.corpus.sources.section import ImageSource
from tests.corpus.pictures import write_files

HEADERS = {
    "photos": "photo_uuid photo_id observation_uuid observer_id extension license width height position",
    "observations": "observation_uuid observer_id latitude longitude accuracy taxon_id quality_grade observed_on",
    "taxa": "taxon_id ancestry rank_level rank name active",
    "observers": "observer_id login name",
}
ROWS: dict[str, list[str]] = {
    "photos": [
        "u 1 o1 7 jpg CC-BY-NC 9 9 0", "u 2 o2 8 jpeg CC0 9 9 0", "u 3 o3 9 jpg PD 9 9 0", "u 99 o1 7 jpg CC0 9 9 1",
    ],
    "observations": [
        "o1 7 1 1 5 11 research d", "o2 8 1 1 5 12 needs_id d", "o3 9 1 1 5 12 research d", "o9 9 1 1 5 13 x d",
    ],
    "taxa": ["11 48460/1 10 species Larus~argentatus true", "12 48460/1 10 species Larus~fuscus false"],
    "observers": ['7 gull "A"~Nonymous', "8 b ", "9 c "],
}  # fmt: skip


def table(name: str, rows: list[str]) -> bytes:
    """Cells are separated by blanks here, and have ~ for a blank."""
    return "".join(f"{row}\n" for row in (HEADERS[name], *rows)).replace(" ", "\t").replace("~", " ").encode()


def place(root: Path, files: dict[str, bytes] | None = None, **rows: list[str]) -> None:
    found = {"1/original.jpg": b"1", "1/medium.jpg": b"m", "2/medium.jpeg": b"2", "3/large.jpg": b"3"}
    write_files(root / "p/photos", found if files is None else files)
    write_files(root / "p", {f"{name}.csv": table(name, rows.get(name, ROWS[name])) for name in HEADERS})


def inaturalist(**values: Any) -> ImageSource:
    return ImageSource.model_validate({"name": "s", "kind": "inaturalist", "path": "p", **values})


def read(root: Path, say: Any = lambda _: None, **values: Any) -> list[SourceImage]:
    return list(read_source(inaturalist(**values), root, say))


def refusals(root: Path, **values: Any) -> dict[str, str]:
    return {one.key: f"{one.refusal.reason}: {one.refusal.detail}" for one in read(root, **values) if one.refusal}


FIRST = SourceImage("1", "photos/1/original.jpg", b"1", None, "Larus argentatus", None, "CC-BY-NC-4.0", '"A" Nonymous')
THIRD = SourceImage("3", "photos/3/large.jpg", b"3", None, "Larus fuscus", None, "PD", "c")


def test_photographs_that_are_there_have_what_four_tables_say(tmp_path: Path) -> None:
    place(tmp_path)
    told: list[str] = []
    assert read(tmp_path, told.append) == [FIRST, THIRD]
    assert told == [
        "source s: 1 files under photos/ are smaller sizes of a photograph, or none, and are not read",
        "source s: 1 photographs of observations of grade needs_id are not read (`grades`)",
    ]
    second = read(tmp_path, grades=["research", "needs_id"])[1]
    assert (second.name, second.licence, second.attribution) == ("photos/2/medium.jpeg", "CC0-1.0", "b")
    assert [(one.key, one.entity, one.data) for one in list_source(inaturalist(), tmp_path)] == [
        ("1", "Larus argentatus", b""), ("3", "Larus fuscus", b"")
    ]  # fmt: skip


def test_tables_may_be_compressed_or_separated_by_commas(tmp_path: Path) -> None:
    place(tmp_path)
    for name, rows in ROWS.items():
        (tmp_path / f"p/{name}.csv").unlink()
        (tmp_path / f"p/{name}.csv.gz").write_bytes(gzip.compress(table(name, rows)))
    assert read(tmp_path) == [FIRST, THIRD]
    (tmp_path / "p/observers.csv.gz").unlink()
    (tmp_path / "p/observers.csv").write_text('observer_id,login,name\n7,gull,"""A"" Nonymous"\n9,c,\n')
    assert read(tmp_path) == [FIRST, THIRD]


def test_an_entity_may_be_called_by_another_column(tmp_path: Path) -> None:
    place(tmp_path)
    assert [one.entity for one in read(tmp_path, columns={"entity": "taxon_id"})] == ["11", "12"]
    assert [one.entity for one in read(tmp_path, entities=None)] == [None, None]


def test_taxa_of_one_name_are_told(tmp_path: Path) -> None:
    place(tmp_path, taxa=["11 1 10 species Larus true", "12 1 20 genus Larus true"])
    with pytest.raises(ProblemsError, match=r"taxa 11, 12: are all called 'Larus'; columns\.entity: taxon_id tells"):
        read(tmp_path)
    assert len(read(tmp_path, columns={"entity": "taxon_id"})) == 2
    assert len(read(tmp_path, entities=None)) == 2


def test_photographs_of_which_nothing_fits_say_why(tmp_path: Path) -> None:
    rows = [f"u {n} o{n} 7 jpg CC0 9 9 0" for n in (1, 2, 3, 5)]
    place(
        tmp_path,
        {f"{n}/original.jpg": b"x" for n in (1, 2, 4)} | {"3/thumb.jpg": b"x", "5/original.jpg": b"x"},
        photos=[*rows, "u 5 o1 7 jpg CC0 9 9 0"],
        observations=["o1 7 1 1 5 77 research d", "o3 7 1 1 5 11 research d", "o5 7 1 1 5 11 research d"],
    )
    assert refusals(tmp_path) == {
        "1": "unreadable: taxa.csv says nothing of its taxon 77",
        "2": "unreadable: observations.csv says nothing of its observation",
        "3": "unreadable: its folder has none of original, large, medium, small",
        "4": "unreadable: photos.csv says nothing of it",
        "5": "contradictory: belongs to observations of several taxa (Larus argentatus, none)",
    }


def test_a_photograph_of_two_observations_of_one_taxon_is_one(tmp_path: Path) -> None:
    place(
        tmp_path,
        {"1/original.jpg": b"x"},
        photos=["u 1 o1 7 jpg CC0 9 9 0", "u 1 o2 7 jpg CC0 9 9 0", "u 1 o3 7 jpg CC0 9 9 0"],
        observations=["o1 7 1 1 5 12 casual d", "o2 7 1 1 5 11 research d", "o3 7 1 1 5 11 research d"],
    )
    assert [(one.entity, one.refusal) for one in read(tmp_path)] == [("Larus argentatus", None)]


def test_an_observation_without_taxon_shows_no_entity(tmp_path: Path) -> None:
    place(tmp_path, {"1/original.jpg": b"x"}, observations=["o1 7 1 1 5  research d"])
    assert [(one.entity, one.refusal) for one in read(tmp_path)] == [(None, None)]


def test_links_and_strange_names_lead_nowhere(tmp_path: Path) -> None:
    place(
        tmp_path,
        {"2/x": b"", "x/original.jpg": b"x", "notes.txt": b"x", "3/.original.jpg": b"x", "3/original.jpg": b"3"},
    )
    (tmp_path / os.fsdecode(b"p/photos/2/original.\xff")).write_bytes(b"x")
    (tmp_path / "secret.jpg").write_bytes(b"s")
    (tmp_path / "p/photos/1").mkdir()
    (tmp_path / "p/photos/1/original.jpg").symlink_to(tmp_path / "secret.jpg")
    (tmp_path / "p/photos/99").symlink_to(tmp_path)
    told: list[str] = []
    found = {one.key: one.refusal.detail if one.refusal else one.data for one in read(tmp_path, told.append)}
    assert found == {
        "1": "lies outside p/, the source's folder", "2": "its folder has none of original, large, medium, small",
        "3": b"3",
    }  # fmt: skip
    assert told == ["source s: 6 files under photos/ are smaller sizes of a photograph, or none, and are not read"]


def test_tables_and_columns_that_are_missing_are_told_at_once(tmp_path: Path) -> None:
    place(tmp_path)
    (tmp_path / "p/taxa.csv").unlink()
    (tmp_path / "p/photos.csv.gz").write_bytes(b"")
    (tmp_path / "p/observers.csv").write_text("observer_id,who\n")
    with pytest.raises(ProblemsError) as error:
        read(tmp_path)
    told = [f"{Path(problem.where).name}: {problem.what}" for problem in error.value.problems]
    assert told == [
        "photos.csv: both are there; remove one", "taxa.csv: no such file, nor with .gz",
        "observers.csv: has no column 'login'; it has observer_id, who",
        "observers.csv: has no column 'name'; it has observer_id, who",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("taxa", table("taxa", ["11 1"]), "Expected 6 columns, got 2"),
        ("taxa", b"taxon_id\tname\n11\t\xff\n", "invalid UTF8"),
        ("taxa", b"\xff\xfet\0a\0", "not a table, or damaged"),
        ("taxa", b"taxon_id\tname\n11\t" + b"x" * (3 << 20), "not a table, or damaged"),
        ("taxa", b"taxon_id\tname\tname\n11\tx\ty\n", "multiple columns named name"),
        ("taxa", table("taxa", [*ROWS["taxa"], ROWS["taxa"][0]]), "taxon_id 11 has more than one row"),
        ("observations", table("observations", [ROWS["observations"][0]] * 5000), "o1 has more than one row"),
        ("observers", b"", "has no column 'observer_id'"),
        ("taxa.gz", gzip.compress(table("taxa", ROWS["taxa"] * 9000))[:-30], "not a table, or damaged"),
        ("taxa.gz", b"no gzip", "not a table, or damaged"),
    ],
)  # fmt: skip
def test_damaged_tables_are_told(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    place(tmp_path)
    plain, _, compressed = name.partition(".")
    (tmp_path / f"p/{plain}.csv").unlink()
    file = tmp_path / f"p/{plain}.csv{'.gz' if compressed else ''}"
    file.write_bytes(data)
    with pytest.raises(FieldguideError) as error:
        read(tmp_path)
    assert words in str(error.value) and file.name in str(error.value) and "source 's'" in str(error.value)


def test_one_photograph_more_changes_one_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_CANDIDATES", 4)

    def cut(numbers: list[int]) -> list[str]:
        place(
            tmp_path,
            {f"{n}/medium.jpg": bytes([n]) for n in numbers},
            photos=[f"u {n} o1 7 jpg CC0 9 9 0" for n in numbers],
        )
        found = pickle.loads(pickle.dumps(list(split_source(inaturalist(), tmp_path))))
        assert sorted(one.data[0] for part in found for one in read_part(part, tmp_path)) == numbers
        return [part_key(part, tmp_path) for part in found]

    before, after = cut([*range(40), *range(41, 80)]), cut([*range(80)])
    assert len(before) > 5 and 1 <= len(set(after) - set(before)) <= 2


def test_a_source_without_its_folder_is_missing(tmp_path: Path) -> None:
    assert "no such folder" in next(missing_sources([inaturalist()], tmp_path)).what
    write_files(tmp_path, {"p": b""})
    assert "needs a folder" in next(missing_sources([inaturalist()], tmp_path)).what
    (tmp_path / "p").unlink()
    (tmp_path / "p").mkdir()
    with pytest.raises(ProblemsError, match="photos: no such folder") as error:
        read(tmp_path)
    assert len(error.value.problems) == 5


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"columns": {"key": "x"}}, "an inaturalist has `entity` alone"),
        ({"grades": []}, "at least 1 item"),
        ({"grades": ["best"]}, "'research', 'needs_id' or 'casual'"),
        ({"kind": "folder", "grades": ["casual"]}, "observations of an inaturalist have them, and no other kind"),
    ],
)
def test_what_does_not_fit_the_kind_is_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        inaturalist(**values)
