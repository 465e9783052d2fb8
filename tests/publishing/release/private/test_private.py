"""A release with a private part tells nothing of it, says what it is committed to, and is refused where it tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.log import Judgment
from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.files import read_json, sha256_bytes, write_json
from fieldguide.core.paths import Paths
from fieldguide.params import Params, read_params
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.release.make import make_release
from fieldguide.publishing.release.private.draw import draw
from fieldguide.publishing.release.private.keeping import seal_here, verify_withheld
from fieldguide.publishing.release.private.leaks import leaks
from fieldguide.publishing.release.private.sealed import SealedPart, read_sealed
from fieldguide.publishing.release.private.withhold import sealed_of
from fieldguide.publishing.release.section import PrivateSplit
from fieldguide.publishing.release.verify import verify_release
from fieldguide.publishing.release.verify_judgments import wrong_judgments
from fieldguide.records.judgments import POOLS, QRELS
from fieldguide.records.topics import Topic, read_topics
from tests.annotation.simulated_votes import ASSESSORS
from tests.builders import tiny_params, tiny_topics
from tests.finished import finish, finished_benchmark
from tests.publishing.release.private.withheld import SALT, Known, line, private_params, salted
from tests.publishing.release.publish.published_files import digests, publish, refused, sign
from tests.publishing.report.test_people import CHOICES, HEAD


def test_the_release_agrees_with_itself_and_tells_nothing(paths: Paths, sealed: SealedPart) -> None:
    verify_release(paths.release)
    assert verify_withheld(paths.release, paths.private) == sealed
    assert list(leaks(paths.release, sealed)) == []


def test_public_and_private_judgments_are_the_whole(paths: Paths, sealed: SealedPart) -> None:
    whole, public = (
        {(str(s), str(i)): int(g) for s, i, g in zip(q["subtopic_id"], q["image_id"], q["grade"], strict=True)}
        for q in (QRELS.read(folder / "qrels" / "qrels.parquet") for folder in (paths.data, paths.release))
    )
    assert public
    assert sealed.grades
    assert public.keys().isdisjoint(sealed.grades)
    assert public | sealed.grades == whole


def test_no_file_of_text_has_a_line_with_a_private_subtopic_and_an_image(paths: Paths, sealed: SealedPart) -> None:
    """By plain search, so that it does not hang on how the scan reads files."""
    images = {image for _, image in sealed.grades}
    for path in paths.release.rglob("*"):
        if path.suffix in (".trec", ".tsv", ".jsonl", ".csv"):
            for line in path.read_text().splitlines():
                if any(subtopic in line for subtopic in sealed.subtopics):
                    assert not any(image in line for image in images), (path, line)


def test_answers_values_and_labels_are_withheld(paths: Paths, sealed: SealedPart) -> None:
    hidden = {topic.topic_id for topic in sealed.topics}
    assert hidden
    for topic in read_topics(paths.release / "topics.jsonl"):
        assert bool(topic.answer) is (topic.topic_id not in hidden)
    images = pd.read_parquet(paths.release / "images.parquet")
    gallery = images[images["split"] == "gallery"]
    assert gallery["entity_id"].isna().all()
    assert (gallery["source_key"] == "").all()
    assert images["entity_id"].notna().any()  # those to learn from keep theirs


def test_release_json_and_the_card_say_what_is_withheld(paths: Paths, sealed: SealedPart) -> None:
    stated = read_json(paths.release / "release.json")["private"]
    assert stated["subtopics"] == sealed.subtopics
    text = (paths.private / "qrels.trec").read_bytes()
    assert stated["commitment"]["qrels.trec"] == sha256_bytes(SALT.encode() + text)
    card = (paths.release / "README.md").read_text()
    assert stated["commitment"]["qrels.trec"] in card
    assert f"Judgments of {len(sealed.subtopics)} of the 11 subtopics" in card
    assert SALT not in json.dumps(stated)


def test_nothing_is_said_of_a_private_part_where_there_is_none(tmp_path: Path) -> None:
    params = tiny_params()
    paths = finished_benchmark(tmp_path, params)
    make_release(params, paths)
    assert "private" not in read_json(paths.release / "release.json")
    assert "private" not in (paths.release / "params.yaml").read_text()
    assert "Withheld" not in (paths.release / "README.md").read_text()
    assert not paths.private.exists()


def test_the_same_salt_gives_the_same_bytes_and_another_another_commitment(
    paths: Paths, params: Params, tmp_path: Path
) -> None:
    again = finished_benchmark(tmp_path, params)
    salted(again)
    make_release(params, again)
    assert digests(again.release) == digests(paths.release)
    salted(again, "f" * 64)
    make_release(params, again)
    before, after = digests(paths.release), digests(again.release)
    assert {name for name in before if before[name] != after[name]} == {
        "README.md", "release.json", "croissant.json", "SHA256SUMS",
    }  # fmt: skip


def test_topics_drawn_whole(tmp_path: Path) -> None:
    params = private_params(by="topic")
    paths = finished_benchmark(tmp_path, params)
    salted(paths)
    make_release(params, paths)
    verify_release(paths.release)
    sealed = verify_withheld(paths.release, paths.private)
    assert set(sealed.subtopics) == {s.subtopic_id for topic in sealed.topics for s in topic.subtopics}


def judged_by_people(root: Path, params: Params, gold_of: set[str]) -> Paths:
    """A finished benchmark in which three people judged two thirds of the pools each, with gold on some subtopics."""
    from flows.adjudicate import adjudicate
    from tests.steps import run_step

    paths = finished_benchmark(root, params)
    paths.judgments.unlink()
    paths.used_guidelines.mkdir(parents=True)
    (paths.used_guidelines / "look-1.md").write_text(HEAD, encoding="utf-8")
    pairs = list(POOLS.read(paths.pools)[["subtopic_id", "image_id"]].itertuples(index=False, name=None))
    said = [
        Judgment(
            subtopic_id=subtopic, image_id=image, assessor=name, grade=(n + k) % 3, choice=CHOICES[(n + k) % 3],
            guideline="look-1",
        )
        for n, (subtopic, image) in enumerate(pairs)
        for k, name in enumerate(ASSESSORS)
        if n % 3 != k
    ]  # fmt: skip
    log.append(paths.judgments, said)
    paths.annotation.mkdir(exist_ok=True)
    gold = "".join(f"{subtopic},{image},1\n" for subtopic, image in pairs if subtopic in gold_of)
    (paths.annotation / "gold.csv").write_text(f"subtopic_id,image_id,grade\n{gold}")
    run_step(adjudicate, params, paths)
    finish(paths, params)
    return paths


@pytest.mark.parametrize("public_gold", [True, False])
def test_where_people_judged_the_public_part_tells_of_itself_alone(tmp_path: Path, public_gold: bool) -> None:
    params = tiny_params(
        release={"private": {"share": 0.5, "seed": 0, "by": "topic"}},
        adjudicate={"judge": "log", "rule": "majority"},
        annotate={"gold": "annotation/gold.csv", "preannotation": None},
    )
    split = params.release.private
    assert split is not None
    part = draw(split, tiny_topics())
    public_ones = {s.subtopic_id for topic in part.all for s in topic.subtopics} - part.subtopics
    paths = judged_by_people(tmp_path, params, {min(part.subtopics), *([min(public_ones)] if public_gold else [])})
    salted(paths)
    make_release(params, paths)
    verify_release(paths.release)
    sealed = verify_withheld(paths.release, paths.private)
    whole, public = (log.read(folder / "judgments" / "log.jsonl").entries for folder in (paths.data, paths.release))
    kept = [entry for entry in whole if entry.subtopic_id not in sealed.subtopics]
    assert [(e.subtopic_id, e.image_id, e.assessor, e.grade) for e in public] == [
        (e.subtopic_id, e.image_id, e.assessor, e.grade) for e in kept
    ]
    assert {e.hash for e in public}.isdisjoint(e.hash for e in whole if e.subtopic_id in sealed.subtopics)
    given, told = (read_json(folder / "qrels" / "agreement.json") for folder in (paths.data, paths.release))
    assert told != given
    gold = (paths.release / "annotation" / "gold.csv").read_text()
    assert (min(public_ones) in gold) is public_gold
    assert not any(subtopic in gold for subtopic in part.subtopics)


def test_the_stage_writes_no_release_that_leaks(tmp_path: Path, params: Params) -> None:
    paths = finished_benchmark(tmp_path, params)
    salted(paths)
    sealed = sealed_of(Benchmark(paths, params))[0]
    subtopic, image = sorted(sealed.grades)[0]
    paths.annotation.mkdir(exist_ok=True)
    (paths.annotation / "errata.md").write_text(f"- {subtopic}: {image} is relevant after all\n")
    with pytest.raises(ProblemsError, match="would tell what is private") as caught:
        make_release(params, paths)
    assert "ERRATA.md:1" in str(caught.value)
    assert not paths.release.exists()


def test_verify_names_private_rows_without_the_private_folder(folder: Path, sealed: SealedPart) -> None:
    subtopic = sealed.subtopics[0]
    path = folder / "topics.jsonl"
    path.write_text(path.read_text().replace('"answer": ""', '"answer": "yes"'))
    about = read_json(folder / "release.json")
    public = next(iter(set(QRELS.read(folder / "qrels" / "qrels.parquet")["subtopic_id"])))
    about["private"]["subtopics"] += [public, "t99.e1"]
    write_json(folder / "release.json", about)
    with pytest.raises(ProblemsError) as caught:
        verify_release(folder)
    told = "\n".join(map(str, caught.value.problems))
    assert f"qrels/qrels.parquet: has rows of {public}, which is private" in told
    assert "private: names t99.e1, which is not in topics.jsonl" in told
    assert f"gives the answer of {sealed.topics[0].topic_id}, which is private" in told
    assert subtopic not in told


@pytest.mark.parametrize("private", ["much", {"subtopics": 1}, {"subtopics": [], "topics": [], "commitment": "no"}])
def test_verify_reads_a_hostile_statement(folder: Path, private: Any) -> None:
    about = read_json(folder / "release.json") | {"private": private}
    write_json(folder / "release.json", about)
    with pytest.raises(ProblemsError, match="private"):
        verify_release(folder)


def test_without_a_salt_nothing_is_written(tmp_path: Path, params: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = finished_benchmark(tmp_path, params)
    with pytest.raises(FieldguideError, match="fieldguide release seal"):
        make_release(params, paths)
    salted(paths, "secretsecret")
    with pytest.raises(FieldguideError, match="64 hex digits") as caught:
        make_release(params, paths)
    assert "secretsecret" not in str(caught.value)
    assert not paths.release.exists()
    elsewhere = private_params(salt_from="GULLS_SALT")
    with pytest.raises(FieldguideError, match="environment variable GULLS_SALT"):
        make_release(elsewhere, paths)
    monkeypatch.setenv("GULLS_SALT", SALT)
    make_release(elsewhere, paths)
    assert read_sealed(paths.private).salt == SALT


def test_sealing_makes_a_salt_once_and_says_whether_the_release_fits(tmp_path: Path, params: Params) -> None:
    paths = finished_benchmark(tmp_path, params)
    assert seal_here(params, paths, dry=True).made == paths.salt
    assert not paths.private.exists()
    first = seal_here(params, paths)
    assert first.made == paths.salt
    assert first.fits is None
    salt = paths.salt.read_text()
    assert paths.salt.stat().st_mode & 0o077 == 0
    make_release(params, paths)
    again = seal_here(params, paths)
    assert (again.made, again.fits) == (None, True)
    assert paths.salt.read_text() == salt
    salted(paths, "e" * 64)
    assert seal_here(params, paths).fits is False


@pytest.mark.parametrize(("share", "half"), [(0.0001, "private"), (0.9999, "public")])
def test_an_empty_half_is_refused(tmp_path: Path, share: float, half: str) -> None:
    params = private_params(share=share)
    paths = finished_benchmark(tmp_path, params)
    salted(paths)
    with pytest.raises(FieldguideError, match=f"leaves no judged subtopic {half}"):
        make_release(params, paths)


def test_the_section_is_read_back_from_the_release(paths: Paths, params: Params) -> None:
    assert read_params(paths.release / "params.yaml").release.private == params.release.private


ENTITY = st.sampled_from([f"e{n}" for n in range(8)])
TOPICS = st.lists(st.lists(ENTITY, min_size=1, max_size=3, unique=True), max_size=12).map(
    lambda all_of: [
        Topic(f"t{n}", "comparison", "which", f"{n}?", tuple(named), "colour", "peel", "yes", {})
        for n, named in enumerate(all_of)
    ]
)
SPLIT = st.builds(
    PrivateSplit,
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**31 - 1),
    by=st.sampled_from(["entity", "topic"]),
)


@settings(max_examples=100)
@given(topics=TOPICS, split=SPLIT, data=st.data())
def test_the_draw_parts_the_topics_whatever_their_order(
    topics: list[Topic], split: PrivateSplit, data: st.DataObject
) -> None:
    part = draw(split, topics)
    every = {s.subtopic_id: s for topic in topics for s in topic.subtopics}
    public = every.keys() - part.subtopics
    assert part.subtopics <= every.keys()
    if split.by == "entity":
        assert {every[s].entity_id for s in public}.isdisjoint(every[s].entity_id for s in part.subtopics)
    else:
        assert {every[s].topic.topic_id for s in public}.isdisjoint(part.topics)
    fewer = data.draw(st.permutations(topics))[: len(topics) // 2 + 1]
    still = {s.subtopic_id for topic in fewer for s in topic.subtopics}
    assert draw(split, fewer).subtopics == part.subtopics & still


def test_what_is_withheld_is_not_published_where_the_private_folder_lies(
    folder: Path, sealed: SealedPart, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(paths.root)
    assert "nothing would be refused" in publish(folder, "elsewhere", "--dry-run")
    known = Known(sealed)
    line(folder / "ERRATA.md", f"For {known.subtopic} see image {known.image}.\n")
    sign(folder)
    assert f"ERRATA.md:1: names {known.image} beside {known.subtopic}" in refused(folder, "elsewhere", "--dry-run")


def test_a_release_that_withholds_nothing_is_not_published_beside_its_private_part(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole"
    make_release(tiny_params(), finished_benchmark(whole))
    monkeypatch.chdir(paths.root)
    assert "withholds nothing, and .private holds a private part" in refused(
        whole / "data/release", tmp_path / "elsewhere", "--dry-run"
    )


def test_a_salt_that_is_gone_is_not_made_anew(tmp_path: Path, params: Params) -> None:
    paths = finished_benchmark(tmp_path, params)
    salted(paths)
    seal_here(params, paths)
    paths.salt.unlink()
    with pytest.raises(FieldguideError, match="is gone, and what lies in"):
        seal_here(params, paths)


def test_what_was_sealed_before_is_kept(tmp_path: Path, params: Params) -> None:
    paths = finished_benchmark(tmp_path, params)
    salted(paths)
    first = seal_here(params, paths).sealed
    salted(paths, "f" * 64)
    second = seal_here(params, paths).sealed
    assert first is not None and second is not None and first.commitment != second.commitment
    (earlier,) = (paths.private / "earlier").iterdir()
    assert read_sealed(earlier).commitment == first.commitment
    assert read_sealed(paths.private).commitment == second.commitment


def test_a_salt_of_the_environment_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = private_params(salt_from="GULL_SALT")
    paths = finished_benchmark(tmp_path, params)
    monkeypatch.setenv("GULL_SALT", SALT)
    sealed = seal_here(params, paths).sealed
    assert sealed is not None
    assert not any(SALT in path.read_text() for path in paths.private.iterdir() if path.is_file())
    assert read_sealed(paths.private).commitment == sealed.commitment
    monkeypatch.delenv("GULL_SALT")
    with pytest.raises(FieldguideError, match="GULL_SALT: holds no salt"):
        read_sealed(paths.private)


def test_a_release_says_who_was_excluded_and_why_and_agrees_with_itself(tmp_path: Path) -> None:
    out = min(ASSESSORS)
    params = tiny_params(
        release={"private": {"share": 0.5, "seed": 0, "by": "topic"}},
        adjudicate={"judge": "log", "rule": "majority", "excluded": {out: "clicked on without looking"}},
        annotate={"gold": None, "gold_share": 0, "preannotation": None},
    )
    paths = judged_by_people(tmp_path, params, set())
    salted(paths)
    make_release(params, paths)
    verify_release(paths.release)
    assert out in {entry.assessor for entry in log.read(paths.release / "judgments" / "log.jsonl").entries}
    qrels = QRELS.read(paths.release / "qrels" / "qrels.parquet")
    assert out not in {name for names in qrels["assessors"] for name in names}
    for name in ("README.md", "datasheet.md"):
        words = f"The judgments of {out} are in the log and count for nothing: clicked on without looking."
        assert words in (paths.release / name).read_text()
    text = yaml.safe_load((paths.release / "params.yaml").read_text())
    text["adjudicate"]["excluded"] = {}
    (paths.release / "params.yaml").write_text(yaml.safe_dump(text))
    pools = POOLS.read(paths.release / "pools.parquet")
    assert list(wrong_judgments(paths.release, pools, qrels))
