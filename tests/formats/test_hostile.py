"""Files that are not as they should be: named in plain words, with their place, and nothing taken silently."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.files import read_json
from fieldguide.formats import export, manifest, tables
from fieldguide.formats.deviations import KINDS
from fieldguide.formats.reading import read

GOOD = '{"question": "?", "images": {"a": 1, "b": 0}, "answer": ["x"], "sn": "Rosa rosa"}'


def written(folder: Path, text: str | bytes, name: str = "file.jsonl") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def noticed(folder: Path, text: str | bytes, form: str = "visual-rag") -> list[tuple[str, str]]:
    """(place without the folder, kind) of every deviation."""
    collection = read(form, written(folder, text))
    assert {deviation.kind for deviation in collection.deviations} <= set(KINDS)
    return [(deviation.where.removeprefix(f"{folder}/"), deviation.kind) for deviation in collection.deviations]


def test_a_good_file_deviates_nowhere(tmp_path: Path) -> None:
    assert noticed(tmp_path, GOOD) == []


@pytest.mark.parametrize("label", ['"1"', "true", "1.0", "NaN", "Infinity", "[1]", "99999999999"])
def test_a_label_that_is_no_whole_number_is_noticed_and_not_judged(tmp_path: Path, label: str) -> None:
    path = written(tmp_path, GOOD.replace('"a": 1', f'"a": {label}'))
    collection = read("visual-rag", path)
    assert [(o.where, o.kind) for o in collection.deviations] == [(f"{path}:1 images", "label")]
    assert "label of a is" in collection.deviations[0].detail
    assert "expected a whole number" in collection.deviations[0].detail
    assert collection.pools[0].labels == {"a": None, "b": 0}
    with pytest.raises(ProblemsError, match="lose what the file says here; mend the file, or give --accept-loss"):
        tables.refuse_losses(collection)
    tables.refuse_losses(collection, accepted=True)


def test_null_means_not_judged(tmp_path: Path) -> None:
    collection = read("visual-rag", written(tmp_path, GOOD.replace('"a": 1', '"a": null')))
    assert collection.deviations == ()
    assert collection.qrels == {"t0001.e1": {"b": 0}}


def test_a_key_that_occurs_twice_is_noticed_with_both_values(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace('"b": 0', '"b": 0, "a": 0'))
    collection = read(None, path)
    assert [(o.where, o.kind) for o in collection.deviations] == [(f"{path}:1 images", "repeated-key")]
    assert collection.deviations[0].detail == "'a' is labelled 1 and again 0; the last is taken"
    assert not export.is_whole(collection, path)


def test_a_field_that_occurs_twice_is_noticed_wherever_it_is(tmp_path: Path) -> None:
    text = GOOD[:-1] + ', "deep": [{"k": 1, "k": 2}], "question": "!"}'
    assert noticed(tmp_path, text) == [
        ("file.jsonl:1 deep[0]", "repeated-key"),
        ("file.jsonl:1", "repeated-key"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "place", "kind"),
    [
        ('"question": "?", ', "", "question", "missing-field"),
        ('"question": "?"', '"question": 7', "question", "wrong-type"),
        (', "answer": ["x"]', "", "answer", "missing-field"),
        ('["x"]', '"x"', "answer", "wrong-type"),
        ('{"a": 1, "b": 0}', "[]", "images", "wrong-type"),
        (', "sn": "Rosa rosa"', "", "sn", "missing-field"),
        ('"Rosa rosa"', '["Rosa", "rosa"]', "sn", "wrong-type"),
        ('"a": 1', '" ": 1', "images", "empty-name"),
        ('["x"]', '["x"], "z": [NaN]', "z[0]", "not-finite"),
    ],
)
def test_what_a_record_lacks_is_noticed(tmp_path: Path, old: str, new: str, place: str, kind: str) -> None:
    assert old in GOOD
    assert noticed(tmp_path, GOOD.replace(old, new)) == [(f"file.jsonl:1 {place}", kind)]


def test_a_pool_that_is_no_object_is_noticed(tmp_path: Path) -> None:
    text = GOOD.replace('{"a": 1, "b": 0}', '{"e1": {"a": 1}, "e2": 7}').replace('"Rosa rosa"', '["r", "s"]')
    assert noticed(tmp_path, text, "visual-rag-me") == [("file.jsonl:1 images e2", "no-labels")]


def test_a_wrong_field_is_kept_as_it_is(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace('["x"]', '"x"').replace('"?"', "7") + "\n")
    collection = read("visual-rag", path)
    assert collection.questions[0].answers == ("x",)
    assert collection.questions[0].text == ""
    assert export.is_whole(collection, path)


def test_every_line_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    deep = "[" * 5000 + "]" * 5000
    lines = [GOOD, "{", "7", f'{{"question": {deep}}}', '{"a":' * 70 + "1" + "}" * 70, GOOD.replace("?", "\\ud800")]
    path = written(tmp_path, "\n".join([*lines, '{"n": ' + "9" * 5000 + "}"]))
    with pytest.raises(ProblemsError) as caught:
        read("visual-rag", path)
    found = [(problem.where.removeprefix(f"{path}:"), problem.what) for problem in caught.value.problems]
    assert [line for line, _ in found] == ["2", "3", "4", "5", "6", "7"]
    assert found[1][1] == "expected an object with 'question' and 'images', found 7"
    assert found[2][1] == found[3][1] == "nested deeper than 64 levels"
    assert found[4][1].startswith("holds half a character")
    assert "digits" in found[5][1]


def test_a_list_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProblemsError, match="item 2: expected an object with 'query' and 'images', found 7"):
        read("inquire-rerank-hard", written(tmp_path, '[{"query": "?", "images": {}}, 7]'))
    with pytest.raises(ProblemsError, match="expected a list of objects, found"):
        read("inquire-rerank-hard", written(tmp_path, '"query"'))


def test_gzip_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    plain = read("visual-rag", written(tmp_path, f"{GOOD}\n{GOOD}\n"))
    odd = read("visual-rag", written(tmp_path, gzip.compress(f"\ufeff{GOOD}\r\n{GOOD}\r\n".encode()), "odd.jsonl.gz"))
    assert odd.questions == plain.questions
    assert [deviation.kind for deviation in odd.deviations] == ["byte-order-mark", "windows-line-ends"]
    tables.refuse_losses(odd)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\xff\xfe{", "not UTF-8 text"),
        (gzip.compress(GOOD.encode(), mtime=0)[:-9], "cannot be read to its end, damaged?"),
        (b"just words", r"of no format that is known; looked for was\n  visual-rag-me: JSON lines: "),
        (b'{"filename": 1, "sentences": []}', "its first record has 'filename', 'sentences'"),
        (b"", "of no format that is known"),
    ],
)
def test_what_is_no_benchmark_is_told(tmp_path: Path, content: bytes, what: str) -> None:
    with pytest.raises(FieldguideError, match=what.replace("?", r"\?")):
        read(None, written(tmp_path, content))


def test_wrong_names_are_told(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    with pytest.raises(FieldguideError, match="no format 'beri'; there are visual-rag-me, visual-rag,"):
        read("beri", path)
    with pytest.raises(FieldguideError, match="is no inquire-rerank-hard; its content is visual-rag: JSON lines"):
        read("inquire-rerank-hard", path)
    with pytest.raises(FieldguideError, match="no such file or folder"):
        read(None, tmp_path / "none")


HEADER = "topic_id,question,image,label,pool,entity\n"


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ("t1,Q,a,1,p\n", "2: has 5 cells; the header has 6"),
        ("t1,Q,a,1,p,e\nt1,R,b,1,p,e\n", "3: `question` is 'R', before it 'Q'; it must be one for topic t1"),
        ("t1,Q,a,1,p,e\nt1,Q,b,1,p,f\n", "3: `entity` of pool 'p' is 'f', before it 'e'"),
        ("t 1,Q,a,1,p,e\n", "2: topic id 't 1': it must not be empty or hold white space"),
        ('t1,"Q,a,1,p,e\n', "2: no valid table"),
    ],
)
def test_rows_that_contradict_each_other_are_told(tmp_path: Path, rows: str, what: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        read("csv", written(tmp_path, HEADER + rows, "t.csv"))
    assert what in str(caught.value)


def test_labels_in_rows_are_noticed(tmp_path: Path) -> None:
    rows = "t1,Q,a,1,p,\nt1,Q,a,0,p,\nt1,Q,b,yes,p,\nt1,Q,c,,p,\nt1,Q,,1,p,\n"
    collection = read("csv", written(tmp_path, HEADER + rows, "t.csv"))
    kinds = [(deviation.where.rpartition(":")[2], deviation.kind) for deviation in collection.deviations]
    assert kinds == [("3", "repeated-row"), ("4", "label"), ("6", "empty-name")]
    assert collection.pools[0].labels == {"a": 0, "b": None, "c": None, "": 1}


def test_csv_lacks_columns(tmp_path: Path) -> None:
    with pytest.raises(ProblemsError, match="columns question, label are missing; found topic_id, image"):
        read("csv", written(tmp_path, "topic_id,image\n1\n", "t.csv"))


def test_trec_lines_are_told(tmp_path: Path) -> None:
    written(tmp_path, "1\tone\nno tab\n1\tagain\n", "trec/topics.tsv")
    written(tmp_path, "1 0 a 1\n1 0 b\n9 0 a 1\n", "trec/qrels.txt")
    with pytest.raises(ProblemsError) as caught:
        read("trec", tmp_path / "trec")
    text = str(caught.value)
    assert "topics.tsv:2: expected `id<TAB>text`" in text
    assert f"topics.tsv:3: topic '1' occurs twice, first at {tmp_path}/trec/topics.tsv:1" in text
    assert "qrels.txt:2: has 3 columns; expected 4: topic iteration document label" in text


def test_trec_labels_without_a_topic_are_noticed(tmp_path: Path) -> None:
    collection = read(None, written(tmp_path, "9 0 a 1\n9 0 b 0\n", "my.qrels"))
    assert [deviation.kind for deviation in collection.deviations] == ["no-text"]
    assert collection.qrels == {"9.e1": {"a": 1, "b": 0}}


def test_trec_folder_with_two_qrels(tmp_path: Path) -> None:
    for name in ("a.qrels", "b.qrels"):
        written(tmp_path, "9 0 a 1\n", name)
    with pytest.raises(FieldguideError, match=r"one file with `qrels` in its name.*found a\.qrels, b\.qrels"):
        read(None, tmp_path)


def test_beir_ids_are_told(tmp_path: Path) -> None:
    written(tmp_path, '{"_id": "d1"}\n', "corpus.jsonl")
    written(tmp_path, '{"_id": "q1", "text": "?"}\n{"text": "no id"}\n{"_id": "q1"}\n', "queries.jsonl")
    written(tmp_path, "query-id\tcorpus-id\tscore\nq1\td2\t1\n", "qrels/test.tsv")
    with pytest.raises(ProblemsError) as caught:
        read(None, tmp_path)
    assert 'queries.jsonl:2: expected an object with a text `_id`, found {"text": "no id"}' in str(caught.value)
    assert "queries.jsonl:3: `_id` 'q1' occurs twice" in str(caught.value)
    written(tmp_path, '{"_id": "q1", "text": "?"}\n', "queries.jsonl")
    assert [deviation.kind for deviation in read(None, tmp_path).deviations] == ["unknown-image"]


def test_a_file_that_is_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fieldguide.formats.text.text.LONGEST_FILE", 20)
    with pytest.raises(FieldguideError, match="longer than 20 characters; that is no file of this format"):
        read("visual-rag", written(tmp_path, gzip.compress(GOOD.encode())))
    monkeypatch.setattr("fieldguide.formats.text.text.LONGEST_LINE", 10)
    with pytest.raises(FieldguideError, match=r"file\.qrels:1: this line is longer than 10 characters"):
        read("trec", written(tmp_path, "1 0 aaaaaaaaaaa 1\n", "file.qrels"))


@pytest.mark.parametrize("name", ["../up.jpg", "/etc/passwd", "a//b", "a/./b", "a\\b", "a\x00b", "", "..", "x" * 2000])
def test_names_that_lead_out_of_the_folder_are_never_looked_for(tmp_path: Path, name: str) -> None:
    (tmp_path / "up.jpg").write_bytes(b"secret")
    (tmp_path / "images").mkdir()
    entries = manifest.manifest([name], tmp_path / "images")
    assert (entries[0].status, entries[0].path, entries[0].sha256) == ("refused", "", "")
    assert "1 names are not looked for: no path below a folder" in manifest.advice(entries, {}, tmp_path)[0]


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "link.jpg").symlink_to(tmp_path / "secret")
    assert manifest.manifest(["link.jpg"], tmp_path / "images")[0].status == "refused"


def test_images_are_tied_to_their_bytes(tmp_path: Path) -> None:
    for name, data in (("s/a.jpg", b"one"), ("s/b.jpg", b"one"), ("s/ü c.jpg", b"two")):
        written(tmp_path, data, f"images/{name}")
    entries = manifest.manifest(["s/a.jpg", "s/b.jpg", "s/ü c.jpg", "s/none.jpg"], tmp_path / "images")
    assert [entry.status for entry in entries] == ["found", "found", "found", "missing"]
    assert entries[0].sha256 == entries[1].sha256 != entries[2].sha256
    lines = manifest.advice(entries, {"": "the archive"}, tmp_path / "images")
    assert lines == [
        f"3 images found below {tmp_path}/images, 2 of them different.",
        f"1 images are missing below {tmp_path}/images, the first s/none.jpg; from the archive.",
    ]
    manifest.write(tmp_path / "manifest.csv", entries)
    assert manifest.read(tmp_path / "manifest.csv") == entries


def test_an_export_writes_nothing_outside_its_folder(tmp_path: Path) -> None:
    with pytest.raises(FieldguideError, match="would be written outside of"):
        export.write_texts({"ok.txt": "", "../bad.txt": ""}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_changed_import_that_names_its_file_oddly_writes_nothing(tmp_path: Path) -> None:
    collection = read(None, written(tmp_path, GOOD))
    house = tmp_path / "house"
    tables.write(house, collection, manifest.manifest(collection.images), {})
    about = json.loads((house / "collection.json").read_text())
    (house / "collection.json").write_text(json.dumps({**about, "name": "../../evil"}))
    with pytest.raises(FieldguideError, match="would be written outside of"):
        export.export(house, "visual-rag", tmp_path / "out")


def test_an_import_takes_the_place_of_nothing_else(tmp_path: Path) -> None:
    collection = read(None, written(tmp_path, GOOD))
    written(tmp_path, "mine", "house/notes.txt")
    with pytest.raises(FieldguideError, match="holds something else than an import; name another folder"):
        tables.write(tmp_path / "house", collection, manifest.manifest(collection.images), {})
    assert (tmp_path / "house" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("crowd", ["[" + "{}," * 3_000_001, '{"images": [' + "[]," * 3_000_001])
def test_millions_of_empty_objects_are_not_parsed(tmp_path: Path, crowd: str) -> None:
    """A file of megabytes would take gigabytes."""
    with pytest.raises(FieldguideError, match=r"file\S*: holds more than 3,000,000 objects and lists"):
        read(None, written(tmp_path, crowd))
    with pytest.raises(FieldguideError, match="more than 3,000,000 objects and lists"):
        read_json(written(tmp_path, crowd))
