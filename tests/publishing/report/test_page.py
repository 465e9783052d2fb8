"""The report as a folder of pages: self-contained, escaped, accessible, the same for the same inputs."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

from fieldguide.core.errors import ProblemsError
from fieldguide.core.paths import Paths
from fieldguide.params import Params, parse_params
from fieldguide.publishing.benchmark import Benchmark, params_text
from fieldguide.publishing.report.page import write_report
from fieldguide.publishing.report.pages import POLICY
from fieldguide.publishing.report.thumbnails import file_name
from fieldguide.records.drawings import DRAWINGS
from fieldguide.records.images import IMAGES, REJECTED
from fieldguide.records.judgments import POOLS
from fieldguide.records.knowledge import ENTITIES
from fieldguide.records.topics import Phrase, read_phrases, write_records
from tests.builders import rewrite, tiny_benchmark, tiny_params
from tests.finished import finish
from tests.publishing.report.conftest import Page, pages_of

HOSTILE = "<script>alert(1)</script>"
QUOTED = "\"><img src=x onerror='alert(2)'> {{ 7 * 7 }}"


Pages = dict[str, Page]


def target(address: str, reference: str) -> tuple[str, str]:
    """(address, anchor) that a reference on a page leads to, from the report's folder."""
    path, _, anchor = reference.partition("#")
    return (os.path.normpath(os.path.join(os.path.dirname(address), path)) if path else address), anchor  # noqa: PTH118, PTH120


def test_every_reference_leads_to_a_file_or_an_anchor_of_the_report(pages: Pages, paths: Paths) -> None:
    for address, page in pages.items():
        for reference in [*page.attributes("href"), *page.attributes("src")]:
            assert re.match(r"[a-z]+:|/", reference) is None, f"{address}: {reference}"
            file, anchor = target(address, reference)
            assert (paths.report.parent / file).is_file(), f"{address}: {reference}"
            assert not anchor or anchor in pages[file].attributes("id"), f"{address}: {reference}"


def test_every_topic_entity_and_system_has_a_page_that_others_lead_to(
    pages: Pages, paths: Paths, params: Params
) -> None:
    benchmark = Benchmark(paths, params)
    wanted = {f"topics/{topic.topic_id}.html" for topic in benchmark.topics}
    wanted |= {f"entities/{subtopic.entity_id}.html" for subtopic in benchmark.subtopics.values()}
    wanted |= {f"systems/{system}.html" for system in params.retrieve.systems}
    led = {target(address, r)[0] for address, page in pages.items() for r in page.attributes("href")}
    assert wanted <= set(pages)
    assert set(pages) <= led


