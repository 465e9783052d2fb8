from pathlib import Path

import pytest

from fieldguide.core.errors import FieldguideError
from fieldguide.queries.knowledge.records import Entity
from fieldguide.queries.knowledge.taxa import find_taxa

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
