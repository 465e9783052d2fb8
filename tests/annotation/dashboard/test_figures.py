"""The figures of the manager's page beside those counted from the files by loops and pandas alone."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fieldguide.annotation.dashboard.figures import DashboardFigures
from fieldguide.annotation.dashboard.pace import PersonPace, finished, paces
from fieldguide.annotation.dashboard.pictures import Thumbnails
from fieldguide.annotation.dashboard.writing import looking, write_dashboard
from fieldguide.annotation.progress.effort import Effort
from fieldguide.annotation.progress.hours import WorkDay
from tests.annotation.dashboard.days import TEXTS, Judged, busy
from tests.annotation.reference_alpha import reference_alpha

Row = dict[str, Any]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    return busy(tmp_path_factory.mktemp("busy"))


@pytest.fixture(scope="module")
def folder(judged: Judged) -> Path:
    return judged.paths.root / "figures"


@pytest.fixture(scope="module")
def found(judged: Judged, folder: Path) -> DashboardFigures:
    annotation = judged.annotation
    return write_dashboard(looking(annotation), annotation.benchmark, folder, Thumbnails(judged.paths))


@pytest.fixture(scope="module")
def lines(judged: Judged) -> list[Row]:
    """The log as text."""
    return [json.loads(line) for line in judged.paths.judgments.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def holding(lines: list[Row]) -> list[Row]:
    """The latest line of each person and task, in the order of the log."""
    latest = {(line["assessor"], line["task_key"]): line for line in lines}
    return sorted(latest.values(), key=lambda line: int(line["seq"]))


@pytest.fixture(scope="module")
def plan(judged: Judged) -> pd.DataFrame:
    return pd.read_parquet(judged.paths.asked)


def hours(lines: list[Row]) -> dict[tuple[str, str], tuple[float, int, int]]:
    """By person and day, as the manual tells it: hours, pages, images."""
    pages: dict[tuple[str, int, str], list[Row]] = defaultdict(list)
    for line in lines:
        pages[line["assessor"], line["source"]["annotation"], line["judged_at"]].append(line)
    whole: dict[tuple[str, int], float] = {}
    size: Counter[tuple[str, int]] = Counter()
    given = []
    for (who, number, at), page in sorted(pages.items(), key=lambda item: item[1][0]["seq"]):
        size[who, number] = max(size[who, number], len(page))
        total = page[0]["seconds"] * size[who, number]
        added = total - whole.get((who, number), 0.0)
        whole[who, number] = total
        given.append([who, datetime.fromisoformat(at), min(added, 120 * size[who, number], 600), len(page)])
    given.sort(key=lambda one: (one[0], one[1]))
    days: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for before, page in zip([None, *given], given, strict=False):
        if before is not None and before[0] == page[0]:
            gap = (page[1] - before[1]).total_seconds()
            page[2] = max(page[2], gap) if gap <= 60 else page[2]
        days[page[0], page[1].astimezone(UTC).date().isoformat()].append(page)
    return {
        key: (
            min(sum(p[2] for p in day), (day[-1][1] - day[0][1]).total_seconds() + day[0][2]) / 3600,
            len(day),
            sum(p[3] for p in day),
        )
        for key, day in days.items()
    }


def test_hours_are_those_of_the_log(found: DashboardFigures, lines: list[Row]) -> None:
    counted = hours(lines)
    assert {(d.person, d.day): (pytest.approx(d.hours), d.pages, d.images) for d in found.days} == counted
    assert len({day for _, day in counted}) >= 3 and {who for who, _ in counted} == {"ada", "ben", "cleo", "dora"}
    for pace in found.paces:
        own = [value for (who, _), value in counted.items() if who == pace.person]
        assert pace.hours == pytest.approx(sum(h for h, *_ in own)) and pace.hours < 2, "no night is in it"
        assert pace.an_hour == pytest.approx(sum(images for *_, images in own) / sum(h for h, *_ in own))


def test_done_and_left_are_those_of_plan_and_log(
    found: DashboardFigures, plan: pd.DataFrame, holding: list[Row]
) -> None:
    given = {(line["assessor"], line["task_key"]) for line in holding}
    plan = plan.assign(done=[key in given for key in zip(plan["assessor"], plan["task_key"], strict=True)])
    for person in found.progress.people:
        mine = plan[plan["assessor"] == person.name]
        assert person.work is not None
        assert (person.work.planned, person.work.done, person.work.left) == (
            len(mine), mine["done"].sum(), (~mine["done"]).sum(),
        )  # fmt: skip
    people = plan[plan["purpose"] != "adjudicate"]
    topics = people.assign(topic=people["subtopic_id"].str.rpartition(".")[0])
    counted = topics.groupby(["topic", "assessor"])["done"].agg(["sum", "size"])
    cells = {(t.topic_id, who): (w.done, w.planned) for t in found.progress.topics for who, w in t.cells.items()}
    assert cells == {key: tuple(row) for key, row in counted.iterrows()}
    assert (found.coverage.judged, found.coverage.asked) == (people["done"].sum(), len(people))


def votes(holding: list[Row]) -> dict[tuple[str, str], dict[str, Row]]:
    said: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)
    for line in holding:
        if line["role"] == "assessor" and line["pass"] == 1:
            said[line["subtopic_id"], line["image_id"]][line["assessor"]] = line
    return said


def test_gold_and_disputes_are_those_of_the_log(found: DashboardFigures, judged: Judged, holding: list[Row]) -> None:
    said = votes(holding)
    with (judged.paths.root / "annotation" / "gold.csv").open(newline="") as stream:
        gold = {(row["subtopic_id"], row["image_id"]): int(row["grade"]) for row in csv.DictReader(stream)}
    for person in found.progress.people:
        right = [
            by[person.name]["grade"] == gold[pair] for pair, by in said.items() if pair in gold and person.name in by
        ]
        assert (person.gold.count, person.gold.of) == (sum(right), len(right))
    assert sum(person.gold.of for person in found.progress.people) > 20
    ruled = {(line["subtopic_id"], line["image_id"]) for line in holding if line["role"] == "adjudicator"}
    differ = [
        pair
        for pair, by in said.items()
        if len({line["choice"] for line in by.values()}) > 1 or any(line["grade"] is None for line in by.values())
    ]
    assert sum(t.settled for t in found.disputes) == sum(pair in ruled for pair in differ) > 0
    assert sum(t.open for t in found.disputes) == sum(pair not in ruled for pair in differ) > 0


def test_agreement_over_time_is_that_of_the_parts(found: DashboardFigures, holding: list[Row]) -> None:
    graded = []
    for by in votes(holding).values():
        mine = {who: line for who, line in by.items() if line["grade"] is not None}
        if len(mine) > 1:
            graded.append((max(line["seq"] for line in mine.values()), {w: line["grade"] for w, line in mine.items()}))
    graded.sort(key=lambda one: one[0])
    assert sum(part.images for part in found.over_time) == len(graded)
    assert len(found.over_time) == min(10, len(graded) // 20) > 1
    start = 0
    for part in found.over_time:
        answers = [grades for _, grades in graded[start : start + part.images]]
        assert part.alpha.value == pytest.approx(reference_alpha(answers, "ordinal"))
        start += part.images
    ends = [datetime.fromisoformat(str(part.last)) for part in found.over_time]
    assert ends == sorted(ends)


def test_the_tables_read_back_equal(
    folder: Path, found: DashboardFigures, lines: list[Row], holding: list[Row]
) -> None:
    tables = {}
    for name in ("hours", "judgments", "questions"):
        with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as stream:
            tables[name] = list(csv.DictReader(stream))
    counted = hours(lines)
    assert [
        ((r["person"], r["day"]), (float(r["hours"]), int(r["pages"]), int(r["images"]))) for r in tables["hours"]
    ] == [(key, (pytest.approx(counted[key][0], abs=1e-4), *counted[key][1:])) for key in sorted(counted)]
    written = {"sighted": lambda value: str(int(value))}
    assert tables["judgments"] == [
        {name: "" if line[name] is None else written.get(name, str)(line[name]) for name in tables["judgments"][0]}
        for line in holding
    ]
    asked = [(r["number"], r["flag"], r["text"], r["reply"], r["faq"], r["reply_text"]) for r in tables["questions"]]
    assert asked == [
        ("1", "0", TEXTS[0], "4", "0", "No."),
        ("1", "0", TEXTS[0], "5", "1", "For everybody: no."),
        ("2", "0", TEXTS[1], "", "", ""),
        ("3", "1", TEXTS[2], "", "", ""),
    ]
    assert [(t.person, t.round, t.answered, t.right) for t in found.training] == [("ben", 1, 4, 2), ("ben", 2, 4, 4)]


def test_the_forecast_by_hand() -> None:
    """Two hours on two of four days are an hour a day; three hours left are three days more."""
    days = [WorkDay("ada", "2026-03-02", 2.0, 9, 80), WorkDay("ada", "2026-03-05", 2.0, 9, 80)]
    days += [WorkDay("ben", "2026-02-01", 5.0, 1, 1)]
    efforts = [Effort(name, 0, 0, 0, 0, 0.0, left) for name, left in (("ada", 3.0), ("ben", 1.0), ("dora", 0.0))]
    ada, ben, dora = paces(days, efforts, ["ada", "ben", "dora"])
    assert ada == PersonPace("ada", 4.0, 18, 160, 40.0, 3.0, 1.0, "2026-03-08")
    assert (ben.a_day, ben.done, dora.done, dora.an_hour) == (0.0, None, None, None)
    assert finished([ada, dora]) == "2026-03-08"
    assert finished([ada, ben]) is None, "ben has work left and does none"


def test_only_the_last_week_is_the_present_pace() -> None:
    last = date(2026, 3, 31)
    days = [WorkDay("ada", (last - timedelta(days=n)).isoformat(), 8.0 if n > 6 else 1.0, 1, 1) for n in range(20)]
    [ada] = paces(days, [Effort("ada", 0, 0, 0, 0, 0.0, 2.5)], ["ada"])
    assert (ada.a_day, ada.done) == (1.0, "2026-04-03")
