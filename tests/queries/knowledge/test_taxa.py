import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fieldguide.cli.main import app
from fieldguide.core.errors import FieldguideError
from fieldguide.queries.knowledge.records import Entity
from fieldguide.queries.knowledge.taxa import find_taxa
from tests.builders import tiny_params

# The shapes of two exports: iNaturalist's (commas, addresses for ids) and GBIF's backbone (tabs, no quoting).
INATURALIST = """id,taxonID,kingdom,phylum,class,order,family,genus,scientificName,taxonRank
4849,https://www.inaturalist.org/taxa/4849,Animalia,Chordata,Aves,Charadriiformes,Laridae,Larus,Larus argentatus,species
9,https://www.inaturalist.org/taxa/9,Plantae,Tracheophyta,,Rosales,Moraceae,Morus,Morus,genus
10,https://www.inaturalist.org/taxa/10,Animalia,Chordata,Aves,Suliformes,Sulidae,Morus,Morus,genus
"""
COMMON = 'id,vernacularName,language\n4849,"Herring Gull",en\n7,Nobody,en\n'
GBIF = (
    "taxonID\tscientificName\tcanonicalName\ttaxonRank\tkingdom\tphylum\tclass\torder\tfamily\tgenus\n"
    '5\tLarus "argentatus" Pontoppidan, 1763\tLarus argentatus\tspecies\tAnimalia\tChordata\tAves\t\tLaridae\tLarus\n'
)


def entity(entity_id: str, name: str, *aliases: str) -> Entity:
    return Entity(entity_id=entity_id, name=name, aliases=list(aliases), taxonomy=["a", "b"])


def test_names_are_found_by_scientific_and_by_common_name(tmp_path: Path) -> None:
    (tmp_path / "taxa.csv").write_text(INATURALIST)
    (tmp_path / "common.csv").write_text(COMMON)
    gull = entity("gull", "herring  gull")
    assert find_taxa([gull], tmp_path / "taxa.csv") == []
    (found,) = find_taxa([gull], tmp_path / "taxa.csv", tmp_path / "common.csv")
    assert found.taxonomy[:2] == ("Animalia", "Chordata")
    assert found.taxonomy[-2:] == ("Larus", "herring  gull")
    (tmp_path / "Taxon.tsv").write_text(GBIF)
    (found,) = find_taxa([entity("gull", "Herring gull", "Larus argentatus")], tmp_path / "Taxon.tsv")
    assert found.taxonomy == ("Animalia", "Chordata", "Aves", "Laridae", "Larus", "Herring gull")


def test_a_name_of_two_taxa_gives_both(tmp_path: Path) -> None:
    (tmp_path / "taxa.csv").write_text(INATURALIST)
    found = find_taxa([entity("morus", "Morus")], tmp_path / "taxa.csv")
    assert [taxon.taxonomy[0] for taxon in found] == ["Animalia", "Plantae"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"name\nx\n", "column `scientificName` is missing; found name"),
        (b"\xff\xfe", "no UTF-8"),
        (b"", "found nothing"),
    ],
)
def test_another_table_is_refused(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "taxa.csv").write_bytes(content)
    with pytest.raises(FieldguideError) as caught:
        find_taxa([entity("a", "A")], tmp_path / "taxa.csv")
    assert expected in str(caught.value)
    with pytest.raises(FieldguideError, match="no such file"):
        find_taxa([entity("a", "A")], tmp_path / "nowhere.csv")


