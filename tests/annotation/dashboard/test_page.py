"""The manager's page: in a browser, with nothing, with one person, with what others wrote, and where it is written."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fieldguide.annotation.correspondence import log as correspondence
from fieldguide.annotation.correspondence.threads import reply
from fieldguide.annotation.dashboard.pictures import Thumbnails
from fieldguide.annotation.dashboard.writing import ServedDashboard, looking, write_dashboard
from fieldguide.cli import annotate
from fieldguide.core.errors import FieldguideError
from tests.annotation.dashboard.days import START, WRONG, Judged, benchmark, busy, give

FILES = ["hours.csv", "index.html", "judgments.csv", "questions.csv"]


def written(judged: Judged, folder: Path) -> str:
    annotation = judged.annotation
    write_dashboard(looking(annotation), annotation.benchmark, folder, Thumbnails(judged.paths))
    assert sorted(path.name for path in folder.iterdir()) == FILES
    return (folder / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    """Cleo does not look."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(WRONG, "cleo", 0.9)
        yield busy(tmp_path_factory.mktemp("busy"))


@pytest.fixture(scope="module")
def page(judged: Judged) -> str:
    return written(judged, judged.paths.root / "figures")


def test_what_people_wrote_is_text(page: str) -> None:
    assert "<script" not in page
    assert "Is &lt;script&gt;alert(1)&lt;/script&gt; this one?" in page


def test_nothing_is_loaded_from_anywhere(page: str) -> None:
    assert set(re.findall(r'(?:src|href)="(?!data:image/webp;base64,)([^"]*)"', page)) == {
        "hours.csv", "judgments.csv", "questions.csv",
    }  # fmt: skip


def test_flags_have_the_images_behind_them(page: str) -> None:
    section = page[page.index('id="flags"') : page.index('id="hours"')]
    assert "cleo: gold failed" in section
    assert section.count('<img src="data:image/webp') == section.count("<small>gold: ") == 8


def test_the_same_files_give_the_same_bytes(judged: Judged, page: str, tmp_path: Path) -> None:
    written(judged, tmp_path / "again")
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (judged.paths.root / "figures" / name).read_bytes()


def test_with_nothing_judged_it_says_so(tmp_path: Path) -> None:
    judged = benchmark(tmp_path)
    html = written(judged, tmp_path / "figures")
    for words in (
        "The log is empty",
        "Nobody has worked yet",
        "Too few images",
        "Nothing stands out",
        "Nothing is open",
    ):
        assert words in html
    assert (tmp_path / "figures" / "hours.csv").read_text() == '"person","day","hours","pages","images"\n'
    judged.paths.asked.unlink()
    assert "Nobody is asked yet" in written(judged, tmp_path / "figures")


def test_one_person_alone(tmp_path: Path) -> None:
    judged = benchmark(tmp_path, assessors=["ada"], overlap=1, adjudicator=None)
    give(judged, ["ada"], 0.5)
    html = written(judged, tmp_path / "figures")
    assert "no image has answers by two assessors" in html and "Too few images are graded by two people" in html


def test_a_shared_project(tmp_path: Path) -> None:
    judged = benchmark(tmp_path, projects="shared", repeat_share=0.0)
    assert "anybody" in written(judged, tmp_path / "figures")


def test_without_the_corpus_there_are_no_pictures_and_the_rest_is(judged: Judged, tmp_path: Path) -> None:
    images = judged.paths.images
    kept = images.rename(tmp_path / "images.parquet")
    try:
        html = written(judged, tmp_path / "figures")
    finally:
        kept.rename(images)
    assert "no picture" in html and "<img" not in html and "cleo: gold failed" in html


