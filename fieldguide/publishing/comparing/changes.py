"""What differs between two releases: topics, queries, labels, images, knowledge, parameters, runs, words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas as pd

from fieldguide.core.files import read_json, sha256_file
from fieldguide.publishing.comparing.state import ReleaseState
from fieldguide.publishing.release.layout import TABLES

T = TypeVar("T")
GROUPS = (
    "topics", "queries", "labels", "grades", "gallery", "pools", "systems", "runs", "answers", "judgments", "images",
    "knowledge", "parameters", "words", "files",
)  # fmt: skip
"""What a change is a change of, in the order in which they are told."""

FOLLOWING = ("runs", "answers")
"""Those that models and code make of the rest: they may have changed because something else did."""

_WORDS = ("name", "licence", "description")
_ABOUT_IMAGES = ("entity_id", "split", "source", "source_key", "licence", "attribution", "width", "height", "archive")


@dataclass(frozen=True)
class Change:
    """One thing that differs.

    Attributes:
        group: one of GROUPS.
        what: `added`, `removed` or `changed`.
        key: which one: an id, a pair of ids, a dotted key of params.yaml.
        old, new: as it was and as it is, in words; None where it was not there, or is not.
    """

    group: str
    what: str
    key: str
    old: str | None = None
    new: str | None = None

    def __str__(self) -> str:
        told = f": {self.old} -> {self.new}" if self.what == "changed" else ""
        return f"{self.group}: {self.key} {self.what}{told}"


@dataclass(frozen=True)
class Common:
    """What two releases both hold. What only one holds is told once, as a topic or an image, not as its labels too."""

    subtopics: frozenset[str]
    images: frozenset[str]

    @classmethod
    def of(cls, old: ReleaseState, new: ReleaseState) -> Common:
        """Of these two."""
        return cls(
            frozenset(old.queries) & frozenset(new.queries), frozenset(old.images.index) & frozenset(new.images.index)
        )

    def pairs(self, values: Mapping[tuple[str, str], T]) -> dict[tuple[str, str], T]:
        """Values of common subtopics and images."""
        return {key: value for key, value in values.items() if key[0] in self.subtopics and key[1] in self.images}

    def run(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of a run or of qrels that are about them, ids as text: two files have different categories."""
        rows = table[table["subtopic_id"].isin(self.subtopics) & table["image_id"].isin(self.images)]
        return rows.astype({"subtopic_id": str, "image_id": str}).reset_index(drop=True)


def changes(old: ReleaseState, new: ReleaseState) -> list[Change]:
    """Everything that differs, by GROUPS and then by key. Two releases of the same bytes have no changes.

    What the version is called is no change: `versions.verdict` judges it.
    """
    found = [change for one in _KINDS for change in one(old, new)]
    return sorted(found, key=lambda change: (GROUPS.index(change.group), change.key))


def _maps(group: str, states: Iterable[Mapping[Any, Any]]) -> Iterator[Change]:
    """Differences between two mappings, the old one and the new; keys that are tuples are told with blanks between."""
    old, new = states
    for key in [*old, *(key for key in new if key not in old)]:
        name = " ".join(map(str, key)) if isinstance(key, tuple) else str(key)
        if key not in new:
            yield Change(group, "removed", name, old=str(old[key]))
        elif key not in old:
            yield Change(group, "added", name, new=str(new[key]))
        elif old[key] != new[key]:
            yield Change(group, "changed", name, str(old[key]), str(new[key]))


def _topics(old: ReleaseState, new: ReleaseState) -> Iterator[Change]:
    def told(state: ReleaseState) -> dict[str, tuple[Any, ...]]:
        return {
            name: (t.kind, t.form, t.text, t.entities, t.feature, t.part, t.answer, sorted(t.values.items()))
            for name, t in state.topics.items()
        }

    for change in _maps("topics", (told(old), told(new))):
        fields = _fields(old.topics.get(change.key), new.topics.get(change.key))
        yield Change(change.group, change.what, change.key, *fields)


