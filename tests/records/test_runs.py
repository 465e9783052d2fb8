"""Runs and qrels files: the order is trec_eval's, what is read back is what was written, all problems are named."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.records.runs import (
    RunLine,
    rank_images,
    ranking,
    read_qrels_trec,
    read_run,
    write_qrels_trec,
    write_run,
)

GOOD = "t1.e1 Q0 b 1 2.5 sys\nt1.e1 Q0 a 2 1e-3 sys\n"

# Few different values, so that ties are common, some of them ties in float32 only.
scores = st.lists(st.sampled_from([0.0, -0.0, 1.0, 1.0 + 1e-12, 0.1, -3.5, 1e-30]), min_size=1, max_size=12)


def problems_of(path: Path) -> list[str]:
    with pytest.raises(ProblemsError) as caught:
        read_run(path)
    return [str(p).removeprefix(str(path)) for p in caught.value.problems]


@given(scores)
def test_the_order_is_that_of_trec_eval(values: list[float]) -> None:
    ids = [f"d{n:02}" for n in range(len(values))]
    best = [ids[i] for i in ranking(values, ids)]
    for place, image in enumerate(best, 1):  # the reciprocal rank of the one relevant image tells its place
        evaluator = pytrec_eval.RelevanceEvaluator({"q": {image: 1}}, {"recip_rank"})
        run = {"q": dict(zip(ids, values, strict=True))}
        assert evaluator.evaluate(run)["q"]["recip_rank"] == pytest.approx(1 / place)


@given(values=st.lists(st.floats(-1e30, 1e30, width=64), min_size=1, max_size=20))
def test_a_written_run_reads_back_bit_for_bit(tmp_path_factory: pytest.TempPathFactory, values: list[float]) -> None:
    path = tmp_path_factory.mktemp("run") / "s.trec"
    lines = rank_images("t1.e1", [f"i{n}" for n in range(len(values))], values, "s")
    write_run(path, lines)
    assert [RunLine(*row) for row in read_run(path).itertuples(index=False, name=None)] == lines


def test_lines_in_any_order_give_the_same_bytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = [x for s in ("t2.e1", "t1.e2") for x in rank_images(s, ["a", "b", "c"], rng.random(3), "s")]
    write_run(tmp_path / "one", lines)
    write_run(tmp_path / "two", lines[::-1])
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (tmp_path / "one").read_text().startswith("t1.e2 Q0 ")


def test_ranks_are_cut_at_the_depth() -> None:
    lines = rank_images("t1.e1", ["a", "b", "c"], [1.0, 1.0, 2.0], "s", depth=2)
    assert [(x.image_id, x.rank) for x in lines] == [("c", 1), ("b", 2)]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([RunLine("t1.e1", "a", 2, 1.0, "s")], "rank is 2; its score makes it 1"),
        ([RunLine("t1.e1", "a b", 1, 1.0, "s")], "image_id is 'a b'; it must not be empty, hold white space or"),
        ([RunLine("#1", "a", 1, 1.0, "s")], "subtopic_id is '#1'; it must not be empty, hold white space or begin a"),
        ([RunLine("t1.e1", "a", 1, float("nan"), "s")], "score is nan; expected a finite number"),
        ([RunLine("t1.e1", "a", 1, 1e300, "s")], "score is 1e+300; expected a finite number (single precision)"),
        ([RunLine("t1.e1", "a", 1, 1.0, "s")] * 2, "image a occurs twice for t1.e1"),
        ([RunLine("t1.e1", "a", 1, 1.0, "s"), RunLine("t1.e1", "b", 2, 0.0, "z")], "system is 'z' and 's' before it"),
    ],
)
def test_what_cannot_be_a_run_is_not_written(tmp_path: Path, lines: list[RunLine], message: str) -> None:
    with pytest.raises(ProblemsError, match="not a run that can be written") as caught:
        write_run(tmp_path / "s.trec", lines)
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "data",
    [
        GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + GOOD.encode(),
        gzip.compress(GOOD.encode()),
        ("\n" + GOOD.replace(" ", "\t") + "\n \n").encode(),
        GOOD.replace(" 1 2.5", " 7 2.5").encode(),  # trec_eval ignores the rank column
    ],
    ids=["plain", "crlf", "bom", "gzip", "tabs and blank lines", "other ranks"],
)
def test_the_reader_takes_what_other_tools_write(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "s.trec"
    path.write_bytes(data)
    assert list(read_run(path).itertuples(index=False, name=None)) == [
        ("t1.e1", "b", 1, 2.5, "sys"),
        ("t1.e1", "a", 2, float(np.float32(1e-3)), "sys"),
    ]


def test_the_reader_names_every_bad_line(tmp_path: Path) -> None:
    path = tmp_path / "s.trec"
    path.write_bytes(
        b"t1.e1 Q0 a 1 2 s\nt1.e1 Q0 b 2 s\nt1.e1 Q0 c 3 high s\nt1.e1 Q0 d 4 nan s\n\nt1.e1 Q0 a 5 1 s\n"
        b"t1.e1 Q0 e 6 1_0 s\nt1.e1 Q0 f 7 0 other\nt1.e1 Q0 \xff 8 0 s\n"
    )
    assert problems_of(path) == [
        ":2: has 5 columns; expected 6: subtopic_id Q0 image_id rank score system",
        ":3: score is 'high'; expected a finite number",
        ":4: score is nan; expected a finite number (single precision)",
        ":6: image a occurs twice for t1.e1",
        ":7: score is '1_0'; expected a finite number",
        ":8: system is 'other' and 's' before it; a run has one (1 such lines)",
        ":9: is not UTF-8 text",
    ]


def test_an_empty_run_has_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "s.trec"
    write_run(path, [])
    frame = read_run(path)
    assert len(frame) == 0
    assert list(frame.columns) == ["subtopic_id", "image_id", "rank", "score", "system"]


def test_a_missing_or_damaged_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FieldguideError, match=r"s\.trec: no such file"):
        read_run(tmp_path / "s.trec")
    (tmp_path / "s.trec.gz").write_bytes(gzip.compress(GOOD.encode())[:-9])
    with pytest.raises(FieldguideError, match=r"s\.trec\.gz: damaged gzip file"):
        read_run(tmp_path / "s.trec.gz")


def test_qrels_go_through_the_file_and_bad_lines_are_named(tmp_path: Path) -> None:
    path = tmp_path / "qrels.trec"
    path.write_text("t1.e2 0 b 1\r\nt1.e1 0 a 0\r\n")
    frame = read_qrels_trec(path)
    write_qrels_trec(path, frame)
    assert path.read_text() == "t1.e1 0 a 0\nt1.e2 0 b 1\n"
    path.write_text("t1.e1 0 a 0.5\nt1.e1 0 b\nt1.e1 0 c 1\nt1.e1 0 c 0\n")
    with pytest.raises(ProblemsError) as caught:
        read_qrels_trec(path)
    assert [str(p).removeprefix(str(path)) for p in caught.value.problems] == [
        ":1: grade is '0.5'; expected a whole number",
        ":2: has 3 columns; expected 4: subtopic_id 0 image_id grade",
        ":4: image c occurs twice for t1.e1",
    ]


_NUMBERS = st.lists(
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.25, 1e-30, -1e30]) | st.floats(-3, 3, width=32), max_size=40
)


@given(_NUMBERS)
def test_places_are_ranked_as_ids_that_sort_like_them(scores: list[float]) -> None:
    places = np.arange(5, 5 + len(scores))
    assert ranking(scores, places).tolist() == ranking(scores, [f"{place:09}" for place in places]).tolist()
