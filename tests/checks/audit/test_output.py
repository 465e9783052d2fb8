"""The report as text, JSON and HTML, and the command's exit status."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fieldguide.checks.audit.page import MOST_ROWS, render
from fieldguide.checks.audit.run import CHECKS, audit
from fieldguide.checks.audit.subject import AuditSubject
from fieldguide.cli.main import app
from tests.checks.audit.planted import record
from tests.checks.audit.synthetic import at, clean, pools, report
from tests.conftest import REPOSITORY

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> the the"


def write(folder: Path, *records: str) -> Path:
    path = folder / "made.jsonl"
    path.write_text("\n".join(records) + "\n", encoding="utf-8")
    return path


def invoke(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["audit", *arguments], catch_exceptions=False)
    return done.exit_code, done.output


def test_text_names_check_place_evidence_and_advice(tmp_path: Path) -> None:
    status, text = invoke(str(write(tmp_path, record(), record(question="Is it the the moth?"))))
    assert status == 0
    assert "note    Doubled words  [text.doubled-word, certain]" in text
    assert "        made.jsonl:2: question: 'the the'" in text
    assert "        -> Remove one of the two." in text
    assert "need --images, --prompts, --scores." in text
    assert str(tmp_path) not in text


@pytest.mark.parametrize(("fail_on", "status"), [("error", 1), ("note", 1), ("never", 0)])
def test_an_error_ends_with_status_1(fail_on: str, status: int, tmp_path: Path) -> None:
    path = write(tmp_path, record(), record())  # one question twice
    assert invoke(str(path), "--fail-on", fail_on)[0] == status


@pytest.mark.parametrize(("fail_on", "status"), [("error", 0), ("warning", 1)])
def test_warnings_end_with_status_1_where_asked(fail_on: str, status: int, tmp_path: Path) -> None:
    path = write(tmp_path, record(), record(question="Is it the moth?"))  # few topics
    assert invoke(str(path), "--fail-on", fail_on)[0] == status


def test_json_has_every_row(tmp_path: Path) -> None:
    status, text = invoke(str(write(tmp_path, record(), record())), "--json")
    found = {f["check"]: f for f in json.loads(text)["findings"]}
    assert status == 1
    assert found["structure.repeated-question"]["severity"] == "error"
    assert [row["where"] for row in found["structure.repeated-question"]["rows"]] == ["made.jsonl:1", "made.jsonl:2"]


def test_rows_are_capped_in_text_and_counted(tmp_path: Path) -> None:
    text = invoke(str(write(tmp_path, *[record()] * 9)), "--rows", "2")[1]
    assert "... and 7 more" in text


def test_control_characters_reach_no_terminal(tmp_path: Path) -> None:
    bad = "\x1b[31mred"
    hostile = [record(question=f"{bad} {n} {bad}?", **({bad: 1} if n else {})) for n in range(3)]
    text = invoke(str(write(tmp_path, *hostile)))[1]
    assert "[31mred` is missing" in text
    assert "\x1b" not in text


def test_scores_and_chance_are_printed(tmp_path: Path) -> None:
    scores = tmp_path / "scores.json"
    scores.write_text('{"CLIP": {"H@1": 0.1}}')
    text = invoke(str(write(tmp_path, record())), "--scores", str(scores), "--read-as", "H=hit")[1]
    assert re.search(r"CLIP\s+hit@1\s+0\.100\s+0\.100", text)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--images", "nowhere"), "nowhere: no such folder"),
        (("--prompts", "nowhere"), "nowhere: no such file"),
        (("--read-as", "N"), "N= is not NAME=MEASURE"),
    ],
)
def test_a_wrong_option_is_told(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    from fieldguide.core.errors import FieldguideError

    with pytest.raises(FieldguideError, match=says):
        invoke(str(write(tmp_path, record())), *arguments)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_html_shows_hostile_text_and_runs_none() -> None:
    page = render(report(at(replace(clean(topics=20), name=HOSTILE), 1, text=HOSTILE)))
    tags = _Tags()
    tags.feed(page)
    assert "script" not in tags.found
    assert "img" not in tags.found
    assert "onerror" not in tags.attributes
    assert "&lt;script&gt;alert(1)" in page
    assert "default-src 'none'" in page.replace("&#39;", "'")
    assert "http://" not in page
    assert "https://" not in page


def test_html_is_the_same_twice_and_caps_rows() -> None:
    many = pools(clean(), lambda _, p: replace(p, labels=dict.fromkeys(p.labels) | {"x": 1}))
    made = audit(AuditSubject(pools(many, lambda n, p: replace(p, labels={f"{n}/{i}": -1 for i in p.labels}))))
    page = render(made)
    assert page == render(made)
    rows = next(f.rows for f in made.findings if f.check == "labels.values")
    assert len(rows) > MOST_ROWS
    assert f"{len(rows) - MOST_ROWS:,} more are in the JSON report" in page


def test_the_manual_lists_every_check_with_what_it_proves_and_cannot() -> None:
    manual = (REPOSITORY / "docs" / "auditing.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([a-z]+\.[a-z-]+)` \| (.+) \| (.+) \|$", manual, re.MULTILINE)
    assert listed == [(c.name, c.proves, c.cannot) for _, c in sorted(CHECKS.items())]