def _fields(one: Any, other: Any) -> tuple[str | None, str | None]:
    """The fields of two topics that differ, in words; of one that is alone its question."""
    if one is None or other is None:
        return (one and one.text, other and other.text)
    names = ("kind", "form", "text", "entities", "feature", "part", "answer", "values")
    differing = [name for name in names if getattr(one, name) != getattr(other, name)]
    first, second = ("; ".join(f"{name} {getattr(t, name)}" for name in differing) for t in (one, other))
    return first, second


def _queries(old: ReleaseState, new: ReleaseState) -> Iterator[Change]:
    common = [key for key in old.queries if key in new.queries]  # the rest are told as topics
    yield from _maps("queries", ({key: _query(state.queries[key]) for key in common} for state in (old, new)))


def _query(line: Mapping[str, Any]) -> str:
    metadata = line.get("metadata")
    phrase = metadata.get("phrase") if isinstance(metadata, dict) else None
    return f"{line.get('text')} [{phrase}]"


def _labels(old: ReleaseState, new: ReleaseState) -> Iterator[Change]:
    both = Common.of(old, new)
    yield from _maps("labels", (both.pairs(state.grades) for state in (old, new)))
    yield from _maps("grades", map(_grades, (old, new)))


def _grades(state: ReleaseState) -> dict[str, Any]:
    """What each grade means, and what grades rest on."""
    stated = read_json(state.folder / "qrels/grades.json")
    return (
        {key: stated[key] for key in stated if key.isdecimal() or key == "complete"} if isinstance(stated, dict) else {}
    )


def _images(old: ReleaseState, new: ReleaseState) -> Iterator[Change]:
    rows = [_image_rows(state.images) for state in (old, new)]
    for change in _maps("images", rows):
        one, other = (row.get(change.key) for row in rows)
        searched = any(row is not None and row["split"] == "gallery" for row in (one, other))
        moved = one is None or other is None or one["split"] != other["split"]
        differing = [name for name in _ABOUT_IMAGES if one and other and one[name] != other[name]]
        words = ("; ".join(f"{n} {row[n]}" for n in differing) if row and differing else None for row in (one, other))
        yield Change("gallery" if searched and moved else "images", change.what, change.key, *words)


def _image_rows(images: pd.DataFrame) -> dict[str, dict[str, Any]]:
    kept = images[list(_ABOUT_IMAGES)].astype(object).where(images[list(_ABOUT_IMAGES)].notna(), None)
    return dict(zip(images["image_id"], kept.to_dict("records"), strict=True))


def _pools(old: ReleaseState, new: ReleaseState) -> Iterator[Change]:
    """Pools as sets of images: which systems brought an image in changes no score."""
    both = Common.of(old, new)
    pools = [state.table("pools.parquet") for state in (old, new)]
    sets = (dict.fromkeys(zip(p["subtopic_id"], p["image_id"], strict=True), "pooled") for p in pools)
    yield from _maps("pools", map(both.pairs, sets))


def _systems(old: ReleaseState, new: ReleaseState) -> Iterator[Change]:
    """Systems that came, went or are set otherwise; and runs that rank otherwise."""
    told = [{name: system_settings(state, name) for name in state.systems} for state in (old, new)]
    for change in _maps("systems", told):
        one, other = (settings.get(change.key) for settings in told)
        if one is None or other is None:
            yield Change(change.group, change.what, change.key)
        else:
            keys = [f"{key}: {a} -> {b}" for key, a, b in differing_keys(one, other)]
            yield Change("systems", "changed", change.key, "as set before", "; ".join(keys))
    both = Common.of(old, new)
    for key, one_run in old.runs.items():
        if key in new.runs and (count := reranked(one_run, new.runs[key], both)):
            yield Change("runs", "changed", " ".join(key), "as ranked before", f"{count} queries ranked otherwise")


