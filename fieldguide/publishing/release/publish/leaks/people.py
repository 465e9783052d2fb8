"""Names of the people who judged, as a release tells them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fieldguide.annotation.judgments.labels import ASSESSOR
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import read_jsonl
from fieldguide.core.yaml_files import read_yaml
from fieldguide.records.plan import ANYBODY

LOG, PLAN, PARAMS = "judgments/log.jsonl", "judgments/plan.parquet", "params.yaml"
_NOBODY = {ASSESSOR, ANYBODY}
_PSEUDONYM = re.compile(
    r"(?:(?:adjudicator|annotator|assessor|expert|judge|person|rater|worker|[a-z])[-_]?\d+|[a-z]|adjudicator"
    r"|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)"
)


def is_pseudonym(name: str) -> bool:
    """Whether a name says nothing about who it is: `assessor-3`, `a7`, `second`."""
    return name in _NOBODY or _PSEUDONYM.fullmatch(name.lower()) is not None


def people_named(folder: Path) -> dict[str, str]:
    """Whom a release names, by what is no pseudonym, with the first place that does.

    Files that cannot be read name nobody here: verifying tells of them.
    """
    named: dict[str, str] = {}
    for reader in (_judged, _asked, _to_be_asked):
        try:
            for name, where in reader(folder):
                if name and not is_pseudonym(name):
                    named.setdefault(name, where)
        except (FieldguideError, pa.ArrowException, OSError, KeyError):
            continue
    return named


def _judged(folder: Path) -> Iterator[tuple[str, str]]:
    for number, line in read_jsonl(folder / LOG):
        yield str(line.get("assessor", "")), f"{LOG}:{number}"


def _asked(folder: Path) -> Iterator[tuple[str, str]]:
    if (folder / PLAN).exists():
        for name in pq.read_table(folder / PLAN, columns=["assessor"]).column(0).unique().to_pylist():
            yield str(name or ""), PLAN


def _to_be_asked(folder: Path) -> Iterator[tuple[str, str]]:
    """Where labels of the data set judge, whoever stands in `annotate` was asked nothing and says nothing."""
    params = read_yaml(folder / PARAMS)
    if not isinstance(params, dict) or _says(params, "adjudicate", "judge") != "log":
        return
    names = _says(params, "annotate", "assessors")
    for name in [*(names if isinstance(names, list) else []), _says(params, "annotate", "adjudicator")]:
        yield name if isinstance(name, str) else "", PARAMS


def _says(params: dict[str, object], section: str, key: str) -> object:
    values = params.get(section)
    return values.get(key) if isinstance(values, dict) else None
