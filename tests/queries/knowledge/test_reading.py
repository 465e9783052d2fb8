import json
from pathlib import Path
from typing import Any

import pytest

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.queries.knowledge.reading import read_knowledge
from tests.conftest import REPOSITORY

HEADER = "entity_id,feature,part,value,evidence\n"


def entity(entity_id: str, **changes: Any) -> str:
    return json.dumps({"entity_id": entity_id, "name": entity_id, "taxonomy": ["fruit", "apple", entity_id], **changes})


def write(folder: Path, entities: str, attributes: str = HEADER, features: str | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "entities.jsonl").write_text(entities, encoding="utf-8")
    (folder / "attributes.csv").write_text(attributes, encoding="utf-8")
    if features is not None:
        (folder / "features.yaml").write_text(features, encoding="utf-8")
    return folder


def test_the_examples_own_knowledge_is_valid() -> None:
    knowledge = read_knowledge(REPOSITORY / "data" / "knowledge")
    assert len(knowledge.entities) == 14
    per_entity = {e: sum(a.entity_id == e for a in knowledge.attributes) for e in knowledge.entities}
    assert set(per_entity.values()) <= {3, 4, 5}
    assert {a.part for a in knowledge.attributes} == {"skin", "surface", "shape", "stem end"}


def test_every_mistake_of_all_files_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "k",
        "\n".join(
            [
                entity("gala"),
                entity("Gala!"),
                "",
                entity("gala"),
                entity("fuji", colour="red"),
                entity("x", taxonomy=[]),
            ]
        ),
        HEADER
        + "gala,shape,shape,egg-shaped,seen\n"
        + "kiwi,shape,outline,round,seen\n"
        + "gala,shape,shape,oval,seen\n"
        + "gala,colour,skin,,seen\n",
        "colour: {pars: peel, values: []}\n",
    )
    with pytest.raises(ProblemsError) as caught:
        read_knowledge(folder)
    text = str(caught.value)
    for expected in (
        "entities.jsonl:2: `entity_id`: may hold a-z, 0-9 and hyphens",
        "entities.jsonl:4: entity_id 'gala' occurs twice",
        "entities.jsonl:5: `colour`: Extra inputs are not permitted (found 'red')",
        "entities.jsonl:6: `taxonomy`: List should have at least 2 items",
        "attributes.csv:2: value 'egg-shaped' repeats part 'shape'",
        "attributes.csv:3: entity_id 'kiwi' is not in entities.jsonl",
        "attributes.csv:3: `shape` shows on part 'outline' here and on 'shape' at",
        "attributes.csv:4: gala has a `shape` already, at",
        "attributes.csv:5: `value`: Field required",
        "features.yaml: colour: `pars`: Extra inputs are not permitted",
    ):
        assert expected in text


def test_a_feature_shows_on_one_part_in_all_files(tmp_path: Path) -> None:
    rows = HEADER + "gala,colour,skin,red,seen\n"
    folder = write(tmp_path / "k", entity("gala"), rows, "colour: {part: peel, values: [red]}\n")
    with pytest.raises(
        ProblemsError, match=r"features.yaml: colour: shows on part 'peel' here and on 'skin' in attributes.csv"
    ):
        read_knowledge(folder)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (
            "entity_id,value\n",
            "attributes.csv:1: column `evidence` is missing; found entity_id, value",
        ),
        ("", "found nothing"),
        (HEADER + 'gala,"shape,part\n', "attributes.csv:2: is no CSV"),
        (HEADER + "\0" * 200_000, "attributes.csv:2: is no CSV (field larger"),
        (HEADER + "gala,shape,outline,round,seen,more\n", "attributes.csv:2: has 6 cells, and the header 5"),
        (HEADER + "gala,shape\n", "`part`"),
    ],
)
def test_a_broken_table_is_told(tmp_path: Path, attributes: str, expected: str) -> None:
    with pytest.raises(FieldguideError) as caught:
        read_knowledge(write(tmp_path / "k", entity("gala"), attributes))
    assert expected in str(caught.value)


def test_missing_and_empty_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(
        FieldguideError, match=r"entities.jsonl: no such file, nor one that ends in .jsonl or .csv or .xlsx"
    ):
        read_knowledge(tmp_path)
    with pytest.raises(ProblemsError, match="holds no entity"):
        read_knowledge(write(tmp_path / "k", "\n"))
    with pytest.raises(FieldguideError, match=r"features.yaml:2: not valid YAML"):
        read_knowledge(write(tmp_path / "k", entity("gala"), HEADER, "a: [\n"))