def reranked(one: pd.DataFrame, other: pd.DataFrame, both: Common) -> int:
    """How many common queries have the common images in another order, as far as both runs go."""
    runs = [both.run(run)[["subtopic_id", "image_id"]] for run in (one, other)]
    first, second = (run.assign(place=run.groupby("subtopic_id").cumcount()) for run in runs)
    rows = first.merge(second, on=["subtopic_id", "place"], suffixes=("", "_new"))
    otherwise = set(rows.loc[rows["image_id"] != rows["image_id_new"], "subtopic_id"])
    return len(otherwise | (set(first["subtopic_id"]) ^ set(second["subtopic_id"])))


def system_settings(state: ReleaseState, name: str) -> dict[str, Any]:
    """How a system is set: its section, and those of the encoders and generators that it names."""
    params = state.params
    section = params.system(name).model_dump(mode="json")
    named = set(_strings(section))
    settings = {"system": section}
    for kind in ("encoders", "generators"):
        sections: Mapping[str, Any] = getattr(params, kind)
        settings |= {f"{kind}.{key}": sections[key].model_dump(mode="json") for key in sorted(named & set(sections))}
    return settings


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, Sequence):
        for one in value:
            yield from _strings(one)


def _answers(old: ReleaseState, new: ReleaseState) -> Iterator[Change]:
    for group, name in (("answers", "answers.parquet"), ("judgments", "judgments/log.jsonl")):
        sums = [sha256_file(state.folder / name) for state in (old, new)]
        if sums[0] != sums[1]:
            yield Change(group, "changed", name, *(digest[:12] for digest in sums))


def _knowledge(old: ReleaseState, new: ReleaseState) -> Iterator[Change]:
    for name in ("entities.parquet", "attributes.parquet", "groups.parquet"):
        tables = [state.table(name) for state in (old, new)]
        told = [_by_key(table, TABLES[name].key) for table in tables]
        yield from _maps("knowledge", told)


def _by_key(table: pd.DataFrame, key: Sequence[str]) -> dict[tuple[str, ...], str]:
    """Rows in words by their key."""
    return {
        tuple(str(row[name]) for name in key): "; ".join(f"{n} {value}" for n, value in row.items() if n not in key)
        for row in table.to_dict("records")
    }


def _parameters(old: ReleaseState, new: ReleaseState) -> Iterator[Change]:
    """Those of the systems are told by system, those of the release as words."""
    values = [state.params.model_dump(mode="json", exclude={"families", "systems"}) for state in (old, new)]
    for section in values:
        section["release"] = {k: v for k, v in section["release"].items() if k not in {*_WORDS, "version"}}
    for key, one, other in differing_keys(values[0], values[1]):
        words = key.startswith(("release.", "report."))
        yield Change("words" if words else "parameters", "changed", key, one, other)


def differing_keys(one: Any, other: Any, key: str = "") -> Iterator[tuple[str, str, str]]:
    """Dotted keys at which two nested values differ, with both values in words."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in [*one, *(name for name in other if name not in one)]:
            inner = f"{key}.{name}" if key else str(name)
            yield from differing_keys(one.get(name, _ABSENT), other.get(name, _ABSENT), inner)
    elif one != other:
        yield key, str(one), str(other)


_ABSENT = "(not there)"


def _words(old: ReleaseState, new: ReleaseState) -> Iterator[Change]:
    yield from _maps("words", ({name: state.about.get(name) for name in _WORDS} for state in (old, new)))


def _files(old: ReleaseState, new: ReleaseState) -> Iterator[Change]:
    """Files that came or went, and those of which nothing above tells that they changed."""
    named = [
        {name: digest[:12] for name, digest in listed.items() if not name.startswith("runs/")}
        for listed in (old.sums, new.sums)
    ]
    only = {name for name in {*named[0], *named[1]} if name not in named[0] or name not in named[1]}
    words = {name for name in named[0] if name.startswith(_TOLD_NOWHERE)} | only
    yield from _maps("files", ({n: d for n, d in listed.items() if n in words} for listed in named))


_TOLD_NOWHERE = ("annotation/", "judgments/guidelines/", "calls/", "ERRATA", "vectors/", "drawings/")


_KINDS = (_topics, _queries, _labels, _images, _pools, _systems, _answers, _knowledge, _parameters, _words, _files)
