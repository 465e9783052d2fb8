"""A release holds what may be given, the same for the same inputs, and says so when it is changed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.log import Judgment
from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.files import read_json, sha256_bytes, write_json, write_tar
from fieldguide.core.paths import Paths
from fieldguide.params import Params, read_params
from fieldguide.publishing.release.card import md
from fieldguide.publishing.release.make import WrittenRelease, make_release
from fieldguide.publishing.release.verify import verify_release
from fieldguide.publishing.release.verify_card import wrong_card
from fieldguide.publishing.release.verify_judgments import wrong_judgments
from fieldguide.records.answers import ANSWERS
from fieldguide.records.images import IMAGES
from fieldguide.records.judgments import POOLS, QRELS
from fieldguide.records.release import RELEASE_IMAGES
from fieldguide.records.scores import SCORES
from fieldguide.records.topics import read_topics
from tests.builders import rewrite, tiny_params
from tests.conftest import REPOSITORY
from tests.finished import finished_benchmark
from tests.publishing.release.publish.published_files import digests, sign


@pytest.fixture(scope="module")
def params() -> Params:
    return tiny_params()


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory, params: Params) -> Paths:
    """A finished benchmark with its release; not to be changed."""
    paths = finished_benchmark(tmp_path_factory.mktemp("release"), params)
    make_release(params, paths)
    return paths


def told(folder: Path) -> list[str]:
    with pytest.raises(ProblemsError, match="does not agree with itself") as caught:
        verify_release(folder)
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


def test_a_release_agrees_with_itself(paths: Paths) -> None:
    verify_release(paths.release)


def test_how_people_judged_is_released_with_what_they_judged(params: Params, tmp_path: Path) -> None:
    paths = finished_benchmark(tmp_path, params)
    (paths.qrels / "agreement.json").write_text("{}\n")
    paths.used_guidelines.mkdir(parents=True)
    text = (REPOSITORY / "annotation" / "guidelines.md").read_text()
    (paths.used_guidelines / "feature-1.md").write_text(text)
    make_release(params, paths)
    verify_release(paths.release)
    assert (paths.release / "qrels" / "agreement.json").read_text() == "{}\n"
    assert (paths.release / "judgments" / "guidelines" / "feature-1.md").read_text() == text


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_checksums_are_those_of_sha256sum(paths: Paths) -> None:
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=paths.release, check=True)
    lines = (paths.release / "SHA256SUMS").read_text().splitlines()
    names = [line[66:] for line in lines]
    assert names == sorted(names)
    assert set(names) == set(digests(paths.release)) - {"SHA256SUMS"}


def test_the_same_inputs_give_the_same_bytes(paths: Paths, params: Params, tmp_path: Path) -> None:
    again = finished_benchmark(tmp_path, params)
    summary = make_release(params, again)
    assert summary == WrittenRelease(len(digests(again.release)), 23, 2)
    assert digests(again.release) == digests(paths.release)
    make_release(params, again)
    assert digests(again.release) == digests(paths.release)


def test_only_photographs_with_a_licence_are_given(paths: Paths) -> None:
    images = IMAGES.read(paths.images).set_index("image_id")
    held = {}
    for path in sorted((paths.release / "images").glob("*.tar")):
        with tarfile.open(path) as tar:
            held |= {m.name: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]
    assert {name.partition(".")[0] for name in held} == set(images.index[images["licence"].notna()])
    assert {name.partition(".")[2] for name in held} == {"png"}
    for name, data in held.items():
        assert sha256_bytes(data) == images.loc[name.partition(".")[0], "sha256"]
    manifest = RELEASE_IMAGES.read(paths.release / "images.parquet")
    assert len(manifest) == len(images)
    assert set(manifest["licence"][manifest["archive"].isna()]) == {None}


def test_queries_are_one_a_subtopic(paths: Paths) -> None:
    lines = [json.loads(line) for line in (paths.release / "queries.jsonl").read_text().splitlines()]
    topics = read_topics(paths.topics)
    assert [line["_id"] for line in lines] == [s.subtopic_id for t in topics for s in t.subtopics]
    assert set(lines[0]) == {"_id", "text", "metadata"}
    assert lines[0]["metadata"]["topic_id"] == topics[0].topic_id


def test_the_card_counts_what_is_there_and_says_what_is_not(paths: Paths, params: Params) -> None:
    card = (paths.release / "README.md").read_text()
    assert "| subtopics (queries) | 11 |" in card
    assert "| shop | 21 | not stated | no | somebody |" in card
    assert "| museum | 2 | CC0-1.0 | yes | somebody |" in card
    assert "Photographs without a stated licence are not given here" in card
    assert "Nobody looked at the photographs" in card
    assert "licensed under CC-BY-4.0" in (paths.release / "LICENSE.txt").read_text()
    assert read_params(paths.release / "params.yaml") == params


def test_text_in_the_card_is_shown_as_text() -> None:
    assert md("a|b <script>\n[x](y) `z`") == r"a\|b \<script\> \[x\](y) \`z\`"


def test_all_missing_files_are_told_at_once(tmp_path: Path, params: Params) -> None:
    paths = finished_benchmark(tmp_path, params)
    gone = [paths.checks / "checks.json", paths.judgments, paths.qrels / "qrels.trec"]
    for path in gone:
        path.unlink()
    with pytest.raises(ProblemsError, match="the release cannot be made; these files are missing") as caught:
        make_release(params, paths)
    assert {problem.where for problem in caught.value.problems} == {str(path) for path in gone}
    assert not paths.release.exists()


def test_damaged_photographs_are_not_released(tmp_path: Path, params: Params) -> None:
    paths = finished_benchmark(tmp_path, params)
    row = next(r for r in IMAGES.read(paths.images).itertuples() if r.licence)
    with (paths.shards / str(row.shard)).open("r+b") as stream:
        stream.seek(row.offset + 20)
        stream.write(b"\0\0\0\0")
    with pytest.raises(FieldguideError, match=f"the bytes of {row.image_id} are damaged"):
        make_release(params, paths)
    assert not paths.release.exists()


def _edit_sums(folder: Path, edit: Callable[[list[str]], list[str]]) -> None:
    path = folder / "SHA256SUMS"
    path.write_text("\n".join(edit(path.read_text().splitlines())) + "\n")


def test_every_difference_from_the_checksums_is_told_at_once(folder: Path) -> None:
    with (folder / "README.md").open("a") as stream:
        stream.write("changed")
    (folder / "LICENSE.txt").unlink()
    (folder / "extra.txt").write_text("new")
    (folder / "link").symlink_to("/etc/passwd")
    assert told(folder) == [
        "extra.txt: is not listed in SHA256SUMS",
        "link: is not listed in SHA256SUMS",
        "LICENSE.txt: is listed in SHA256SUMS and missing",
        "README.md: was changed: its sha256 is not the one in SHA256SUMS",
    ]


def test_a_release_that_dvc_keeps_as_links_agrees_with_itself(paths: Paths, tmp_path: Path) -> None:
    shutil.copytree(paths.release, tmp_path / "release")
    for command in (["init", "-q", "--no-scm"], ["config", "cache.type", "symlink"], ["add", "-q", "release"]):
        subprocess.run([sys.executable, "-m", "dvc", *command], cwd=tmp_path, check=True)
    assert (tmp_path / "release" / "README.md").is_symlink()
    verify_release(tmp_path / "release")


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (lambda lines: [*lines, "0" * 64 + "  ../../etc/passwd"], "'../../etc/passwd' lies outside the release"),
        (lambda lines: [*lines, "0" * 64 + "  /etc/passwd"], "'/etc/passwd' lies outside the release"),
        (lambda lines: [*lines, lines[0]], ".zenodo.json is listed twice"),
        (lambda lines: [*lines, "nonsense"], "is not `SHA256  FILE`"),
        (lambda lines: lines[::-1], "is not sorted by file name"),
    ],
)
def test_hostile_checksum_lists_are_refused(folder: Path, edit: Callable[[list[str]], list[str]], what: str) -> None:
    _edit_sums(folder, edit)
    assert len(told(folder)) == 1
    assert told(folder)[0].startswith("SHA256SUMS")
    assert told(folder)[0].endswith(what)


def test_no_checksums_at_all(folder: Path) -> None:
    (folder / "SHA256SUMS").unlink()
    assert told(folder) == ["SHA256SUMS: is missing; it lists the sha256 of every other file"]


def test_something_else_is_no_release(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(FieldguideError, match=r"release.json: no such file"):
        verify_release(tmp_path)
    write_json(folder / "release.json", read_json(folder / "release.json") | {"format_version": 99})
    with pytest.raises(FieldguideError, match=r"is 'fieldguide-release' version 99; expected .* version 2"):
        verify_release(folder)


def _change(name: str, edit: Callable[[Any], Any]) -> Callable[[Path], None]:
    return lambda folder: write_json(folder / name, edit(read_json(folder / name)))


def _lines(name: str, edit: Callable[[list[str]], list[str]]) -> Callable[[Path], None]:
    def defect(folder: Path) -> None:
        path = folder / name
        path.write_text("\n".join(edit(path.read_text().splitlines())) + "\n")

    return defect


def _other(line: dict[str, Any]) -> dict[str, Any]:
    """The other choice of the data set's label."""
    return {"grade": 0, "choice": "not-relevant"} if line["grade"] else {"grade": 1, "choice": "relevant"}


