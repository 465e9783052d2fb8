"""Judges and adjudication: every grade can be traced to who gave it and how it was decided."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.annotation.judgments import labels, log
from fieldguide.annotation.judgments.adjudication import adjudicate
from fieldguide.annotation.judgments.consensus import majority
from fieldguide.annotation.judgments.guidelines import DATASET_LABEL, Guideline, counting, guidelines_of
from fieldguide.annotation.judgments.log import Judgment
from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.files import read_json, write_json
from fieldguide.core.paths import Paths
from fieldguide.records.images import IMAGES
from fieldguide.records.judgments import POOLS, QRELS, in_pools
from fieldguide.records.plan import DECISIONS
from fieldguide.records.runs import read_qrels_trec
from fieldguide.records.topics import read_topics
from flows.adjudicate import adjudicate as stage
from tests.builders import tiny_benchmark, tiny_params
from tests.steps import run_step

CHOICES = {2: "plain", 1: "partly", 0: "not-visible", None: "cannot-tell"}
ANSWERS = [("plain", 2), ("partly", 1), ("not-visible", 0), ("cannot-tell", None), ("broken-image", None)]
GUIDELINE = Guideline.model_validate({
    "version": "look-1",
    "about": "People looked.",
    "answers": [
        {"choice": choice, "grade": grade, "label": choice, "key": str(n), "definition": f"Say {choice}."}
        for n, (choice, grade) in enumerate(ANSWERS)
    ],
})  # fmt: skip
KNOWN = {guideline.version: guideline for guideline in (DATASET_LABEL, GUIDELINE)}


def judgment(image: str, assessor: str, grade: int | None, **more: object) -> Judgment:
    fields = {"subtopic_id": "t1.e1", "choice": CHOICES[grade], "guideline": "look-1"} | more
    return Judgment(image_id=image, assessor=assessor, grade=grade, **fields)


def pools_of(*images: str) -> pd.DataFrame:
    return POOLS.frame([
        {"subtopic_id": "t1.e1", "image_id": i, "systems": [], "ranks": [], "best_rank": None, "sampled": True}
        for i in images
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("votes", "grade", "how"),
    [
        ([1], 1, "single"),
        ([0, 0], 0, "unanimous"),
        ([0, 1, 1], 1, "majority"),
        ([0, 1], 0, "tie"),
        ([1, 2], 1, "tie"),
        ([0, 1, 2], 1, "tie"),
        ([0, 0, 1, 2], 0, "tie"),  # half is no majority
        ([2, 2, 0, 0], 0, "tie"),
    ],
)
def test_the_rule(votes: list[int], grade: int, how: str) -> None:
    assert majority(votes) == (grade, how)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=9), st.randoms(use_true_random=False))
def test_the_rule_knows_no_order_and_invents_no_grade(votes: list[int], random: object) -> None:
    shuffled = list(votes)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert majority(shuffled) == majority(votes)
    assert majority(votes)[0] in votes


def test_only_current_judgments_of_known_choice_are_votes(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    entries = log.append(
        path,
        [
            judgment("a", "ada", 1), judgment("a", "bob", 1), judgment("b", "ada", 1), judgment("b", "bob", None),
            judgment("c", "ada", None), judgment("d", "ada", 1),
        ],
    ).entries  # fmt: skip
    entries = log.append(
        path,
        [
            judgment("d", "ada", None, choice=None, action="withdrawn", supersedes=entries[5].hash),
            judgment("a", "ada", 0, action="superseded", supersedes=entries[0].hash),
        ],
    ).entries
    decided = adjudicate(entries, pools_of("a", "b", "c", "d", "e"))
    assert decided.qrels.to_dict("records") == [
        {"subtopic_id": "t1.e1", "image_id": "a", "grade": 0, "assessors": ["ada", "bob"], "judgments": 2,
         "decided_by": "tie"},
        {"subtopic_id": "t1.e1", "image_id": "b", "grade": 1, "assessors": ["ada"], "judgments": 1,
         "decided_by": "single"},
    ]  # fmt: skip
    assert decided.ungraded == (("t1.e1", "c"),)
    assert decided.unjudged == (("t1.e1", "d"), ("t1.e1", "e"))


def test_who_is_asked_again_has_no_second_voice(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    entries = log.append(
        path,
        [
            judgment("a", "ada", 1, pass_=2), judgment("a", "ada", 0), judgment("a", "bob", 0),
            judgment("a", "ada", 1, pass_=3), judgment("b", "ada", 2), judgment("b", "ada", 0, pass_=2),
            judgment("c", "ada", 1), judgment("c", "ada", 0, guideline="dataset-label-1", choice="not-relevant"),
        ],
    ).entries  # fmt: skip
    votes = adjudicate(entries, pools_of("a", "b", "c")).qrels
    assert votes["grade"].tolist() == [0, 2, 0]  # pass 1; pass 1; the later line, by another guideline
    assert votes["decided_by"].tolist() == ["unanimous", "single", "single"]
    assert votes["judgments"].tolist() == [2, 1, 1]
    withdrawn = judgment("b", "ada", None, choice=None, action="withdrawn", supersedes=entries[4].hash)
    again = adjudicate(log.append(path, [withdrawn]).entries, pools_of("a", "b", "c")).qrels
    assert again["grade"].tolist() == [0, 0, 0]  # pass 2 is what holds of b


def test_the_adjudicator_overrides_whatever_the_votes_and_the_rule_say(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    ruling = {"role": "adjudicator"}
    entries = log.append(
        path,
        [
            judgment("a", "ada", 0), judgment("a", "bob", 0), judgment("a", "dora", 2, **ruling),
            judgment("b", "ada", 2), judgment("b", "bob", None), judgment("b", "dora", None, **ruling),
            judgment("c", "ada", None), judgment("c", "bob", None), judgment("c", "dora", 1, **ruling),
            judgment("c", "dora", 0, pass_=2, **ruling), judgment("d", "ada", 1), judgment("d", "bob", 1),
        ],
    ).entries  # fmt: skip
    for rule in ("majority", "dawid-skene"):
        decided = adjudicate(entries, pools_of(*"abcd"), rule)  # type: ignore[arg-type]
        by_image = decided.qrels.set_index("image_id")
        assert by_image["grade"].to_dict() == {"a": 2, "c": 0, "d": 1}
        assert by_image["decided_by"].loc[["a", "c"]].tolist() == ["adjudicator", "adjudicator"]
        assert by_image["assessors"].to_dict() == {"a": ["ada", "bob", "dora"], "c": ["dora"], "d": ["ada", "bob"]}
        assert by_image["judgments"].to_dict() == {"a": 3, "c": 1, "d": 2}
        assert decided.ungraded == (("t1.e1", "b"),)
    rows = adjudicate(entries, pools_of(*"abcd")).decisions.set_index("image_id")
    assert rows.loc["b"].drop("subtopic_id").to_dict() == {
        "grade": None, "decided_by": "nobody", "confidence": None, "assessors": ["ada", "bob"],
        "choices": ["plain", "cannot-tell"], "adjudicator": "dora", "ruling": "cannot-tell", "disagreement": True,
    }  # fmt: skip
    assert rows["disagreement"].to_dict() == {"a": False, "b": True, "c": False, "d": False}
    DECISIONS.write(tmp_path / "decisions.parquet", adjudicate(entries, pools_of(*"abcd"), "dawid-skene").decisions)
    written = DECISIONS.read(tmp_path / "decisions.parquet").set_index("image_id")
    assert written.loc["d", "decided_by"] == "dawid-skene"
    assert written.loc["d", "confidence"] == pytest.approx(1)
    assert written.loc["b", "grade"] is None


def test_what_a_guideline_does_not_allow_is_named_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    entries = log.append(
        path,
        [
            judgment("a", "ada", 1),
            judgment("b", "ada", 1, guideline="mine-7"),
            judgment("c", "ada", 0, choice="plain"),
            judgment("d", "ada", 0, choice="maybe"),
        ],
    ).entries
    with pytest.raises(ProblemsError) as caught:
        guidelines_of(entries, "log.jsonl", KNOWN)
    allowed = "plain (2), partly (1), not-visible (0), cannot-tell (no grade), broken-image (no grade)"
    assert [str(problem) for problem in caught.value.problems] == [
        "log.jsonl:2: guideline 'mine-7' is unknown; known: dataset-label-1, look-1",
        f"log.jsonl:3: choice 'plain' with grade 0 is not in look-1; allowed: {allowed}",
        f"log.jsonl:4: choice 'maybe' with grade 0 is not in look-1; allowed: {allowed}",
    ]


def test_grades_of_two_meanings_are_not_put_together(tmp_path: Path) -> None:
    made = log.append(
        tmp_path / "log.jsonl",
        [judgment("a", "ada", 1), judgment("a", "x", 1, guideline="dataset-label-1", choice="relevant")],
    )
    with pytest.raises(
        FieldguideError, match="dataset-label-1, look-1 define the same grades differently; name the one"
    ):
        guidelines_of(made.entries, "log.jsonl", KNOWN)


def test_the_guidelines_that_count_can_be_named(tmp_path: Path) -> None:
    made = log.append(
        tmp_path / "log.jsonl",
        [judgment("a", "ada", 1), judgment("a", "x", 1, guideline="dataset-label-1", choice="relevant")],
    )
    kept = counting(made.entries, "look-1", KNOWN)
    assert [entry.assessor for entry in kept] == ["ada"]
    assert [g.version for g in guidelines_of(kept, "log.jsonl", KNOWN)] == ["look-1"]
    assert counting(made.entries, None, KNOWN) == list(made.entries)
    with pytest.raises(
        FieldguideError, match=r"adjudicate\.guideline: 'look-9' is unknown; known: dataset-label-1, look-1"
    ):
        counting(made.entries, "look-9", KNOWN)


def test_the_dataset_label_judge_grades_by_the_label_alone(tmp_path: Path) -> None:
    paths = tiny_benchmark(tmp_path)
    images = IMAGES.read(paths.images).set_index("image_id")["entity_id"].to_dict()
    subtopics = {s.subtopic_id: s for t in read_topics(paths.topics) for s in t.subtopics}
    pools = POOLS.read(paths.pools)
    made = labels.judge(pools.sample(frac=1, random_state=0), subtopics, pools_images := IMAGES.read(paths.images))
    assert [(j.subtopic_id, j.image_id) for j in made] == sorted(
        zip(pools["subtopic_id"], pools["image_id"], strict=True)
    )
    assert {j.assessor for j in made} == {"dataset-label"}
    assert {j.judged_at for j in made} == {None}
    assert all(j.grade == int(images[j.image_id] == subtopics[j.subtopic_id].entity_id) for j in made)
    with pytest.raises(ProblemsError, match=r"t9\.e9: is pooled and no subtopic") as caught:
        labels.judge(pools.assign(subtopic_id="t9.e9", image_id="nowhere"), subtopics, pools_images)
    assert "nowhere: is pooled and no image of the corpus" in str(caught.value)


def test_labels_judge_the_whole_gallery_and_what_pools_missed_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = tiny_benchmark(tmp_path)
    before = QRELS.read(paths.qrels / "qrels.parquet")
    pools, images = POOLS.read(paths.pools), IMAGES.read(paths.images)
    POOLS.write(paths.pools, pools.groupby("subtopic_id", sort=True).head(3))
    run_step(stage, tiny_params(), paths)
    after = QRELS.read(paths.qrels / "qrels.parquet")
    relevant = [frame[frame["grade"] > 0][["subtopic_id", "image_id", "grade"]] for frame in (before, after)]
    assert relevant[0].values.tolist() == relevant[1].values.tolist()
    assert len(after) < len(before)  # what is neither pooled nor relevant has no line
    assert set(after["image_id"]) <= set(images.loc[images["split"] == "gallery", "image_id"])
    pooled = in_pools(after, POOLS.read(paths.pools))
    missed = len(relevant[1]) - int((pooled["grade"] > 0).sum())
    assert missed > 10
    told = capsys.readouterr().out
    assert f"relevant and in no pool: {missed}, {missed / len(relevant[1]):.1%} of the relevant" in told


def test_the_stage_writes_labels_as_judgments_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = tiny_benchmark(tmp_path)
    before = {p: p.read_bytes() for p in [*paths.qrels.iterdir(), paths.judgments]}
    (paths.qrels / "agreement.json").write_text("of another judge")
    run_step(stage, tiny_params(), paths)
    grades_json = paths.qrels / "grades.json"
    assert read_json(grades_json)["complete"] is True
    write_json(grades_json, {k: v for k, v in read_json(grades_json).items() if k != "complete"})
    assert before == {path: path.read_bytes() for path in before}
    assert {p.name for p in paths.qrels.iterdir()} - {p.name for p in before} == {"decisions.parquet"}
    grades = json.loads((paths.qrels / "grades.json").read_text())
    assert grades["1"].startswith("Relevant: the data set labels the photograph")
    assert "Nobody looked at the photographs" in grades["about"]
    assert grades["log"]["head"] == log.read(paths.judgments).head
    qrels = QRELS.read(paths.qrels / "qrels.parquet")
    trec = read_qrels_trec(paths.qrels / "qrels.trec")
    assert trec["grade"].tolist() == qrels["grade"].tolist()
    assert set(qrels["decided_by"]) == {"single"}
    assert f"pooled and not judged: 0 of {len(qrels)}" in capsys.readouterr().out


def people_of(paths: Paths, judgments: list[Judgment]) -> None:
    """A log of people's instead of the data set's labels, with the guidelines they were asked by."""
    paths.judgments.unlink()
    head = yaml.safe_dump(GUIDELINE.model_dump(mode="json", exclude={"body"}))
    paths.used_guidelines.mkdir(parents=True)
    (paths.used_guidelines / "look-1.md").write_text(f"---\n{head}---\nLook.\n", encoding="utf-8")
    log.append(paths.judgments, judgments)


def test_the_stage_reads_peoples_log_and_leaves_it_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = tiny_benchmark(tmp_path)
    pools = POOLS.read(paths.pools)
    subtopic, image = pools["subtopic_id"].iloc[0], pools["image_id"].iloc[0]
    people_of(paths, [judgment(image, a, 1, subtopic_id=subtopic) for a in ("ada", "bob")])
    paths.judgments.write_bytes(paths.judgments.read_bytes() + b'{"action":"jud')
    before = paths.judgments.read_bytes()
    run_step(stage, tiny_params(adjudicate={"judge": "log"}, annotate={"gold": None, "gold_share": 0}), paths)
    assert paths.judgments.read_bytes() == before
    out = capsys.readouterr().out
    assert ":3: the last line was cut off while it was written; it is not counted" in out
    assert f"pooled and not judged: {len(pools) - 1} of {len(pools)}" in out
    assert "judged by several: 1 of 1; with different answers: 0" in out
    assert "ordinal: none (all answers are the same, so that agreement cannot be told from chance)" in out
    qrels = QRELS.read(paths.qrels / "qrels.parquet")
    assert qrels.to_dict("records") == [
        {"subtopic_id": subtopic, "image_id": image, "grade": 1, "assessors": ["ada", "bob"], "judgments": 2,
         "decided_by": "unanimous"},
    ]  # fmt: skip


def test_the_stage_takes_rule_and_gold_from_params_and_writes_the_same_bytes_again(tmp_path: Path) -> None:
    paths = tiny_benchmark(tmp_path)
    pools = POOLS.read(paths.pools).head(12)
    said = [
        judgment(row.image_id, name, 2 if (n + k * (n % 4 == 0)) % 2 else 0, subtopic_id=row.subtopic_id)
        for n, row in enumerate(pools.itertuples())
        for k, name in enumerate(("ada", "ben", "cleo"))
    ]
    people_of(paths, said)
    first = pools.iloc[0]
    paths.annotation.mkdir(exist_ok=True)
    gold = f"subtopic_id,image_id,grade\n{first.subtopic_id},{first.image_id},2\n"
    (paths.annotation / "gold.csv").write_text(gold, encoding="utf-8")
    params = tiny_params(adjudicate={"judge": "log", "rule": "dawid-skene"})
    run_step(stage, params, paths)
    qrels = QRELS.read(paths.qrels / "qrels.parquet")
    assert set(qrels["decided_by"]) == {"dawid-skene", "gold"}
    assert qrels[qrels["decided_by"] == "gold"][["image_id", "grade"]].to_numpy().tolist() == [[first.image_id, 2]]
    summary = json.loads((paths.qrels / "agreement.json").read_text())
    assert summary["rule"] == "dawid-skene"
    assert [one["gold"]["of"] for one in summary["assessors"]] == [1, 1, 1]
    assert [one["assessor"] for one in summary["errors"]] == ["ada", "ben", "cleo"]
    before = {path: path.read_bytes() for path in paths.qrels.iterdir()}
    run_step(stage, params, paths)
    assert {path: path.read_bytes() for path in paths.qrels.iterdir()} == before
    (paths.annotation / "gold.csv").unlink()
    with pytest.raises(FieldguideError, match=r"gold\.csv: no such file; annotate\.gold in params\.yaml names it"):
        run_step(stage, params, paths)


def test_judgments_of_who_is_excluded_count_for_nothing_and_stay_in_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = tiny_benchmark(tmp_path)
    pools = POOLS.read(paths.pools).head(3)
    said = [
        judgment(row.image_id, name, grade, subtopic_id=row.subtopic_id)
        for row in pools.itertuples()
        for name, grade in (("ada", 2), ("ben", 2), ("cleo", 0))
    ]
    people_of(paths, said)
    before = paths.judgments.read_bytes()
    annotate = {"gold": None, "gold_share": 0}
    excluded = {"judge": "log", "excluded": {"cleo": "clicked on without looking"}}
    run_step(stage, tiny_params(adjudicate=excluded, annotate=annotate), paths)
    words = (
        "cleo is excluded (adjudicate.excluded), 3 judgments stay in the log and count for nothing: "
        "clicked on without looking"
    )
    out = capsys.readouterr().out
    assert words in out and "6 judgments, 3 graded pairs" in out and "by other guidelines" not in out
    qrels = QRELS.read(paths.qrels / "qrels.parquet")
    assert [list(names) for names in qrels["assessors"]] == [["ada", "ben"]] * 3
    assert set(qrels["decided_by"]) == {"unanimous"}
    summary = json.loads((paths.qrels / "agreement.json").read_text())
    assert (summary["differing"], [one["assessor"] for one in summary["assessors"]]) == (0, ["ada", "ben"])
    assert summary["notes"][0] == words
    run_step(stage, tiny_params(adjudicate={"judge": "log"}, annotate=annotate), paths)
    assert json.loads((paths.qrels / "agreement.json").read_text())["differing"] == 3
    assert paths.judgments.read_bytes() == before
    nobody = {"judge": "log", "excluded": {"cloe": "slip of the pen", "zoe": "who?"}}
    with pytest.raises(ProblemsError, match="people whom nobody knows") as refused:
        run_step(stage, tiny_params(adjudicate=nobody, annotate=annotate), paths)
    assert [one.where for one in refused.value.problems] == ["adjudicate.excluded: cloe", "adjudicate.excluded: zoe"]
