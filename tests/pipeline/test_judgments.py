"""People's judgments under DVC: nothing of them is lost, and a benchmark is rebuilt from them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldguide.annotation.judgments import log
from fieldguide.records.judgments import POOLS, QRELS
from tests.people import Site, judge, make_site, truth

pytestmark = pytest.mark.slow


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Sixty judgments of ada are in, adjudicated and committed."""
    site = make_site(tmp_path / "site", ("pool", "adjudicate", "rerank", "check", "evaluate", "report"))
    site.run("dvc", "repro", "pool")
    judge(site, "ada", truth(site), last=60)
    site.run("dvc", "repro", "adjudicate")
    site.git("add", "-A")
    site.git("commit", "-qm", "sixty judgments")
    yield site


def lines(site: Site) -> int:
    return len(log.read(site.paths.judgments).entries)


def pooled(site: Site) -> int:
    return len(POOLS.read(site.paths.pools))


def graded(site: Site) -> int:
    return len(QRELS.read(site.paths.qrels / "qrels.parquet"))


def test_new_lines_make_adjudicate_run_and_all_of_them_are_kept(site: Site) -> None:
    assert "Running stage" not in site.run("dvc", "repro", "adjudicate").stdout
    judge(site, "ada", truth(site))
    assert "Running stage 'adjudicate'" in site.run("dvc", "repro", "adjudicate").stdout
    assert lines(site) == graded(site) == pooled(site) > 60
    site.run("dvc", "repro", "--force", "--single-item", "adjudicate")
    assert lines(site) == pooled(site)


def test_no_cache_of_an_earlier_run_takes_the_place_of_a_newer_log(site: Site) -> None:
    """Back at parameters with which `adjudicate` ran before, DVC restores the pool and not the log."""
    judge(site, "ada", truth(site))
    judged = pooled(site)
    for depth in (4, 5):
        site.params("pool", depth=depth)
        site.run("dvc", "repro", "adjudicate")
        assert lines(site) == judged
    assert graded(site) == judged


def test_checkout_refuses_to_overwrite_lines_that_dvc_does_not_have(site: Site) -> None:
    judge(site, "ada", truth(site))
    refused = site.run("dvc", "checkout", check=False)
    assert refused.returncode != 0
    assert "data/judgments/log.jsonl" in refused.stderr
    assert lines(site) == pooled(site)


def test_an_older_commit_and_back_brings_each_its_own_log(site: Site) -> None:
    judge(site, "ada", truth(site))
    site.run("dvc", "repro", "adjudicate")
    site.git("commit", "-qam", "all judgments")
    for commit, count in (("HEAD~1", 60), ("-", pooled(site))):
        site.git("checkout", "-q", commit)
        site.run("dvc", "checkout", "data/judgments", "data/qrels")
        assert (lines(site), graded(site)) == (count, count)


def test_a_clone_rebuilds_the_benchmark_from_the_log_without_a_server(site: Site, tmp_path: Path) -> None:
    judge(site, "ada", truth(site))
    site.run("dvc", "repro")
    site.git("add", "-A")
    site.git("commit", "-qm", "done")
    clone = Site(tmp_path / "clone")
    subprocess.run(["git", "clone", "-q", str(site.folder), str(clone.folder)], check=True, capture_output=True)
    given = shutil.ignore_patterns("pools", "qrels", "judgments", "checks", "evaluation", "answers", "report", "rerank")
    shutil.copytree(site.folder / "data", clone.folder / "data", dirs_exist_ok=True, ignore=given)
    clone.run("dvc", "cache", "dir", "--local", str(site.folder / ".dvc" / "cache"))
    clone.run("dvc", "checkout", "data/judgments", "data/pools/pools.parquet")
    made = [clone.paths.qrels / "qrels.trec", clone.paths.report]
    assert not any(path.exists() for path in made)
    done = clone.run("fieldguide.cli.main", "build", LABEL_STUDIO_URL="http://127.0.0.1:9")
    assert "the log suffices; the server was not asked" in done.stdout
    for path in made:
        assert path.read_bytes() == (site.folder / path.relative_to(clone.folder)).read_bytes()