def test_names_that_do_not_tell_entities_apart_are_told_all_at_once(tmp_path: Path) -> None:
    entities = [
        {"entity_id": "mulberry", "name": "Morus", "taxonomy": ["Plantae", "Moraceae", "Morus"]},
        {"entity_id": "gannet", "name": "morus ", "taxonomy": ["Animalia", "Sulidae", "Morus"], "aliases": ["Sula"]},
        {"entity_id": "gala", "name": "Gala", "taxonomy": ["fruit", "apple"], "aliases": ["Royal Gala", "royal  gala"]},
        {"entity_id": "booby", "name": "Booby", "taxonomy": ["Animalia", "Sulidae"], "aliases": ["SULA", "booby bird"]},
    ]
    entities[1]["name"] = "morus"
    folder = write(tmp_path, "".join(json.dumps(entity) + "\n" for entity in entities), HEADER)
    with pytest.raises(ProblemsError) as caught:
        read_knowledge(folder)
    assert [problem.what for problem in caught.value.problems] == [
        "'Morus' names mulberry (Plantae > Moraceae > Morus) and gannet (Animalia > Sulidae > Morus): "
        "give each a name that tells them apart",
        "'Sula' names gannet (Animalia > Sulidae > Morus) and booby (Animalia > Sulidae): "
        "give each a name that tells them apart",
        "'Royal Gala' and 'royal  gala' are one name; an alias is another one than the name",
    ]


def test_entities_may_be_a_table_as_spreadsheets_write_it(tmp_path: Path) -> None:
    folder = tmp_path / "k"
    folder.mkdir()
    rows = [
        "\ufeffentity_id;name;taxonomy;aliases;plural;said",
        "gull;Herring gull;bird > gull > Herring gull;silver gull | sea gull;;",
        ";;;;;",
        "alps;the Alps;place > range > the Alps;;yes;the Alps",
    ]
    (folder / "entities.csv").write_text("\r\n".join(rows), encoding="utf-8")
    (folder / "attributes.csv").write_text(HEADER.replace(",", "\t") + "gull\tbill\tbill\tyellow\tseen\n")
    found = read_knowledge(folder)
    assert found.file == "entities.csv"
    assert found.entities["gull"].taxonomy == ["bird", "gull", "Herring gull"]
    assert found.entities["gull"].aliases == ["silver gull", "sea gull"]
    assert found.entities["alps"].noun.plural
    assert [(a.entity_id, a.value) for a in found.attributes] == [("gull", "yellow")]
    (folder / "entities.jsonl").write_text(entity("gull"))
    with pytest.raises(FieldguideError, match=r"entities.jsonl and entities.csv are both there; keep one"):
        read_knowledge(folder)


