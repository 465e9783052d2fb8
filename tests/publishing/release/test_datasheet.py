"""The datasheet answers what is known, and names what is not stated; the card lists the files that there are."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.publishing.release.layout import MEANINGS, meanings
from fieldguide.publishing.release.make import make_release
from fieldguide.publishing.release.section import Responsible
from fieldguide.publishing.release.verify import verify_release
from tests.builders import tiny_params
from tests.finished import finished_benchmark
from tests.publishing.release.test_release import digests, sign, told

SECTIONS = ["Motivation", "Composition", "Collection", "Preprocessing", "Uses", "Distribution", "Maintenance"]
HOSTILE = "<script>x</script> {{ 7 * 7 }} | *b*"


def made(root: Path, **release: object) -> Paths:
    params: Params = tiny_params(release={"sources": {}, **release})
    paths = finished_benchmark(root, params)
    make_release(params, paths)
    return paths


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """With nothing stated; not to be changed."""
    return made(tmp_path_factory.mktemp("datasheet"), creators=[], responsible={})


def test_it_has_the_seven_sections_and_counts_what_there_is(paths: Paths) -> None:
    sheet = (paths.release / "datasheet.md").read_text()
    assert re.findall(r"^## (.*)$", sheet, re.MULTILINE) == SECTIONS
    assert "| images in the manifest | 23 |" in sheet and "| of which with their bytes here | 2 |" in sheet
    assert "gallery: 17 images" in sheet and "train: 6 images" in sheet
    assert "could be read (refused: 1), equal ones merged" in sheet
    assert "| museum | 2 | CC0-1.0 | somebody |" in sheet
    verify_release(paths.release)


def test_what_only_people_know_is_named_where_they_said_nothing(paths: Paths) -> None:
    sheet = (paths.release / "datasheet.md").read_text()
    named = set(re.findall(r"Not stated \(`release\.([a-z_.]+)`\)", sheet))
    assert named == {f"responsible.{key}" for key in Responsible.model_fields} | {"creators", "url", "date"}


def test_what_they_said_stands_there_as_text(tmp_path: Path) -> None:
    said = {key: f"{key}: {HOSTILE}" for key in Responsible.model_fields}
    release = made(
        tmp_path, responsible=said, url="https://example.org/x", date="2026-11-29", creators=[{"name": HOSTILE}]
    ).release
    sheet = (release / "datasheet.md").read_text()
    assert "Not stated" not in sheet and "<script>" not in sheet and "49" not in sheet
    for key in said:
        shown = key.replace("_", r"\_")
        assert rf"{shown}: \<script\>x\</script\> {{{{ 7 \* 7 }}}} \| \*b\*" in sheet
    verify_release(release)


def test_a_changed_count_is_found(paths: Paths, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(paths.release, tmp_path / "release"))
    sheet = folder / "datasheet.md"
    sheet.write_text(sheet.read_text().replace("| images in the manifest | 23 |", "| images in the manifest | 24 |"))
    sign(folder)
    assert "datasheet.md: images in the manifest: says 24; the files hold 23" in told(folder)


def listed(folder: Path) -> set[str]:
    card = (folder / "README.md").read_text().partition("## Files")[2].partition("\n## ")[0]
    return {name for names in re.findall(r"^\| `([^`]+)` \|", card, re.MULTILINE) for name in names.split(", ")}


def test_the_card_lists_every_file_and_no_other(paths: Paths) -> None:
    there, names = digests(paths.release), listed(paths.release)
    assert not [name for name in names if not list(paths.release.glob(name))]
    assert not {"calls/", "annotation/", "ERRATA.md", "vectors/"} & names
    folders = (*(name for name in names if name.endswith("/")), "images/")
    assert not [name for name in there if name not in names and not name.startswith(folders)]


def test_every_meaning_is_one_of_the_files_it_names() -> None:
    assert meanings([]) == {}
    assert meanings(["calls/a/b.jsonl", ".zenodo.json", "qrels.trec"]) == {
        "calls/": MEANINGS["calls/"], ".zenodo.json": MEANINGS["CITATION.cff, .zenodo.json"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("| `checks.json` |", "| `chocks.json` |", "README.md: Files: chocks.json is listed and not there"),
        ("| `checks.json` |", "| `chocks.json` |", "README.md: Files: checks.json is there and not listed"),
    ],
)
def test_a_file_that_the_card_makes_up_or_forgets_is_found(
    paths: Paths, tmp_path: Path, old: str, new: str, words: str
) -> None:
    folder = Path(shutil.copytree(paths.release, tmp_path / "release"))
    card = folder / "README.md"
    assert old in card.read_text()
    card.write_text(card.read_text().replace(old, new))
    sign(folder)
    assert words in told(folder)
