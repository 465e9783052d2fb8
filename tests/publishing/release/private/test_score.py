"""Runs are scored by what a release withholds: means alone, so many times, by the files that were committed to."""

from __future__ import annotations

import json
import multiprocessing
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fieldguide.cli.main import app
from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.paths import Paths
from fieldguide.publishing.release.make import make_release
from fieldguide.publishing.release.private.ledger import LEDGER, Ledger, team_name
from fieldguide.publishing.release.private.score import score_privately
from fieldguide.publishing.release.private.sealed import SealedPart, read_sealed
from fieldguide.records.runs import RunLine, rank_images, read_run, write_run
from fieldguide.records.scores import SCORES
from tests.finished import finished_benchmark
from tests.publishing.release.private.withheld import private_params, salted

TRIES = 2


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """A finished benchmark with its release and private folder; not to be changed."""
    params = private_params(tries=TRIES)
    paths = finished_benchmark(tmp_path_factory.mktemp("score"), params)
    salted(paths)
    make_release(params, paths)
    return paths


@pytest.fixture
def paths(made: Paths, tmp_path: Path) -> Paths:
    """A copy to score in."""
    for folder in (made.private, made.release):
        shutil.copytree(folder, tmp_path / folder.relative_to(made.root))
    shutil.copytree(made.data / "runs", tmp_path / "data" / "runs")
    return Paths(tmp_path)


@pytest.fixture
def sealed(paths: Paths) -> SealedPart:
    return read_sealed(paths.private)


def lines(paths: Paths, system: str = "visret") -> list[RunLine]:
    frame = read_run(paths.run("fullrank", system))
    columns = (frame[name] for name in ("subtopic_id", "image_id", "rank", "score", "system"))
    return [RunLine(str(s), str(i), int(r), float(x), str(n)) for s, i, r, x, n in zip(*columns, strict=True)]


def another(paths: Paths, number: int) -> Path:
    """A run unlike those of other numbers: `number` images of the first private subtopic stand at its end."""
    subtopic = read_sealed(paths.private).subtopics[0]
    given = lines(paths)
    own = [line.image_id for line in given if line.subtopic_id == subtopic]
    turned = own[number:] + own[:number]
    others = [line for line in given if line.subtopic_id != subtopic]
    path = paths.root / f"run{number}.trec"
    write_run(path, [*others, *rank_images(subtopic, turned, range(len(own), 0, -1), "visret")])
    return path


def test_means_are_those_of_the_private_subtopics(made: Paths, paths: Paths, sealed: SealedPart) -> None:
    scored = score_privately(paths.run("fullrank", "visret"), paths.private, paths.release, "us")
    scores = SCORES.read(made.evaluation / "scores.parquet")
    own = scores[(scores["track"] == "fullrank") & (scores["system"] == "visret")]
    private = own[own["subtopic_id"].isin(sealed.subtopics)]
    assert scored.means
    for mean in scored.means:
        assert mean.mean == pytest.approx(private["value"][private["measure"] == mean.measure].mean(), abs=0.0006)
        assert mean.low <= mean.mean <= mean.high
        assert all(round(value, 3) == value for value in (mean.mean, mean.low, mean.high))
    assert scored.subtopics == len(sealed.subtopics)
    assert (scored.missing, scored.before, scored.tries_left) == (0, False, TRIES - 1)


def test_what_is_said_names_no_topic_and_no_image(paths: Paths, sealed: SealedPart) -> None:
    arguments = ["score", str(paths.run("fullrank", "visret")), "--as", "us", "--private", str(paths.private)]
    for options in ([], ["--json"]):
        shown = CliRunner().invoke(app, [*arguments, "--release", str(paths.release), *options])
        assert shown.exit_code == 0, shown.output
        words = set(re.findall(r"[\w.]+", shown.stdout.replace(str(paths.root), "")))
        hidden = {*sealed.subtopics, *(t.topic_id for t in sealed.topics), *(image for _, image in sealed.grades)}
        assert words.isdisjoint(hidden)
    assert set(json.loads(shown.stdout)) == {
        "release", "team", "run", "subtopics", "topics", "missing", "confidence", "means", "before", "tries_left",
    }  # fmt: skip
    assert not [mean["measure"] for mean in json.loads(shown.stdout)["means"] if "Judged" in mean["measure"]]