def test_entities_may_be_a_workbook(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    for row in (["entity_id", "name", "taxonomy"], ["gull", "Herring gull", "bird > gull > Herring gull"], [None] * 3):
        book.active.append(row)
    book.save(tmp_path / "entities.xlsx")
    book.active.append(["tern", "Common tern", None])
    sheet = openpyxl.Workbook()
    for cells in (HEADER.strip().split(","), ["gull", "eggs", "nest", 3.0, "seen"]):
        sheet.active.append(cells)
    sheet.save(tmp_path / "attributes.xlsx")
    (tmp_path / "features.yaml").write_text("eggs: {said: 'lays {value} eggs'}\n")
    found = read_knowledge(tmp_path)
    assert [a.value for a in found.attributes] == ["3"]
    book.save(tmp_path / "entities.xlsx")
    with pytest.raises(ProblemsError, match=r"entities.xlsx:4: `taxonomy`: Field required"):
        read_knowledge(tmp_path)
    (tmp_path / "entities.xlsx").write_bytes(b"PK\3\4 no workbook")
    with pytest.raises(FieldguideError, match=r"entities.xlsx: not an Excel workbook .*; save it as CSV"):
        read_knowledge(tmp_path)


def test_unknown_and_doubled_columns_are_told_at_once(tmp_path: Path) -> None:
    folder = write(tmp_path / "k", entity("gala"), "entity_id,feature,part,value,value,colour\n")
    with pytest.raises(ProblemsError) as caught:
        read_knowledge(folder)
    assert [problem.what for problem in caught.value.problems] == [
        "column `evidence` is missing; found entity_id, feature, part, value, value, colour",
        "column `value` is there 2 times",
        "column 'colour' is unknown; allowed: entity_id, feature, part, value, evidence",
    ]


def test_values_that_would_not_read_are_told_with_what_to_write(tmp_path: Path) -> None:
    rows = HEADER + "lion,mane,head,present,seen\ntiger,mane,head,absent,seen\n"
    both = entity("lion") + "\n" + entity("tiger")
    with pytest.raises(ProblemsError) as caught:
        read_knowledge(write(tmp_path / "k", both, rows))
    assert [problem.where.rpartition(":")[2] for problem in caught.value.problems] == ["2", "3"]
    assert "`has a present head` does not read; say in features.yaml" in str(caught.value)
    said = "mane: {said: {present: has a mane, absent: has no mane}}\n"
    assert read_knowledge(write(tmp_path / "k", both, rows, said)).features["mane"].said
    with pytest.raises(ProblemsError, match=r"no predicate for the value 'absent'; it has present"):
        read_knowledge(write(tmp_path / "k", both, rows, "mane: {said: {present: has a mane}}\n"))
    with pytest.raises(ProblemsError, match=r"features.yaml: mane: part 'mane' is what some lack \('has no mane'\)"):
        read_knowledge(write(tmp_path / "k", both, rows.replace("head", "mane"), said))


def test_measures_are_numbers_of_one_unit(tmp_path: Path) -> None:
    rows = HEADER + "lion,weight,body,190 kg,seen\ntiger,weight,body,220000 g,seen\nlynx,weight,body,heavy,seen\n"
    all_three = "\n".join(entity(name) for name in ("lion", "tiger", "lynx"))
    said = "weight: {said: 'is {value}', compare: {more: heavier, less: lighter}}\n"
    with pytest.raises(ProblemsError) as caught:
        read_knowledge(write(tmp_path / "k", all_three, rows, said))
    assert [problem.what for problem in caught.value.problems] == [
        "`weight` is compared: 'heavy' must be a number such as 1500 or 1.5, or one with its unit "
        "(no range, comma or 1.500)",
        f"`weight` is in 'g' here, 'kg' at {tmp_path / 'k' / 'attributes.csv'}:2",
    ]


def test_excels_line_about_the_separator_is_no_header(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "k", entity("lion"), f"sep=;\n{HEADER.replace(',', ';')}lion;coat;fur;tawny, or so;seen\n"
    )
    assert [row.value for row in read_knowledge(folder).attributes] == ["tawny, or so"]


@pytest.mark.parametrize("value", ["1,5 m", "1.000 m", "10-12 cm", "-3 cm", "1e3 cm", "\u0663 m", "about 3", "m"])
def test_what_is_no_plain_measure_is_told_where_it_stands(tmp_path: Path, value: str) -> None:
    rows = HEADER + f'lion,length,body,"{value}",seen\ntiger,length,body,2 m,seen\n'
    said = "length: {said: 'is {value}', compare: {more: longer, less: shorter}}\n"
    with pytest.raises(ProblemsError) as caught:
        read_knowledge(write(tmp_path / "k", entity("lion") + "\n" + entity("tiger"), rows, said))
    (problem,) = caught.value.problems
    assert problem.where.endswith("attributes.csv:2")


def test_mistakes_of_features_are_told_once_and_in_words(tmp_path: Path) -> None:
    rows = HEADER + "lion,mane,head,yes,seen\nlion,coat,fur,tawny,seen\n"
    said = "mane: {said: {yes: has a mane}}\nmanes: {said: 'has {value} mane'}\ncoat: {said: 'has {value coat'}\n"
    said += "tail: {said: 3}\n3: {}\n"
    with pytest.raises(ProblemsError) as caught:
        read_knowledge(write(tmp_path / "k", entity("lion"), rows, said))
    told = [f"{p.where.rpartition('/')[2]}: {p.what}" for p in caught.value.problems]
    assert [line[:66] for line in told if line.startswith("features")] == [
        "features.yaml: mane: `said`: YAML takes True for no text; put the ",
        "features.yaml: tail: `said`: 3 is neither a predicate nor one for ",
        "features.yaml: 3: must be a feature's name (in quotes, if YAML tak",
        "features.yaml: manes: no row of the attributes has this feature; i",
        "features.yaml: coat: `said`: braces do not match in 'has {value co",
    ]
    assert read_knowledge(write(tmp_path / "k", entity("lion"), HEADER, "# nothing yet\n")).features == {}


def test_a_workbook_is_read_whole_whatever_it_says_of_its_size(tmp_path: Path) -> None:
    import datetime
    import zipfile

    import openpyxl

    book = openpyxl.Workbook()
    for cells in (HEADER.strip().split(","), *([f"e{n}", "legs", "legs", "long", "seen"] for n in range(4))):
        book.active.append(cells)
    book.save(tmp_path / "whole.xlsx")
    with zipfile.ZipFile(tmp_path / "whole.xlsx") as whole, zipfile.ZipFile(tmp_path / "attributes.xlsx", "w") as stale:
        for item in whole.infolist():
            stale.writestr(item, whole.read(item).replace(b'"A1:E5"', b'"A1:E3"'))
    (tmp_path / "entities.jsonl").write_text("\n".join(entity(f"e{n}") for n in range(4)))
    assert len(read_knowledge(tmp_path).attributes) == 4
    book.active["D2"] = datetime.date(2024, 3, 4)
    book.save(tmp_path / "attributes.xlsx")
    with pytest.raises(
        FieldguideError, match=r"attributes.xlsx:2: 2024-03-04 00:00:00 is a date; format the cell as text"
    ):
        read_knowledge(tmp_path)


def test_headers_are_taken_as_spreadsheets_leave_them(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "k", entity("lion"), "\n,,,,,\nEntity_ID,feature ,Part,value,evidence,\nlion,coat,fur,tawny,seen,\n"
    )
    assert [row.value for row in read_knowledge(folder).attributes] == ["tawny"]


def test_a_wrong_entity_does_not_make_its_attributes_unknown(tmp_path: Path) -> None:
    rows = HEADER + "lion,coat,fur,tawny,seen\n"
    with pytest.raises(ProblemsError) as caught:
        read_knowledge(write(tmp_path / "k", entity("lion", name="a\nb"), rows))
    (problem,) = caught.value.problems
    assert problem.what.startswith("`name`: may hold no line break or other control character")
