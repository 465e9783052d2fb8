"""The report as a file: self-contained, escaped, accessible, the same for the same inputs."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from fieldguide.core.errors import ProblemsError
from fieldguide.core.paths import Paths
from fieldguide.params import Params, parse_params
from fieldguide.publishing.benchmark import Benchmark, params_text
from fieldguide.publishing.report.page import write_report
from fieldguide.records.drawings import DRAWINGS
from fieldguide.records.images import IMAGES, REJECTED
from fieldguide.records.judgments import POOLS
from fieldguide.records.knowledge import ENTITIES
from fieldguide.records.topics import Phrase, read_phrases, write_records
from tests.builders import rewrite, tiny_benchmark, tiny_params
from tests.finished import finish
from tests.publishing.report.conftest import Page

HOSTILE = "<script>alert(1)</script>"
QUOTED = "\"><img src=x onerror='alert(2)'> {{ 7 * 7 }}"


def test_nothing_is_fetched_from_anywhere(page: Page) -> None:
    assert {tag for tag, _ in page.elements}.isdisjoint({"link", "iframe", "object", "embed", "base", "img", "use"})
    assert page.attributes("src") == []
    assert all(address.startswith("#") for address in page.attributes("href"))
    css = "".join(page.raw["style"])
    assert "@import" not in css
    assert "@font-face" not in css
    assert set(re.findall(r"url\(([a-z]+:)", css)) == {"data:"}
    assert len(re.findall(r"url\(", css)) == len(re.findall(r"url\(data:image/webp;base64,", css))


def test_the_policy_admits_the_inlined_style_and_script_and_nothing_else(page: Page) -> None:
    policy = next(a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    rules = {words[0]: words[1:] for words in (rule.split() for rule in policy.split(";"))}
    for tag in ("style", "script"):
        digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in page.raw[tag]]
        assert rules[f"{tag}-src"] == [f"'sha256-{digest}'" for digest in digests]
    assert rules["default-src"] == ["'none'"]
    assert page.attributes("style") == []
    assert [name for _, attrs in page.elements for name in attrs if name.startswith("on")] == []


def test_html_is_well_formed_and_ids_are_unique(page: Page) -> None:
    assert page.unbalanced == []
    assert page.open == []
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    named = [*page.attributes("aria-labelledby"), *(href[1:] for href in page.attributes("href"))]
    assert set(named) <= set(ids)


def test_every_image_has_words_and_every_table_heads(page: Page) -> None:
    pictures = [
        (tag, attrs) for tag, attrs in page.elements if tag == "svg" or "t" in (attrs.get("class") or "").split()
    ]
    assert len(pictures) > 50
    assert [attrs for _, attrs in pictures if attrs.get("role") != "img" or not attrs.get("aria-label")] == []
    heads = [attrs for tag, attrs in page.elements if tag == "th"]
    assert heads
    assert [attrs for attrs in heads if attrs.get("scope") not in ("col", "row")] == []


def test_each_image_that_is_shown_is_inlined_exactly_once(page: Page) -> None:
    rules = re.findall(r"^\.(i\d+)\{", "".join(page.raw["style"]), re.MULTILINE)
    shown = {name for value in page.attributes("class") for name in value.split() if re.fullmatch(r"i\d+", name)}
    assert len(rules) == len(set(rules))
    assert set(rules) == shown


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
    page = Page(paths.report.read_text(encoding="utf-8"))
    assert page.unbalanced == []
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert "img" not in {tag for tag, _ in page.elements}
    assert HOSTILE in page.text
    assert QUOTED in page.text
    assert any(QUOTED in label for label in page.attributes("aria-label"))


def test_the_same_inputs_give_the_same_bytes(fresh: Paths, params: Params) -> None:
    write_report(params, fresh)
    first = fresh.report.read_bytes()
    write_report(params, fresh)
    assert fresh.report.read_bytes() == first


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
    text = fresh.report.read_text(encoding="utf-8")
    assert "failed: the picture is blank" in text
    assert "Drawings that failed" in text


def test_published_parameters_can_be_read_back(params: Params) -> None:
    assert parse_params(yaml.safe_load(params_text(params))) == params


def test_parameters_never_hold_a_secret() -> None:
    chat = {"base_url": "https://somebody:hunter2@models.example:8443/v1", "model": "m"}
    with pytest.raises(ProblemsError, match="secrets belong into the environment"):
        tiny_params(rewrite={"chat": chat})


def test_every_topic_has_its_section_with_each_system(page: Page, paths: Paths, params: Params) -> None:
    benchmark = Benchmark(paths, params)
    assert {t.topic_id for t in benchmark.topics} <= set(page.attributes("id"))
    assert set(benchmark.subtopics) <= set(page.attributes("id"))
    for topic in benchmark.topics:
        assert topic.text in page.text
        assert topic.answer in page.text
    shots = sum("relevant" in (a.get("class") or "").split()[:1] for tag, a in page.elements if tag == "li")
    grades = {(s, i) for s, i, g in benchmark.qrels[["subtopic_id", "image_id", "grade"]].values if g > 0}
    tops = (run[run["rank"] <= params.report.top] for (track, _), run in benchmark.runs.items() if track == "fullrank")
    assert shots == sum((s, i) in grades for run in tops for s, i in run[["subtopic_id", "image_id"]].values)


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium (Debian: apt-get install chromium)")
@pytest.mark.parametrize(("query", "shown"), [("", 7), ("?q=satsuma", 3), ("?q=SATSUMA+look", 1), ("?q=nothing", 0)])
def test_the_filter_works_in_a_browser_without_complaints(paths: Paths, tmp_path: Path, query: str, shown: int) -> None:
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "--enable-logging=stderr", "--v=0",
        f"--user-data-dir={tmp_path / 'browser'}", paths.report.resolve().as_uri() + query,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    dom = Page(done.stdout)
    topics = [attrs for tag, attrs in dom.elements if tag == "details" and attrs.get("class") == "topic"]
    assert len(topics) == 7
    assert sum("hidden" not in attrs for attrs in topics) == shown
    assert f"{shown} of 7" in dom.text
    box = next(attrs for tag, attrs in dom.elements if attrs.get("id") == "filter")
    assert "hidden" not in box


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium (Debian: apt-get install chromium)")
def test_leaderboards_are_sorted_by_a_heading(paths: Paths, tmp_path: Path) -> None:
    def systems(query: str) -> list[str]:
        command = [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
            f"--user-data-dir={tmp_path / 'browser'}", paths.report.resolve().as_uri() + query,
        ]  # fmt: skip
        dom = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
        board = dom.partition('<table class="ranking">')[2].partition("</table>")[0]
        return re.findall(r'<th scope="row">([\w-]+)', board)

    best = systems("")
    assert systems("?sort=System") == sorted(best) != best
    seen = systems("?sort=seen")
    assert sorted(seen) == sorted(best)
    assert seen != best