def _better(line: str) -> str:
    """A line of the card's results with a greater mean for `random`."""
    return re.sub(r"^(\| random .*\| )0\.(\d+)( \| \d\.\d+ to)", r"\g<1>0.9\g<2>\3", line)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def _rechained(edit: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Path], None]:
    """Every line of the log changed, and the chain made anew: only what rests on the log can tell."""

    def defect(folder: Path) -> None:
        path = folder / "judgments" / "log.jsonl"
        lines = [edit(json.loads(line)) for line in path.read_text().splitlines()]
        path.unlink()
        own = {"hash", "prev", "seq", "task_key", "schema_version"}
        log.write(path, [Judgment.model_validate({k: v for k, v in line.items() if k not in own}) for line in lines])

    return defect


def _more_mean(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [rows[0] | {"mean": rows[0]["mean"] + 0.1}, *rows[1:]]


DEFECTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "counts": (
        _change("release.json", lambda about: about | {"counts": about["counts"] | {"qrels": 1}}),
        "release.json: counts.qrels is 1; the files hold 187",
    ),
    "columns": (
        _change("release.json", lambda about: about | {"tables": {}}),
        "release.json: describes other columns than this version's tables have",
    ),
    "paths for names": (
        _change("release.json", lambda about: about | {"systems": ["../../../secret"]}),
        "release.json: systems is ['../../../secret']; expected a list of names",
    ),
    "score": (_change("leaderboard.json", _more_mean), "leaderboard.json: fullrank comparison random nDCG@1 is "),
    "interval": (
        _change("leaderboard.json", lambda rows: [rows[0] | {"high": 0.987654}, *rows[1:]]),
        "leaderboard.json: fullrank comparison random nDCG@1: high is 0.987654; the scores give ",
    ),
    "tie": (
        _change("leaderboard.json", lambda rows: [row | {"group": "z"} if row["group"] else row for row in rows]),
        "leaderboard.json: fullrank comparison random nDCG@10: group is 'z'; the scores give ",
    ),
    "p": (
        _change("comparisons.json", lambda rows: [rows[0] | {"p": 0.0}, *rows[1:]]),
        "comparisons.json: fullrank comparison random text nDCG@1: p is 0.0; the scores give ",
    ),
    "lost pair": (
        _change("comparisons.json", lambda rows: rows[1:]),
        "comparisons.json: lacks fullrank comparison random text nDCG@1",
    ),
    "made-up pair": (
        _change("comparisons.json", lambda rows: [*rows, rows[0] | {"system": "best"}]),
        "comparisons.json: holds fullrank comparison best text nDCG@1, of which there are no scores",
    ),
    "accuracy": (
        _change("answering.json", lambda found: found | {"accuracy": [found["accuracy"][0] | {"accuracy": 0.987654}]}),
        "answering.json: prior, none: accuracy is 0.987654; the answers give 0.5",
    ),
    "outcomes": (
        lambda folder: rewrite(ANSWERS, folder / "answers.parquet", outcome="correct"),
        "answers.parquet: prior, none, ranked, t",
    ),
    "another topic": (
        lambda folder: rewrite(ANSWERS, folder / "answers.parquet", topic_id=lambda f: [f"x{n}" for n in f.index]),
        "answers.parquet: prior, none, ranked, x0: the topic is not one of topics.jsonl",
    ),
    "no comparisons": (_change("comparisons.json", lambda _: {}), "comparisons.json: is not a list of rows"),
    "scores": (
        lambda folder: rewrite(SCORES, folder / "scores.parquet", value=1.0),
        "leaderboard.json: fullrank comparison ",
    ),
    "many draws": (
        _lines("params.yaml", lambda x: [re.sub("permutations: .*", f"permutations: {10**12}", line) for line in x]),
        "scores.parquet: cannot be compared again: ",
    ),
    "no leaderboard": (_change("leaderboard.json", lambda _: [{}]), "leaderboard.json: is not a leaderboard"),
    "queries": (_lines("queries.jsonl", lambda x: x[1:]), "queries.jsonl: has other queries than topics.jsonl"),
    "grades": (
        _lines("qrels/qrels.trec", lambda x: x[1:]),
        "qrels/qrels.trec: holds other grades than qrels/qrels.parquet",
    ),
    "unknown image": (
        _lines("runs/fullrank/visret.trec", lambda x: [f"{x[0].split()[0]} Q0 nowhere 1 99 visret", *x]),
        "runs/fullrank/visret.trec: names image nowhere, which is not in images.parquet",
    ),
    "unknown subtopic": (
        _lines("runs/fullrank/visret.trec", lambda x: ["t0.e1 " + x[0].split(" ", 1)[1], *x]),
        "runs/fullrank/visret.trec: names subtopic t0.e1, which is not in topics.jsonl",
    ),
    "broken run": (
        _lines("runs/fullrank/visret.trec", lambda x: ["one two", *x]),
        "runs/fullrank/visret.trec:1: has 2",
    ),
    "broken table": (
        lambda folder: (folder / "pools.parquet").write_bytes(b"no"),  # type: ignore[dict-item, return-value]
        "pools.parquet: ",
    ),
    "wrong id": (
        lambda folder: rewrite(RELEASE_IMAGES, folder / "images.parquet", sha256="0" * 64),
        "images.parquet: image_id ",
    ),
    "licence withdrawn": (
        lambda folder: rewrite(RELEASE_IMAGES, folder / "images.parquet", licence=None),
        "images.parquet: image ",
    ),
    "inverted grades": (_rechained(lambda line: line | _other(line)), "qrels/grades.json: grades rest on a log of "),
    "a figure of the card": (
        _lines("README.md", lambda x: [_better(line) for line in x]),
        "README.md: result of random: ",
    ),
}


JUDGMENTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "first lost": (_lines("judgments/log.jsonl", lambda x: x[1:]), "judgments/log.jsonl: "),
    "last lost": (_lines("judgments/log.jsonl", lambda x: x[:-5]), "qrels/grades.json: grades rest on a log of "),
    "torn": (lambda folder: _cut(folder / "judgments" / "log.jsonl"), "judgments/log.jsonl: "),
    "inverted": (_rechained(lambda line: line | _other(line)), "qrels/qrels.parquet: grade of "),
    "forged": (_rechained(lambda line: line | {"assessor": "forged"}), "qrels/qrels.parquet: assessors of "),
    "grade without its choice": (
        _rechained(lambda line: line | {"grade": 1 - line["grade"]}), "judgments/log.jsonl:1: choice ",
    ),
    "unknown guideline": (
        _rechained(lambda line: line | {"guideline": "other-1"}), "judgments/log.jsonl:1: was judged by other-1, ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", JUDGMENTS)
def test_judgments_are_held_against_what_rests_on_them(folder: Path, name: str) -> None:
    pools, qrels = POOLS.read(folder / "pools.parquet"), QRELS.read(folder / "qrels" / "qrels.parquet")
    assert list(wrong_judgments(folder, pools, qrels)) == []
    defect, what = JUDGMENTS[name]
    defect(folder)
    found = [str(problem).removeprefix(f"{folder}/") for problem in wrong_judgments(folder, pools, qrels)]
    assert [problem for problem in found if problem.startswith(what)], found


