"""Clean collections of the peers' kinds raise no alarm: labels alone, positives alone, topics that nobody judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fieldguide.formats.reading import read
from tests.checks.audit.synthetic import report


def alarms(path: Path, form: str) -> list[str]:
    found = report(read(form, path)).findings
    return [f"{one.check}: {one.title}" for one in found if one.severity != "note"]


def graded(topics: int, grades: tuple[int, ...]) -> str:
    rng = np.random.default_rng(3)
    return "".join(
        f"{topic} 0 d{image:04} {rng.choice(grades)}\n"
        for topic in range(101, 101 + topics)
        for image in rng.permutation(60)
    )


@pytest.mark.parametrize(("topics", "grades"), [(43, (0, 1, 2, 3)), (300, (1,)), (200, (0, 1))])
def test_qrels_without_texts(tmp_path: Path, topics: int, grades: tuple[int, ...]) -> None:
    path = tmp_path / "qrels"
    path.write_text(graded(topics, grades))
    wanted = ["power.topics: Few topics: small differences cannot be seen"] if topics < 160 else []
    assert alarms(path, "trec") == wanted


def test_qrels_beside_more_topics_than_were_judged(tmp_path: Path) -> None:
    (tmp_path / "qrels.txt").write_text(graded(200, (0, 1)))
    texts = [f"what makes {chr(97 + n % 26)}{chr(97 + n // 26)}{n} grow" for n in range(600)]
    (tmp_path / "topics.tsv").write_text("".join(f"{101 + n}\t{text}\n" for n, text in enumerate(texts)))
    assert len(read("trec", tmp_path).questions) == 600
    assert alarms(tmp_path, "trec") == []


def test_beir_with_positives_only(tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    rows = "".join(f"q{n}\td{n}\t1\nq{n}\td{n + 1}\t1\n" for n in range(200))
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + rows)
    queries = [f'{{"_id": "q{n}", "text": "claim {n} on cells"}}\n' for n in range(200)]
    (tmp_path / "queries.jsonl").write_text("".join(queries))
    corpus = [f'{{"_id": "d{n}", "title": "", "text": ""}}\n' for n in range(300)]
    (tmp_path / "corpus.jsonl").write_text("".join(corpus))
    assert alarms(tmp_path, "beir") == []
