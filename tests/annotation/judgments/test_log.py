"""The judgment log: nothing that was written can change unseen, and a kill loses nothing that was whole."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.log import Judgment
from fieldguide.core.errors import FieldguideError, ProblemsError

NOW = "2025-05-20T09:30:00+02:00"


def judgment(image: str = "i1", assessor: str = "ada", grade: int | None = 1, **more: object) -> Judgment:
    choice = {1: "relevant", 0: "not-relevant", None: "cannot-tell"}[grade]
    fields = {"choice": choice, "guideline": "photograph-1", "judged_at": NOW} | more
    return Judgment(subtopic_id="t1.e1", image_id=image, assessor=assessor, grade=grade, **fields)


def withdrawal(of: str, **more: object) -> Judgment:
    return judgment(grade=None, choice=None, action="withdrawn", supersedes=of, **more)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    log.append(path, [judgment(f"i{n}") for n in range(6)])
    return path


def test_what_is_appended_is_read_and_chained(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log.append(path, [judgment("i1"), judgment("i2", grade=None)])
    made = log.append(path, [judgment("i1", assessor="bob", grade=0)])
    read = log.read(path)
    assert read == made
    assert [e.seq for e in read.entries] == [1, 2, 3]
    assert [e.prev for e in read.entries] == [None, read.entries[0].hash, read.entries[1].hash]
    assert read.head == read.entries[2].hash
    assert '"pass":1' in path.read_text()


def test_a_key_depends_on_the_question_and_not_on_who_answers() -> None:
    assert judgment(assessor="ada").task_key == judgment(assessor="bob", grade=0).task_key
    others = [judgment("i2"), judgment(guideline="photograph-2"), judgment(pass_=2)]
    assert len({j.task_key for j in [judgment(), *others]}) == 4


@given(place=st.integers(0, 10**6), value=st.integers(0, 255))
@settings(max_examples=300)
def test_every_changed_byte_is_seen(
    written: Path, tmp_path_factory: pytest.TempPathFactory, place: int, value: int
) -> None:
    data = bytearray(written.read_bytes())
    place %= len(data) - 1  # the last line end may go: the line before it is whole
    changed = data[place] != value
    data[place] = value
    path = tmp_path_factory.mktemp("edited") / "log.jsonl"
    path.write_bytes(data)
    if changed:
        line = bytes(data[:place]).count(b"\n") + 1
        with pytest.raises(FieldguideError, match=rf"log\.jsonl:{line}: the log was changed here"):
            log.read(path)
    else:
        assert len(log.read(path).entries) == 6


@given(order=st.lists(st.integers(0, 5), max_size=8))
def test_lines_deleted_swapped_or_doubled_are_seen(
    written: Path, tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    lines = written.read_text().splitlines(keepends=True)
    path = tmp_path_factory.mktemp("moved") / "log.jsonl"
    path.write_text("".join(lines[n] for n in order))
    if order == list(range(len(order))):  # a beginning of the log is a log: its head tells that the end is missing
        assert (log.read(path).head == log.read(written).head) == (len(order) == 6)
        return
    first = next(n for n, line in enumerate(order) if n != line)
    with pytest.raises(FieldguideError, match=rf":{first + 1}: the log was changed here: it does not follow"):
        log.read(path)


def test_a_forged_line_with_a_right_hash_is_seen(tmp_path: Path) -> None:
    one, two, path = tmp_path / "one", tmp_path / "two", tmp_path / "log.jsonl"
    log.append(one, [judgment("i1"), judgment("i2")])
    log.append(two, [judgment("i1", grade=0), judgment("i2")])
    path.write_text(two.read_text().splitlines(keepends=True)[0] + one.read_text().splitlines(keepends=True)[1])
    with pytest.raises(FieldguideError, match=r":2: the log was changed here: it does not follow the line before"):
        log.read(path)


@given(cut=st.integers(1, 2000))
def test_a_torn_last_line_is_told_and_dropped(
    written: Path, tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    data = written.read_bytes()
    kept = data[: len(data) - cut % len(data)]
    path = tmp_path_factory.mktemp("torn") / "log.jsonl"
    path.write_bytes(kept)
    whole = kept.count(b"\n")
    if kept and kept + b"\n" in (data[: len(kept) + 1],):
        whole += 1  # only its line end is missing
        assert log.read(path).torn is None
    elif not kept.endswith(b"\n"):
        torn = log.read(path).torn
        assert torn is not None
        assert f":{whole + 1}: the last line was cut off" in torn
    again = log.append(path, [judgment(f"i{n}") for n in range(whole, 6)])
    assert path.read_bytes() == data
    assert log.read(path).entries == again.entries


def test_a_killed_writer_loses_no_acknowledged_judgment(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    code = (
        "import sys, pathlib; from fieldguide.annotation.judgments import log; path = pathlib.Path(sys.argv[1])\n"
        "for n in range(10**6):\n"
        "    log.append(path, [log.Judgment(subtopic_id='s', image_id=str(n), assessor='a', grade=1,"
        " choice='relevant', guideline='g')]); print(n, flush=True)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        acknowledged = [int(child.stdout.readline()) for _ in range(20)][-1]
        os.kill(child.pid, signal.SIGKILL)
    assert [e.image_id for e in log.read(path).entries][: acknowledged + 1] == [str(n) for n in range(acknowledged + 1)]


def test_a_changed_mind_supersedes_and_a_withdrawal_withdraws(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    first = log.append(path, [judgment(), judgment(assessor="bob"), judgment(pass_=2)]).entries
    again = log.append(path, [judgment(grade=0, action="superseded", supersedes=first[0].hash)])
    assert [(e.assessor, e.pass_, e.grade) for e in log.current(again.entries)] == [
        ("bob", 1, 1),
        ("ada", 2, 1),
        ("ada", 1, 0),
    ]
    gone = log.append(path, [withdrawal(again.entries[-1].hash)])
    assert [(e.assessor, e.pass_) for e in log.current(gone.entries)] == [("bob", 1), ("ada", 2)]
    back = log.append(path, [judgment(grade=1)])  # after a withdrawal the task is open again
    assert len(log.current(back.entries)) == 3
    assert log.read(path) == back


def test_all_contradictions_are_refused_at_once_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    entry = log.append(path, [judgment()]).entries[0]
    before = path.read_bytes()
    with pytest.raises(ProblemsError, match="none was written") as caught:
        log.append(
            path,
            [judgment("i2"), judgment(grade=0), withdrawal("0" * 64), withdrawal(entry.hash, assessor="bob")],
        )
    assert [p.what for p in caught.value.problems] == [
        "is judged already; a changed judgment supersedes the old one (action `superseded`)",
        f"`supersedes` is {'0' * 64}; the current judgment is {entry.hash}",
        f"`supersedes` is {entry.hash}; the current judgment is none",
    ]
    assert caught.value.problems[0].where.endswith("(ada on i1 for t1.e1)")
    assert path.read_bytes() == before


def test_a_log_of_others_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log.append(path, [judgment(), judgment(assessor="bob")])
    with pytest.raises(
        FieldguideError, match=r"holds judgments by ada, bob, which would be lost; set adjudicate\.judge"
    ):
        log.write(path, [judgment(assessor="dataset-label")])
    assert len(log.read(path).entries) == 2


def test_writing_anew_gives_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log.write(path, [judgment("i1"), judgment("i2")])
    first = path.read_bytes()
    log.write(path, [judgment("i1"), judgment("i2")])
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"judged_at": "2025-05-20T09:30:00"}, "ISO 8601 with an offset"),
        ({"judged_at": "yesterday"}, "ISO 8601 with an offset"),
        ({"action": "superseded"}, "`supersedes` belongs to"),
        ({"supersedes": "0" * 64}, "`supersedes` belongs to"),
        ({"choice": None}, "every other judgment has a choice"),
        ({"grade": -1, "choice": "x"}, "greater than or equal to 0"),
        ({"assessor": ""}, "at least 1 character"),
        ({"pass_": 0}, "greater than or equal to 1"),
    ],
)
def test_a_judgment_that_says_nothing_clear_is_refused(fields: dict[str, object], message: str) -> None:
    good = {"subtopic_id": "s", "image_id": "i", "assessor": "a", "grade": 1, "choice": "relevant", "guideline": "g"}
    with pytest.raises(ValidationError, match=message):
        Judgment(**(good | fields))


def test_a_missing_log_is_named(tmp_path: Path) -> None:
    with pytest.raises(FieldguideError, match=r"log\.jsonl: no such file; people's judgments come from"):
        log.read(tmp_path / "log.jsonl")


def test_a_log_of_another_schema_version_is_told_apart_from_a_changed_one(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"schema_version":1,"seq":1}\n')
    told = r"log.jsonl:1: has schema version 1; this version reads 2\..* may be removed"
    with pytest.raises(FieldguideError, match=told):
        log.read(path)