def test_the_cards_counts_are_held_against_the_files(folder: Path) -> None:
    counts, rows = read_json(folder / "release.json")["counts"], read_json(folder / "leaderboard.json")
    assert list(wrong_card(folder, counts, rows)) == []
    card = folder / "README.md"
    card.write_text(card.read_text().replace("| graded pairs | 187 |", "| graded pairs | 287 |"))
    (problem,) = wrong_card(folder, counts, rows)
    assert problem.what == "graded pairs: says 287; the files hold 187"


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_behind_right_checksums_is_found(folder: Path, name: str) -> None:
    defect, what = DEFECTS[name]
    defect(folder)
    sign(folder)
    assert [problem for problem in told(folder) if problem.startswith(what)]


def test_photographs_are_held_against_the_manifest(folder: Path) -> None:
    path = sorted((folder / "images").glob("*.tar"))[0]
    with tarfile.open(path) as tar:
        name = tar.getnames()[0]
    write_tar(path, [(name, b"other bytes"), ("0123456789abcdef.jpg", b"not in the manifest")])
    (folder / "images" / "junk.tar").write_bytes(b"no tar")
    sign(folder)
    found = told(folder)
    assert f"images/{path.name}: holds {name} with other bytes than its sha256 in images.parquet" in found
    assert any("holds 0123456789abcdef.jpg, which images.parquet does not place there" in line for line in found)
    assert any(line.startswith("images/junk.tar: is not a readable tar") for line in found)
    shutil.rmtree(folder / "images")
    sign(folder)
    assert sum("lacks image" in line for line in told(folder)) == 2
