"""Two releases: exactly what was planted is named, and the parts of each difference add up to it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fieldguide.cli.main import app
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import read_json, sha256_file, write_json
from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.publishing.comparing.changes import FOLLOWING, GROUPS, Change
from fieldguide.publishing.comparing.comparison import ReleaseComparison, compare_releases
from fieldguide.publishing.comparing.effects import query_effects
from fieldguide.publishing.comparing.state import ReleaseState
from fieldguide.publishing.comparing.told import add_errata, in_line, markdown, write_comparison
from fieldguide.publishing.comparing.versions import verdict
from fieldguide.publishing.release.make import make_release
from fieldguide.records.images import IMAGES
from fieldguide.records.judgments import POOLS, QRELS
from fieldguide.records.topics import read_topics, write_records
from fieldguide.runtime.states import state_of
from tests.builders import rewrite, tiny_benchmark, tiny_params
from tests.finished import finish
from tests.publishing.release.publish.published_files import sign

Plant = Callable[[Paths], None]


def released(folder: Path, plant: Plant | None = None, **sections: Any) -> Path:
    """A release of the benchmark in miniature, with what `plant` changed before it was evaluated."""
    params: Params = tiny_params(**sections)
    paths = tiny_benchmark(folder, params)
    if plant is not None:
        plant(paths)
    finish(paths, params)
    make_release(params, paths)
    return paths.release


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return released(tmp_path_factory.mktemp("old"))


def compared(old: Path, new: Path) -> ReleaseComparison:
    return compare_releases(ReleaseState(old), ReleaseState(new))


def keys(comparison: ReleaseComparison) -> list[tuple[str, str, str]]:
    """What was changed, without what follows from it."""
    return [(c.group, c.what, c.key) for c in comparison.changes if c.group not in FOLLOWING]


def relevant(paths: Paths) -> tuple[str, str]:
    qrels = QRELS.read(paths.qrels / "qrels.parquet")
    first = qrels[qrels["grade"] > 0].iloc[0]
    return first["subtopic_id"], first["image_id"]


def relabel(paths: Paths) -> None:
    """One image of one query is relevant no more."""
    qrels = QRELS.read(paths.qrels / "qrels.parquet")
    here = (qrels["subtopic_id"] == relevant(paths)[0]) & (qrels["image_id"] == relevant(paths)[1])
    QRELS.write(paths.qrels / "qrels.parquet", qrels.assign(grade=qrels["grade"].where(~here, 0)))
    (paths.qrels / "qrels.trec").write_text(
        "".join(
            f"{row.subtopic_id} 0 {row.image_id} {0 if here[row.Index] else row.grade}\n" for row in qrels.itertuples()
        )
    )


def drop_image(paths: Paths) -> None:
    """One photograph of the gallery is gone, from everything."""
    image = gone(paths)
    rewritten = ((IMAGES, paths.images), (POOLS, paths.pools), (QRELS, paths.qrels / "qrels.parquet"))
    for table, path in rewritten:
        rows = table.read(path)
        table.write(path, rows[rows["image_id"] != image].reset_index(drop=True))
    for path in [*paths.root.glob("data/runs/*/*.trec"), paths.qrels / "qrels.trec"]:
        lines = [line.split() for line in path.read_text().splitlines() if line.split()[2] != image]
        ranks: dict[str, int] = {}
        for line in lines:
            if len(line) == 6:
                ranks[line[0]] = ranks.get(line[0], 0) + 1
                line[3] = str(ranks[line[0]])
        path.write_text("".join(" ".join(line) + "\n" for line in lines))


def gone(paths: Paths) -> str:
    """The image that the best system ranks first for some query, so that it is missed."""
    line = next(iter(paths.run("fullrank", "visret").read_text().splitlines()))
    return line.split()[2]


def reverse_run(paths: Paths) -> None:
    """System `text` ranks the first query the other way round."""
    path = paths.run("fullrank", "text")
    lines = [line.split() for line in path.read_text().splitlines()]
    first = [line for line in lines if line[0] == lines[0][0]]
    images = [line[2] for line in reversed(first)]
    for line, image in zip(first, images, strict=True):
        line[2] = image
    path.write_text("".join(" ".join(line) + "\n" for line in lines))


def test_a_release_and_itself_have_no_changes(old: Path) -> None:
    comparison = compared(old, old)
    assert comparison.changes == ()
    assert comparison.queries == ()
    assert (comparison.verdict.required, comparison.verdict.enough) == (None, True)
    assert all(row.p is None and row.old == row.new for row in comparison.systems)


def test_three_planted_changes_are_named_and_nothing_else(old: Path, tmp_path: Path) -> None:
    def plant(paths: Paths) -> None:
        relabel(paths)
        drop_image(paths)

    comparison = compared(old, released(tmp_path, plant, visualize={"seed": 99}))
    label, image = relevant(Paths(old.parent.parent)), gone(Paths(old.parent.parent))
    assert keys(comparison) == [
        *([("labels", "changed", " ".join(label))] if label[1] != image else []),
        ("gallery", "removed", image),
        ("parameters", "changed", "visualize.seed"),
    ]
    assert len(keys(comparison)) == 3  # the label is not that of the image that is gone
    assert "0.2.0" in comparison.verdict.why
    assert not comparison.verdict.enough


@pytest.mark.parametrize(("plant", "part"), [(relabel, "labels"), (drop_image, "images"), (reverse_run, "ranking")])
def test_each_kind_of_change_is_a_part_of_its_own(old: Path, tmp_path: Path, plant: Plant, part: str) -> None:
    new = released(tmp_path, plant)
    comparison = compared(old, new)
    effects = query_effects(ReleaseState(old), ReleaseState(new))
    assert any(getattr(effect, part) for effect in effects)
    for effect in effects:
        assert effect.new - effect.old == pytest.approx(effect.images + effect.labels + effect.ranking, abs=1e-12)
        assert all(abs(getattr(effect, other)) < 1e-12 for other in {"labels", "images", "ranking"} - {part})
    moved = [row for row in comparison.systems if row.p is not None]
    assert moved
    for row in moved:
        assert row.new - row.old == pytest.approx(getattr(row, part), abs=2e-6)  # type: ignore[operator]


def test_why_a_query_is_ranked_otherwise(old: Path, tmp_path: Path) -> None:
    same_library = compared(old, released(tmp_path / "a", reverse_run))
    assert [query.reasons for query in same_library.queries] == [("models or machine: same settings, same library",)]
    other = released(tmp_path / "b", reverse_run)
    about = read_json(other / "release.json")
    write_json(other / "release.json", about | {"library": {"version": "9", "sha256": "0" * 64}})
    sign(other)
    assert [query.reasons for query in compared(old, other).queries] == [
        ("code or models: the library is another one",)
    ]
    systems = {name: tiny_params().model_dump(mode="json")["systems"][name] for name in ("random", "text", "visret")}
    systems["text"]["query"] = "phrase"
    set_otherwise = compared(old, released(tmp_path / "c", reverse_run, systems=systems))
    assert set_otherwise.queries[0].reasons == ("settings: system.query",)
    assert ("systems", "changed", "text") in keys(set_otherwise)


def test_a_topic_that_went_is_one_change(old: Path, tmp_path: Path) -> None:
    def plant(paths: Paths) -> None:
        topics = read_topics(paths.topics)
        lost = {s.subtopic_id for s in topics[0].subtopics}
        write_records(paths.topics, topics[1:])
        for table, path in ((POOLS, paths.pools), (QRELS, paths.qrels / "qrels.parquet")):
            rows = table.read(path)
            table.write(path, rows[~rows["subtopic_id"].isin(lost)].reset_index(drop=True))
        for path in [*paths.root.glob("data/runs/*/*.trec"), paths.qrels / "qrels.trec", paths.phrases]:
            lines = path.read_text().splitlines()
            path.write_text("".join(f"{line}\n" for line in lines if not any(name in line for name in lost)))

    comparison = compared(old, released(tmp_path, plant))
    went = read_topics(old / "topics.jsonl")[0]
    assert keys(comparison) == [("topics", "removed", went.topic_id)]
    kind = [row for row in comparison.systems if row.kind == went.kind and row.topics is not None]
    assert any(row.topics for row in kind)
    for row in kind:
        assert row.new - row.old == pytest.approx(row.topics, abs=1e-9)  # type: ignore[operator]


def test_a_leaderboard_that_is_not_of_its_runs_is_refused(old: Path, tmp_path: Path) -> None:
    forged = Path(shutil.copytree(old, tmp_path / "forged"))
    rows = read_json(forged / "leaderboard.json")
    write_json(forged / "leaderboard.json", [row | {"mean": row["mean"] / 2} for row in rows])
    with pytest.raises(FieldguideError, match="release verify"):
        compared(old, forged)


CHANGED = {group: Change(group, "changed", "x", "1", "2") for group in GROUPS}


@pytest.mark.parametrize(
    ("old", "new", "group", "enough", "least"),
    [
        ("1.2.3", "2.0.0", "labels", True, "2.0.0"),
        ("1.2.3", "1.9.9", "labels", False, "2.0.0"),
        ("0.2.3", "0.3.0", "topics", True, "0.3.0"),
        ("0.2.3", "0.2.4", "gallery", False, "0.3.0"),
        ("1.2.3", "1.3.0", "systems", True, "1.3.0"),
        ("1.2.3", "1.2.4", "runs", False, "1.3.0"),
        ("1.2.3", "1.2.4", "words", True, "1.2.4"),
        ("1.2.3", "1.2.3", "words", False, "1.2.4"),
        ("1.2.3", "1.2.2", "words", False, "1.2.4"),
        ("first", "1.2.2", "words", False, None),
    ],
)
def test_which_number_must_rise(old: str, new: str, group: str, enough: bool, least: str | None) -> None:
    found = verdict(old, new, [CHANGED["words"], CHANGED[group]])
    assert (found.enough, found.least) == (enough, least)


def test_pages_and_errata_show_hostile_text_as_text(old: Path, tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script> | `x` [a](http://b)\n# head"
    comparison = compared(old, released(tmp_path / "new", relabel))
    change = Change("labels", "changed", hostile, hostile, hostile)
    comparison = replace(comparison, old=hostile, changes=(*comparison.changes, change))
    write_comparison(comparison, tmp_path / "page")
    page = (tmp_path / "page" / "index.html").read_text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    text = markdown(comparison)
    assert "<script>" not in text
    assert "\n# head" not in text.removeprefix(f"# {in_line(hostile)}")
    assert json.loads((tmp_path / "page" / "comparison.json").read_text())["old"] == hostile
    path = tmp_path / "errata.md"
    with pytest.raises(FieldguideError, match=r"not written, for .* must be 0\.2\.0"):
        add_errata(path, comparison)
    assert not path.exists()


def test_errata_keep_what_people_wrote(old: Path, tmp_path: Path) -> None:
    comparison = compared(old, released(tmp_path / "new", relabel))
    later = replace(comparison, version_new="0.2.0", verdict=verdict("0.1.0", "0.2.0", comparison.changes))
    path = tmp_path / "errata.md"
    path.write_text("# Errata\n\nTold by hand.\n\n## 0.2.0\n\nPhoto 7 withdrawn.\n\n## 0.0.9\n\nOlder.\n")
    add_errata(path, later)
    once = path.read_text()
    add_errata(path, later)
    assert path.read_text() == once
    assert [line for line in once.splitlines() if line.startswith("## ")] == ["## 0.2.0", "## 0.0.9"]
    for words in ("Told by hand.", "Photo 7 withdrawn.", "Older.", "labels changed; 0.1.0 -> 0.2.0"):
        assert once.count(words) == 1 or in_line(words) in once
    add_errata(path, replace(later, version_new="0.3.0"))
    assert [line for line in path.read_text().splitlines() if line.startswith("## ")] == [
        "## 0.3.0", "## 0.2.0", "## 0.0.9",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["answers.parquet", "judgments/log.jsonl", "leaderboard.json"])
def test_a_damaged_release_is_not_compared(old: Path, tmp_path: Path, name: str) -> None:
    new = Path(shutil.copytree(old, tmp_path / "new"))
    (new / name).unlink()
    with pytest.raises(FieldguideError, match="is damaged"):
        compared(old, new)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("release.json", lambda about: about | {"systems": 5}, "no list of names"),
        ("leaderboard.json", lambda rows: [{**rows[0], "mean": None}, *rows[1:]], "leaderboard.json"),
        ("leaderboard.json", lambda rows: [{"track": "fullrank"}, *rows[1:]], "leaderboard.json"),
    ],
)
def test_a_release_that_says_nonsense_is_refused_in_words(
    old: Path, tmp_path: Path, name: str, change: Callable[[Any], Any], words: str
) -> None:
    new = Path(shutil.copytree(old, tmp_path / "new"))
    write_json(new / name, change(read_json(new / name)))
    sign(new)
    with pytest.raises(FieldguideError, match=words):
        compared(old, new)


def test_the_command_ends_with_one_where_the_version_says_too_little(old: Path, tmp_path: Path) -> None:
    new = released(tmp_path, relabel)
    shown = CliRunner().invoke(app, ["release", "diff", str(old), str(new)])
    assert shown.exit_code == 1
    assert "labels: 1 changed" in shown.stdout
    assert "release.version must be 0.2.0 at least" in shown.stdout
    same = CliRunner().invoke(app, ["release", "diff", str(old), str(old), "--json"])
    assert same.exit_code == 0
    assert json.loads(same.stdout)["changes"] == []


def test_a_state_is_a_folder_a_benchmark_or_a_commit(old: Path, tmp_path: Path) -> None:
    with state_of(str(old)) as one, state_of(str(old.parent.parent)) as other:
        assert (one.folder, other.folder) == (old, old)
    repository = tmp_path / "repository"
    (repository / "data").mkdir(parents=True)
    shutil.copytree(old, repository / "data" / "release")
    for command in (
        ["git", "init", "-q"], ["dvc", "init", "-q"], ["dvc", "add", "-q", "data/release"], ["git", "add", "-A"],
        ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "one"],
    ):  # fmt: skip
        subprocess.run(command, cwd=repository, check=True, capture_output=True)
    shutil.rmtree(repository / "data" / "release")
    with state_of("HEAD", repository) as committed:
        assert sha256_file(committed.folder / "SHA256SUMS") == sha256_file(old / "SHA256SUMS")
    with pytest.raises(FieldguideError, match="nowhere: is no folder here"), state_of("nowhere", repository):
        pass


def test_what_travels_as_errata(old: Path, tmp_path: Path) -> None:
    def plant(paths: Paths) -> None:
        paths.annotation.mkdir(exist_ok=True)
        (paths.annotation / "errata.md").write_text("# Errata\n")

    new = released(tmp_path, plant)
    assert (new / "ERRATA.md").read_text() == "# Errata\n"
    assert keys(compared(old, new)) == [("files", "added", "ERRATA.md")]


def test_rewriting_nothing_changes_nothing(old: Path, tmp_path: Path) -> None:
    """The order of rows and of lines is no change."""
    new = Path(shutil.copytree(old, tmp_path / "new"))
    rewrite(POOLS, new / "pools.parquet")
    lines = (new / "topics.jsonl").read_text().splitlines()
    (new / "topics.jsonl").write_text("".join(f"{line}\n" for line in reversed(lines)))
    sign(new)
    assert compared(old, new).changes == ()
