"""Text tables: quickly and line by line the same is read, whatever the ids, the blanks and the size of the blocks."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.records import trec
from fieldguide.records.runs import read_qrels_trec, read_run

# Everything but ASCII white space, with what CSV readers, shells and other eyes take for something else.
_SPACE = "\t\n\v\f\r "
ids = st.text(
    st.one_of(
        st.sampled_from("\"',;#\\|\0\u00a0\ufeff\x1c\u2028NaN"),
        st.characters(codec="utf-8", exclude_characters=_SPACE),
    ),
    min_size=1,
    max_size=6,
)
numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(repr),
    st.sampled_from(["1", "-0.0", ".5", "5.", "+3", "1e-400", "1E5", "007", "\u0661"]),
)
blanks = st.sampled_from([" ", "\t", "  ", " \t ", "\r", "\v\f"])
ends = st.sampled_from(["\n", "\r\n", " \n", "\n\n", "\n \n", "\n\t"])


@st.composite
def files(draw: st.DrawFn) -> tuple[list[tuple[str, str, float]], str]:
    """Rows of a run, and a text that holds them."""
    pairs = draw(st.lists(st.tuples(ids, ids), unique=True, max_size=8))
    rows, text = [], draw(st.sampled_from(["", "\n", " ", "\t\r\n"]))
    for subtopic, image in pairs:
        if subtopic.startswith("#"):  # a comment, to trec_eval too
            continue
        number, blank = draw(numbers), draw(blanks)
        rows.append((subtopic, image, float(number)))
        text += blank.join([subtopic, "Q0", image, "0", number, "s"]) + draw(ends)
    return rows, text


def in_rows(read: trec.Columns) -> list[tuple[str, str, float]]:
    return list(zip(read.texts["subtopic_id"], read.texts["image_id"], read.number.tolist(), strict=True))


LAYOUT = trec.Layout(
    "run", ("subtopic_id", "Q0", "image_id", "rank", "score", "system"), ("subtopic_id", "image_id"), "score", False
)


@given(file=files(), block=st.integers(1, 60), packed=st.booleans())
def test_any_ids_blanks_and_blocks_are_read_as_written(
    tmp_path_factory: pytest.TempPathFactory, file: tuple[list[tuple[str, str, float]], str], block: int, packed: bool
) -> None:
    rows, text = file
    if text.startswith("\ufeff"):
        text = "\n" + text  # a mark at the very start is none of the id's
    path = tmp_path_factory.mktemp("trec") / "f"
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trec, "BLOCK", block + 100)
        quick = trec.read_columns(path, LAYOUT)
        patch.setattr(trec, "_by_arrow", lambda even, layout: None)
        careful = trec.read_columns(path, LAYOUT)
    assert in_rows(quick) == in_rows(careful) == rows
    assert quick.problems == careful.problems == []
    assert [quick.place(row) for row in range(len(rows))] == [careful.place(row) for row in range(len(rows))]
    categories = quick.texts["image_id"].categories.tolist()
    assert categories == sorted({image for _, image, _ in rows})


def test_a_good_file_is_never_gone_through_line_by_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trec, "_by_line", None)
    path = tmp_path / "s.trec"
    path.write_bytes(b'\xef\xbb\xbft1\tQ0  "a,#\xc3\xa9  1 2.5 s \r\n\r\nt1 Q0 b 2 2 s\r\n')
    assert read_run(path)["image_id"].tolist() == ['"a,#é', "b"]


@pytest.mark.parametrize("text", ["0x1F", "1_0", "1.0", "one", "", "9223372036854775808"])
def test_only_whole_numbers_are_grades(tmp_path: Path, text: str) -> None:
    path = tmp_path / "q"
    path.write_text(f"t1 0 a 1\nt1 0 b {text or '1e0'}\n")
    with pytest.raises(ProblemsError, match=r":2: grade is '.+'; expected a whole number$"):
        read_qrels_trec(path)
    path.write_text("t1 0 a +1\nt1 0 b -2\nt1 0 c 007\n")
    assert read_qrels_trec(path)["grade"].tolist() == [1, -2, 7]


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "nan(1)", "1e39", "0x10", "1,5"])
def test_only_finite_numbers_of_single_precision_are_scores(tmp_path: Path, text: str) -> None:
    path = tmp_path / "s"
    path.write_text(f"\nt1 Q0 a 1 1 s\n\nt1 Q0 b 2 {text} s\n")
    with pytest.raises(ProblemsError, match=r":4: score is .+; expected a finite number") as caught:
        read_run(path)
    assert len(caught.value.problems) == 1


def test_lines_are_counted_through_blank_ones_and_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trec, "BLOCK", 40)
    path = tmp_path / "s"
    path.write_text("\n".join(["", *(f"t1 Q0 i{n} 1 {n} s\n" for n in range(50)), "t1 Q0 i3 1 7 s", "t2 Q0 i3 1 7 z"]))
    with pytest.raises(ProblemsError) as caught:
        read_run(path)
    assert [str(p).removeprefix(str(path)) for p in caught.value.problems] == [
        ":102: image i3 occurs twice for t1",
        ":103: system is 'z' and 's' before it; a run has one (1 such lines)",
    ]


def test_a_byte_order_mark_is_one_at_the_start_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trec, "BLOCK", 22)
    path = tmp_path / "s"
    path.write_text("\ufefft1 Q0 a 1 1 system-name\n\ufefft2 Q0 a 1 1 system-name\n", encoding="utf-8")
    assert read_run(path)["subtopic_id"].tolist() == ["t1", "\ufefft2"]


def test_files_that_are_no_text_table_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s"
    path.write_text("t1 Q0 a 1 1 s\n", encoding="utf-16")
    with pytest.raises(FieldguideError, match=r"s: is UTF-16 text; expected UTF-8 \(`iconv -f UTF-16 -t UTF-8`\)$"):
        read_run(path)
    with pytest.raises(FieldguideError, match="is a folder; expected a file"):
        read_run(tmp_path)
    monkeypatch.setattr(trec, "BLOCK", 100)
    path.write_text("t1 Q0 a 1 1 s\n" + "x" * 1000)
    with pytest.raises(FieldguideError, match=r"s:2: the line is longer than 100 bytes$"):
        read_run(path)


def test_reading_stops_after_a_thousand_problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s"
    path.write_text("t1 a 1\n" * 5000)
    with pytest.raises(
        ProblemsError, match=r"s is no valid run; its first 1,000 problems:\n.*:1: has 3 columns"
    ) as many:
        read_run(path)
    assert len(many.value.problems) == trec.MOST
    path.write_text("t1 Q0 a 1 1 s\n" * 5000)
    with pytest.raises(ProblemsError, match="s is not a valid run:") as twice:
        read_run(path)
    assert len(twice.value.problems) == trec.MOST


def test_equal_scores_are_ordered_as_bytes_are(tmp_path: Path) -> None:
    path = tmp_path / "s"
    images = ["a", "B", "é", "z", "\U0001f34f", "\uffee", "10", "9"]
    path.write_text("".join(f"t1 Q0 {image} 1 -0.0 s\n" for image in images))
    frame = read_run(path)
    assert frame["image_id"].tolist() == sorted(images, key=str.encode, reverse=True)
    assert frame["rank"].tolist() == list(range(1, 9))
    assert frame["score"].dtype == np.float64