def test_a_run_that_was_scored_is_answered_again_at_no_price(paths: Paths) -> None:
    run = paths.run("fullrank", "visret")
    first = score_privately(run, paths.private, paths.release, "us")
    renamed = paths.root / "renamed.trec"
    renamed.write_text(run.read_text().replace("visret", "other"))
    again = score_privately(renamed, paths.private, paths.release, "us")
    assert again.before
    assert (again.means, again.tries_left) == (first.means, first.tries_left)
    others = score_privately(run, paths.private, paths.release, "them")
    assert (others.means, others.tries_left) == (first.means, TRIES)


def test_tries_are_counted_whatever_a_name_is_written_like(paths: Paths) -> None:
    for number, name in ((1, "Team  A"), (2, "team a")):
        score_privately(another(paths, number), paths.private, paths.release, name)
    with pytest.raises(FieldguideError, match="which are all its tries"):
        score_privately(another(paths, 3), paths.private, paths.release, " TEAM A")
    assert score_privately(another(paths, 1), paths.private, paths.release, "TEAM A").before
    assert score_privately(another(paths, 3), paths.private, paths.release, "Team B").tries_left == TRIES - 1


def test_looking_first_costs_nothing_and_says_nothing(paths: Paths) -> None:
    for _ in range(TRIES + 1):
        looked = score_privately(another(paths, 1), paths.private, paths.release, "us", dry=True)
        assert (looked.means, looked.tries_left) == (None, TRIES)
    assert Ledger(paths.private).entries == []


def _try(root: Path, number: int) -> bool:
    paths = Paths(root)
    try:
        score_privately(root / f"run{number}.trec", paths.private, paths.release, "us")
    except FieldguideError:
        return False
    return True


def test_processes_at_once_have_no_more_tries(paths: Paths) -> None:
    for number in range(1, 7):
        another(paths, number)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        done = pool.starmap(_try, [(paths.root, number) for number in range(1, 7)], chunksize=1)
    assert sum(done) == TRIES
    entries = Ledger(paths.private).entries
    assert len(entries) == TRIES
    assert len({entry.run for entry in entries}) == TRIES