def test_a_folder_with_something_else_is_refused_and_left(judged: Judged, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(FieldguideError, match="holds thesis"):
        written(judged, tmp_path)
    with pytest.raises(FieldguideError, match="is no folder"):
        written(judged, tmp_path / "thesis.tex")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_served_page_is_made_anew_where_something_changed(judged: Judged) -> None:
    annotation = judged.annotation
    moment = looking(annotation)()
    served = ServedDashboard(lambda: moment, annotation.benchmark, Thumbnails(judged.paths))
    first = served()
    assert served() is first and "hours.csv" not in first, "the tables are not served"
    reply(judged.paths.correspondence, 2, "Answered meanwhile.", faq=False, at=START.isoformat())
    moment = (moment[0], correspondence.read(judged.paths.correspondence))
    assert "Answered meanwhile." in served()


def test_the_command_writes_prints_and_goes_on(judged: Judged, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(annotate, "_annotation", lambda: judged.annotation)
    run = CliRunner().invoke
    done = run(annotate.app, ["dashboard", "--to", str(tmp_path / "a")])
    assert done.exit_code == 0 and re.search(r"290 of 410 judgments, 0\.\d hours so far, 0\.\d left", done.stdout)
    assert run(annotate.app, ["dashboard"]).exit_code == 0
    default = judged.paths.annotation_state / "dashboard"
    assert sorted(path.name for path in default.iterdir()) == FILES and default.stat().st_mode & 0o077 == 0
    told = run(annotate.app, ["dashboard", "--json"])
    assert '"an_hour"' in told.stdout and '"head"' in told.stdout
    both = run(annotate.app, ["dashboard", "--json", "--every", "9"])
    assert both.exit_code != 0 and isinstance(both.exception, FieldguideError)


def test_it_is_written_again_until_ctrl_c(judged: Judged, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom fieldguide.cli.views.dashboard import write_again_and_again\n"
        "from tests.annotation.dashboard.days import Judged\nfrom tests.annotation.planned_benchmark import params_of\n"
        "from fieldguide.core.paths import Paths\n"
        "judged = Judged(Paths(Path(sys.argv[1])), params_of('tiny', adjudicator='dora'))\n"
        "write_again_and_again(lambda: judged.annotation, Path(sys.argv[2]), 0.2)\n"
    )
    command = [sys.executable, "-c", code, str(judged.paths.root), str(tmp_path / "a")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        index = tmp_path / "a" / "index.html"
        seen: set[int] = set()
        end = time.monotonic() + 120
        while len(seen) < 3 and time.monotonic() < end:
            if index.exists():
                seen.add(index.stat().st_ino)
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert len(seen) >= 3 and process.returncode == 0
    assert said.count("judgments") == 1 and said.endswith("ended; the page stays as it is\n"), "no news, no words"


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_in_a_browser_nothing_is_amiss(chromium: Any, judged: Judged, page: str, width: int, scheme: str) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    shown, trouble = context.new_page(), []
    folder = (judged.paths.root / "figures").as_uri()
    shown.on("console", lambda message: trouble.append(message.text))
    shown.on("request", lambda request: request.url.startswith((folder, "data:")) or trouble.append(request.url))
    shown.goto(f"{folder}/index.html")
    shown.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    assert shown.evaluate(LOW_CONTRAST) == []
    regions = shown.evaluate(
        "[...document.querySelectorAll('section[aria-labelledby], [role=region]')].map(e => "
        "e.getAttribute('aria-label') ?? document.getElementById(e.getAttribute('aria-labelledby')).textContent)"
    )
    assert len(regions) == len(set(regions)) > 10, "regions have names that tell them apart"
    ids = shown.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    assert shown.evaluate("[...document.querySelectorAll('[aria-labelledby]')].every(e => "
                          "document.getElementById(e.getAttribute('aria-labelledby')))")  # fmt: skip
    assert trouble == []
    context.close()


# Texts whose colour has less than 4.5 : 1 to the page's (WCAG 2.2, 1.4.3), by the formula of relative luminance.
LOW_CONTRAST = """() => {
    const rgb = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
    const light = ([r, g, b]) => { const [x, y, z] = [r, g, b].map(v => v / 255).map(v =>
        v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * x + 0.7152 * y + 0.0722 * z; };
    const behind = el => { for (; el; el = el.parentElement) { const c = getComputedStyle(el).backgroundColor;
        if (!c.endsWith(", 0)")) return rgb(c); } return [255, 255, 255]; };
    const found = [];
    for (const el of document.querySelectorAll("body *")) {
        const own = [...el.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
        if (!own) continue;
        const style = getComputedStyle(el);
        const text = rgb(el.closest("svg") ? style.fill : style.color);
        const [a, b] = [light(text), light(behind(el))].sort((x, y) => y - x);
        if ((a + 0.05) / (b + 0.05) < 4.5) found.push(el.textContent.slice(0, 30));
    }
    return found; }"""