FOLDER = "00855_Animalia_Arthropoda_Insecta_Lepidoptera_Cossidae_Prionoxystus_robiniae"
CATEGORIES = [
    {"id": 1, "name": "Larus argentatus", "common_name": "Herring Gull", "kingdom": "Animalia", "class": "Aves",
     "image_dir_name": FOLDER},
    {"id": 2, "name": FOLDER, "supercategory": "Insects"},
    {"id": 3, "name": "boat"}, {"id": 4}, "no object",
]  # fmt: skip
OPEN_DATA = """taxon_id\tancestry\trank_level\trank\tname\tactive
48460\t\t100\tstateofmatter\tLife\ttrue
1\t48460\t70\tkingdom\tAnimalia\ttrue
3\t48460/1\t50\tclass\tAves\ttrue
6\t48460/1/3\t20\tgenus\tLarus\ttrue
7\t48460/1/3/6\t10\tspecies\tLarus argentatus\ttrue
8\t48460/1/99\t10\tspecies\tLarus "fuscus"\ttrue
9\t48460/1/3\t10\tspecies\tLarus argentatus\tfalse
"""


def test_the_categories_of_a_coco_file_give_their_lineage(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(json.dumps({"images": [{}], "categories": CATEGORIES}))
    wanted = [entity("gull", "herring gull"), entity("moth", "Prionoxystus robiniae"), entity("boat", "boat")]
    assert [(taxon.entity_id, taxon.taxonomy) for taxon in find_taxa(wanted, tmp_path / "c.json")] == [
        ("gull", ("Animalia", "Arthropoda", "Aves", "Lepidoptera", "Cossidae", "Prionoxystus", "herring gull")),
        ("moth", (*FOLDER.split("_")[1:7], "Prionoxystus robiniae")),
    ]  # fmt: skip
    (tmp_path / "c.json").write_text("{")
    with pytest.raises(FieldguideError, match=r"c\.json: .*not valid JSON"):
        find_taxa(wanted, tmp_path / "c.json")


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_ancestors_of_open_data_are_looked_up(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    table = tmp_path / ("taxa.csv.gz" if compress is gzip.compress else "taxa.csv")
    table.write_bytes(compress(OPEN_DATA.encode()))
    wanted = [entity("gull", "Herring gull", "larus argentatus"), entity("fuscus", 'Larus "fuscus"')]
    assert [taxon.taxonomy for taxon in find_taxa(wanted, table)] == [
        ("Animalia", 'Larus "fuscus"'), ("Animalia", "Aves", "Larus", "Herring gull")
    ]  # fmt: skip


def test_a_compressed_table_that_is_damaged_is_told(tmp_path: Path) -> None:
    (tmp_path / "taxa.csv.gz").write_bytes(gzip.compress(OPEN_DATA.encode())[:-20])
    with pytest.raises(FieldguideError, match="not a table of text"):
        find_taxa([entity("a", "A")], tmp_path / "taxa.csv.gz")
    (tmp_path / "taxa.csv.gz").write_bytes(b"x")
    with pytest.raises(FieldguideError, match="not a table of text"):
        find_taxa([entity("a", "A")], tmp_path / "taxa.csv.gz")


def test_what_the_sources_show_becomes_rows_of_entities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p").mkdir()
    categories = [*CATEGORIES[1:3], {"id": 5, "name": "Ünknown thing"}]
    images = [{"id": n, "file_name": f"{n}.jpg"} for n in range(3)]
    shown = [{"image_id": n, "category_id": one["id"]} for n, one in enumerate(categories)]  # type: ignore[index]
    (tmp_path / "p/c.json").write_text(
        json.dumps({"images": images, "annotations": shown, "categories": categories}), encoding="utf-8"
    )
    params = tiny_params(ingest={"sources": [{"name": "c", "kind": "coco", "path": "p/c.json"}]})
    (tmp_path / "params.yaml").write_text(json.dumps(params.model_dump(mode="json")))
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["knowledge", "taxonomy", "p/c.json", "--classes"])
    assert result.stdout.splitlines() == [
        "entity_id,name,taxonomy", "boat,boat,",
        "prionoxystus-robiniae,Prionoxystus robiniae,Animalia > Arthropoda > Insecta > Lepidoptera > Cossidae > "
        "Prionoxystus > Prionoxystus robiniae",
        "unknown-thing,Ünknown thing,",
    ]  # fmt: skip
    assert "not found: boat, unknown-thing" in result.stderr