def test_a_run_that_probes_is_refused_and_costs_nothing(paths: Paths, sealed: SealedPart) -> None:
    given, private = lines(paths), sealed.subtopics
    few = private[: len(private) // 2 - 1]
    probes = {
        f"ranks {len(few)} of {len(private)} private subtopics": [x for x in given if x.subtopic_id in few],
        f"ranks 1 images; at least {sealed.depth} of the gallery are asked for": [x for x in given if x.rank == 1],
        "ranks 0 of": [x for x in given if x.subtopic_id not in private],
        "ranks nowhere, which is no image of the gallery": [
            *given, RunLine(private[0], "nowhere", 11, -9.0, "visret"),
        ],
    }  # fmt: skip
    for words, part in probes.items():
        write_run(paths.root / "probe.trec", part)
        with pytest.raises(ProblemsError, match=re.escape(words)):
            score_privately(paths.root / "probe.trec", paths.private, paths.release, "us")
    assert not (paths.private / LEDGER).exists()


def test_subtopics_that_a_run_leaves_out_count_as_nothing(paths: Paths, sealed: SealedPart) -> None:
    run = paths.root / "part.trec"
    write_run(run, [x for x in lines(paths) if x.subtopic_id != sealed.subtopics[-1]])
    part = score_privately(run, paths.private, paths.release, "us")
    whole = score_privately(paths.run("fullrank", "visret"), paths.private, paths.release, "us")
    assert part.missing == 1
    assert part.means
    assert whole.means
    assert all(p.mean <= w.mean for p, w in zip(part.means, whole.means, strict=True))


@pytest.mark.parametrize("name", ["qrels.trec", "topics.jsonl"])
def test_files_that_were_changed_are_refused(paths: Paths, name: str) -> None:
    path = paths.private / name
    text = path.read_text()
    path.write_text(text.replace(" 1\n", " 0\n", 1) if name == "qrels.trec" else text.replace("yes", "no", 1))
    assert path.read_text() != text
    with pytest.raises(ProblemsError, match="is not what was committed to"):
        score_privately(paths.run("fullrank", "visret"), paths.private, paths.release, "us")


def test_another_release_is_refused(made: Paths, paths: Paths, tmp_path: Path) -> None:
    other = finished_benchmark(tmp_path / "other", private_params())
    salted(other, "a" * 64)
    make_release(private_params(), other)
    with pytest.raises(FieldguideError, match="they do not belong together"):
        score_privately(paths.run("fullrank", "visret"), paths.private, other.release, "us")
    about = json.loads((paths.release / "release.json").read_text())
    del about["private"]
    (paths.release / "release.json").write_text(json.dumps(about))
    with pytest.raises(FieldguideError, match="says of nothing that it is private"):
        score_privately(paths.run("fullrank", "visret"), paths.private, paths.release, "us")


@pytest.mark.parametrize(
    "damage", ["{}", "nothing", '{"schema_version": 1, "team": 3}', "[" * 5000, '{"schema_version": 9}']
)
def test_a_damaged_ledger_forgets_no_tries(paths: Paths, damage: str) -> None:
    score_privately(another(paths, 1), paths.private, paths.release, "us")
    with (paths.private / LEDGER).open("a") as stream:
        stream.write(damage + "\n")
    with pytest.raises(FieldguideError, match=rf"{LEDGER}:2"):
        score_privately(another(paths, 2), paths.private, paths.release, "us")


def test_a_line_that_a_kill_tore_is_cut_off(paths: Paths) -> None:
    score_privately(another(paths, 1), paths.private, paths.release, "us")
    with (paths.private / LEDGER).open("a") as stream:
        stream.write('{"team": "us", "run"')
    assert score_privately(another(paths, 2), paths.private, paths.release, "us").tries_left == 0
    assert len(Ledger(paths.private).entries) == 2


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\x1b[2J"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(FieldguideError, match="is no name"):
        team_name(name)


@pytest.mark.parametrize("content", ["{}", "[]", "not json", '{"schema_version": 1}', '{"schema_version": 2}', ""])
def test_a_private_folder_of_another_kind_is_refused_in_words(paths: Paths, content: str) -> None:
    (paths.private / "private.json").write_text(content)
    with pytest.raises(FieldguideError, match=r"private\.json"):
        read_sealed(paths.private)


def test_the_ledger_is_for_its_owner_alone_and_outlives_a_build(paths: Paths, made: Paths) -> None:
    score_privately(another(paths, 1), paths.private, paths.release, "us")
    assert (paths.private / LEDGER).stat().st_mode & 0o077 == 0
    before = (paths.private / LEDGER).read_text()
    shutil.copytree(made.root, paths.root, dirs_exist_ok=True)
    make_release(private_params(tries=TRIES), paths)
    assert (paths.private / LEDGER).read_text() == before
    assert score_privately(another(paths, 1), paths.private, paths.release, "us").before


def test_the_commands_tell_what_they_did(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ["score", str(paths.run("fullrank", "text")), "--as", "us"]
    monkeypatch.chdir(paths.root)
    looked = CliRunner().invoke(app, [*run, "--dry"])
    assert "the run would be scored" in looked.stdout
    scored = CliRunner().invoke(app, run)
    assert re.search(r"nDCG@10 +\d\.\d{3} +\[\d\.\d{3}, \d\.\d{3}\]", scored.stdout), scored.stdout
    assert "us: 1 tries left." in scored.stdout
    checked = CliRunner().invoke(app, ["release", "verify", "data/release", "--private", ".private"])
    assert "tells nothing of its" in checked.stdout