def test_the_policy_admits_files_of_the_report_and_nothing_else(pages: Pages, paths: Paths) -> None:
    for page in pages.values():
        policy = next(a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
        assert policy == POLICY and "unsafe" not in policy and "http" not in policy
        assert page.raw["style"] == [] and page.attributes("style") == []
        assert [a.get("type") for tag, a in page.elements if tag == "script" and "src" not in a] in (
            [],
            ["application/json"],
        )
        assert [name for _, attrs in page.elements for name in attrs if name.startswith("on")] == []
        assert {tag for tag, _ in page.elements}.isdisjoint({"iframe", "object", "embed", "base", "use"})
    css = (paths.report.parent / "assets/style.css").read_text()
    assert "@import" not in css and "@font-face" not in css and "url(" not in css


def test_html_is_well_formed_and_ids_are_unique(pages: Pages) -> None:
    for address, page in pages.items():
        assert (page.unbalanced, page.open) == ([], []), address
        ids = page.attributes("id")
        assert len(ids) == len(set(ids))
        assert set(page.attributes("aria-labelledby")) <= set(ids)
        assert [tag for tag, _ in page.elements].count("h1") == 1


def test_every_image_has_words_and_every_table_heads(pages: Pages) -> None:
    pictures = [(tag, attrs) for page in pages.values() for tag, attrs in page.elements if tag in ("svg", "img")]
    assert len(pictures) > 50
    assert [a for tag, a in pictures if tag == "svg" and (a.get("role") != "img" or not a.get("aria-label"))] == []
    assert [a for tag, a in pictures if tag == "img" and (not a.get("alt") or a.get("loading") != "lazy")] == []
    heads = [attrs for page in pages.values() for tag, attrs in page.elements if tag == "th"]
    assert heads
    assert [attrs for attrs in heads if attrs.get("scope") not in ("col", "row")] == []


def test_each_image_that_is_shown_lies_there_once_and_no_other_does(pages: Pages, paths: Paths) -> None:
    shown = {target(address, source)[0] for address, page in pages.items() for source in page.sources("img")}
    folder = paths.report.parent
    lying = {str(file.relative_to(folder)) for part in ("images", "pictures") for file in (folder / part).iterdir()}
    assert {file for file in lying if not file.endswith(".csv")} == shown
    assert len(lying) > 20


@pytest.mark.parametrize("key", ["../../x", "a/b", "con\\aux", "", ".", "a..b", "é", "x" * 300, "A"])
def test_ids_that_are_no_file_names_are_hashed(key: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", file_name(key))
    assert file_name("t02b1b176") == "t02b1b176"


def test_hostile_text_is_shown_and_does_nothing(tmp_path: Path, params: Params) -> None:
    paths = tiny_benchmark(tmp_path, params)
    rewrite(ENTITIES, paths.entities, name=lambda frame: [HOSTILE] * len(frame))
    rewrite(REJECTED, paths.rejected, source_key=QUOTED, detail=HOSTILE)
    old = read_phrases(paths.phrases)
    write_records(paths.phrases, [Phrase(p.subtopic_id, QUOTED, p.rewriter) for p in old])
    drawn = DRAWINGS.read(paths.drawings)
    drawn["prompt"] = [
        QUOTED if purpose == "topic" else prompt for purpose, prompt in drawn[["purpose", "prompt"]].values
    ]
    DRAWINGS.write(paths.drawings, drawn)
    finish(paths, params)
    write_report(params, paths)
    pages = pages_of(paths)
    for page in pages.values():
        assert page.unbalanced == []
        scripts = [a for tag, a in page.elements if tag == "script"]
        assert [a.get("type") or a.get("src", "").rpartition("/")[2] for a in scripts] in (  # type: ignore[union-attr]
            ["script.js"],
            ["script.js", "application/json"],
        )
        assert all(re.match(r"(\.\./)?(images|pictures)/[\w.-]+$", source) for source in page.sources("img"))
    drawn = [file.read_text() for file in (paths.report.parent / "pictures").glob("*.svg")]
    assert drawn and not any("<script" in text or "<img" in text for text in drawn)
    told = "".join(page.text for page in pages.values())
    assert HOSTILE in told and QUOTED in told
    assert any(QUOTED in alt for page in pages.values() for alt in page.attributes("alt"))


def test_the_same_inputs_give_the_same_bytes(fresh: Paths, params: Params) -> None:
    def written() -> dict[str, bytes]:
        write_report(params, fresh)
        folder = fresh.report.parent
        return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}

    assert written() == written()


def test_all_missing_files_are_told_at_once(fresh: Paths, params: Params) -> None:
    gone = [fresh.pools, fresh.run("rerank", "visret"), fresh.evaluation / "leaderboard.json"]
    for path in gone:
        path.unlink()
    with pytest.raises(ProblemsError, match="the report cannot be made; these files are missing") as caught:
        write_report(params, fresh)
    assert [problem.where for problem in caught.value.problems] == [str(path) for path in gone]
    assert all("dvc repro" in problem.what for problem in caught.value.problems)


def test_files_that_contradict_each_other_are_told(fresh: Paths, params: Params) -> None:
    gone = POOLS.read(fresh.pools)["image_id"].iloc[0]
    images = IMAGES.read(fresh.images)
    IMAGES.write(fresh.images, images[images["image_id"] != gone])
    with pytest.raises(ProblemsError, match=f"names image {gone}, which is not in") as caught:
        write_report(params, fresh)
    assert {Path(problem.where).name for problem in caught.value.problems} >= {"pools.parquet", "qrels.parquet"}


def test_a_failed_drawing_is_shown_with_its_reason(fresh: Paths, params: Params) -> None:
    frame = DRAWINGS.read(fresh.drawings)
    row = frame.index[frame["purpose"] == "topic"][0]
    frame = frame.astype({"shard": object, "offset": object, "size": object})
    frame.loc[row, ["status", "reason"]] = ["failed", "the picture is blank"]
    frame.loc[row, ["shard", "offset", "size"]] = None
    DRAWINGS.write(fresh.drawings, frame)
    write_report(params, fresh)
    pages = pages_of(fresh)
    assert any("failed: the picture is blank" in page.text for a, page in pages.items() if a.startswith("topics/"))
    assert "Drawings that failed" in pages["index.html"].text


def test_published_parameters_can_be_read_back(params: Params) -> None:
    assert parse_params(yaml.safe_load(params_text(params))) == params


def test_parameters_never_hold_a_secret() -> None:
    chat = {"base_url": "https://somebody:hunter2@models.example:8443/v1", "model": "m"}
    with pytest.raises(ProblemsError, match="secrets belong into the environment"):
        tiny_params(rewrite={"chat": chat})


def test_a_topics_page_shows_what_each_system_found(pages: Pages, paths: Paths, params: Params) -> None:
    benchmark = Benchmark(paths, params)
    shots = 0
    for topic in benchmark.topics:
        page = pages[f"topics/{topic.topic_id}.html"]
        assert topic.text in page.text and topic.answer in page.text
        assert {subtopic.subtopic_id for subtopic in topic.subtopics} <= set(page.attributes("id"))
        shots += sum("relevant" in (a.get("class") or "").split()[:1] for tag, a in page.elements if tag == "li")
    grades = {(s, i) for s, i, g in benchmark.qrels[["subtopic_id", "image_id", "grade"]].values if g > 0}
    tops = (run[run["rank"] <= params.report.top] for (track, _), run in benchmark.runs.items() if track == "fullrank")
    assert shots == sum((s, i) in grades for run in tops for s, i in run[["subtopic_id", "image_id"]].values)


def test_a_systems_page_counts_its_wins_and_losses(pages: Pages, paths: Paths, params: Params) -> None:
    line = next(
        line
        for line in Benchmark(paths, params).comparisons
        if (line["track"], line["kind"], line["measure"]) == ("fullrank", "comparison", params.evaluate.headline)
        and (line["system"], line["baseline"]) == ("visret", "text")
    )
    entity = sum(topic.kind == "entity" for topic in Benchmark(paths, params).topics)
    told = re.search(r"(\d+) topics better, (\d+) alike, (\d+) worse", pages["systems/visret.html"].text)
    assert told is not None
    wins, ties, losses = map(int, told.groups())
    assert wins + ties + losses == line["wins"] + line["ties"] + line["losses"] + entity
    assert wins >= line["wins"] and losses >= line["losses"]
    assert "VisRet (Wan, Wu and Chang" in pages["systems/visret.html"].text
