"""Labels: their values, whether they contradict each other, and what the file says of them against what it holds."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from fieldguide.checks.audit.finding import Observation, Place
from fieldguide.checks.audit.registry import check
from fieldguide.checks.audit.subject import AuditSubject, normalised
from fieldguide.core.english import counted
from fieldguide.core.grouping import grouped
from fieldguide.formats.collection import PublishedPool, PublishedQuestion

_MOST = 0.75
"""Share of records from which on a field that agrees with a count is taken to state it."""
_UNIQUE = re.compile(r"[0-9a-f-]{16,}\b", re.IGNORECASE)
_FEWEST = 3
"""Relevant images from which on it is no accident that they are all those of one entity."""
_LEAST = 4
"""Records that must agree, and with more than one value, before the others are taken to be wrong."""


@check(
    "labels.values",
    proves="A label value is negative, or hardly ever used, or labels are missing inside a pool.",
    cannot="What the value means; a negative label may be a junk class that the measure must know of.",
    advice="State what every label means; judge, or mark as not judged, what is left.",
)
def values(subject: AuditSubject) -> Iterator[Observation]:
    """Label values that few pools know, negative ones, and images without a label."""
    pools = subject.collection.pools
    users = grouped((value, pool) for pool in pools for value in set(pool.labels.values()) if value is not None)
    usual = {value for value, found in users.items() if len(found) > max(1, len(pools) // 20)}
    odd = {v: found for v, found in users.items() if v < 0 or (len(pools) >= 10 and v not in usual)}
    for value, found in sorted(odd.items()):
        rows = tuple(
            Place(pool.where, f"{image} is {value}")
            for pool in found
            for image, label in pool.labels.items()
            if label == value
        )
        others = ", ".join(map(str, sorted(usual - {value}))) or "none"
        evidence = f"{counted(len(rows), 'label')} in {len(found)} of {len(pools)} pools; usual values: {others}."
        yield Observation("warning", "certain", f"Label {value} is unusual here", evidence, rows)
    gaps = [(pool, sum(v is None for v in pool.labels.values())) for pool in pools]
    rows = tuple(Place(p.where, f"{n} of {len(p.labels)} images are not judged") for p, n in gaps if n)
    if rows:
        evidence = f"{sum(n for _, n in gaps):,} of {sum(len(p.labels) for p in pools):,} labels are missing."
        yield Observation("warning", "certain", "Pools hold images that nobody judged", evidence, rows)


@check(
    "labels.contradictory",
    proves="One image has two labels for one question and entity.",
    cannot="Which of the labels is right; the same picture under another file name (give images for that).",
    advice="Have the image judged again and keep one label.",
)
def contradictory(subject: AuditSubject) -> Iterator[Observation]:
    """Images whose labels differ for one question, or for one text and entity.

    The pools of one question may ask of one image two things, so that there only an image whose pools show the same
    entity contradicts itself. A question without a text is the same as none but itself.
    """
    seen: dict[tuple[str, str, str], list[tuple[str, str, int]]] = defaultdict(list)
    for question in subject.collection.questions:
        asked = normalised(question.text) or f"? {question.topic_id}"
        for pool in question.pools:
            entity = normalised(subject.name(pool) or pool.name)
            for image, label in pool.labels.items():
                if label is not None:
                    seen[(asked, entity, _identity(image))].append((pool.where, image, label))
    rows: list[Place] = []
    for places in seen.values():
        if len({label for *_, label in places}) > 1:
            rows.extend(Place(where, f"{image} is {label}") for where, image, label in places)
    if rows:
        evidence = f"{len(rows)} labels of images that have another label elsewhere for the same question."
        yield Observation("error", "certain", "One image, one question, two labels", evidence, tuple(rows))


def _identity(image: str) -> str:
    """What names an image: a file name that is a UUID or a hash by itself, else the whole path."""
    name = image.replace("\\", "/").rpartition("/")[2]
    return name if _UNIQUE.match(name) else image


@check(
    "labels.one-kind",
    proves="A pool has no relevant image, or one relevant label for all: every ranking of it scores the same.",
    cannot="Whether relevant images exist outside the pool.",
    advice="Leave the pool out of means, and say so, or judge more images.",
)
def one_kind(subject: AuditSubject) -> Iterator[Observation]:
    """Pools without a positive, and pools without a negative where others have one.

    A collection of positives alone says nothing of its other images; of them a note is made, and no more.
    """
    judged = [pool for pool in subject.collection.pools if any(v is not None for v in pool.labels.values())]
    none = [pool for pool in judged if not pool.relevant]
    same = [pool for pool in judged if pool.relevant and len(set(pool.labels.values())) == 1]
    if subject.positives_only:
        evidence = "What is not listed counts as not relevant, whether or not anybody looked at it."
        rows: tuple[Place, ...] = (Place(judged[0].where, "as in every other pool"),)
        yield Observation("note", "certain", "Only relevant images are listed", evidence, rows)
        same = []
    for title, found in (("No relevant image", none), ("Every image has one label, relevant,", same)):
        rows = tuple(Place(pool.where, counted(len(pool.labels), "image")) for pool in found)
        if rows:
            evidence = f"{len(rows)} of {len(judged)} pools."
            yield Observation("error", "certain", f"{title} in {counted(len(rows), 'pool')}", evidence, rows)


class _Count(NamedTuple):
    """Something that a field may state of a pool."""

    meaning: str
    rounding: float
    of: Callable[[int, int], float]


# Of (relevant images, all images); shares may be rounded to three digits after the point, percentages to one.
_COUNTS = (
    _Count("the number of relevant images", 1e-9, lambda relevant, _: relevant),
    _Count("the number of images", 1e-9, lambda _, images: images),
    _Count("the number of images that are not relevant", 1e-9, lambda relevant, images: images - relevant),
    _Count("the share of relevant images", 5.001e-4, lambda relevant, images: relevant / max(images, 1)),
    _Count("the percentage of relevant images", 0.05001, lambda relevant, images: 100 * relevant / max(images, 1)),
)


class _Stated(NamedTuple):
    """One number of a field beside what it should be: the place, the number, its pools."""

    question: PublishedQuestion
    value: float
    pools: tuple[PublishedPool, ...]


@check(
    "labels.stated-counts",
    proves="A field that gives a count or share of the labels in most records gives another number in some.",
    cannot="Whether the number or the labels were changed afterwards; fields that agree too seldom to be known.",
    advice="Find out which of the two is right, and compute the field from the labels.",
)
def stated_counts(subject: AuditSubject) -> Iterator[Observation]:
    """Numeric fields (or lists of numbers, one a pool) that equal a count in most records and not in all."""
    for name, stated in _numbers(subject).items():
        best = max(_COUNTS, key=lambda count: sum(_agrees(s, count) for s in stated))
        right = [s for s in stated if _agrees(s, best)]
        wrong = [s for s in stated if not _agrees(s, best)]
        known = len(right) >= max(_LEAST, _MOST * len(stated)) and len({s.value for s in right}) > 1
        if not (known and wrong):
            continue
        rows = tuple(
            Place(s.question.where, f"`{name}` says {s.value:g}, counted: {_expected(s, best):g}") for s in wrong
        )
        evidence = f"It is {best.meaning} in {len(right)} of {len(stated)} places, and not in {len(wrong)}."
        yield Observation("error", "likely", f"`{name}` does not agree with the labels", evidence, rows)


def _numbers(subject: AuditSubject) -> dict[str, list[_Stated]]:
    """Numbers by field; `name[]` for lists with one number a pool."""
    found: dict[str, list[_Stated]] = defaultdict(list)
    for question in subject.collection.questions:
        for name, value in question.fields.items():
            if _is_number(value):
                found[name].append(_Stated(question, float(value), question.pools))
            elif isinstance(value, list | tuple) and len(value) == len(question.pools):
                for item, pool in zip(value, question.pools, strict=True):
                    if _is_number(item):
                        found[f"{name}[]"].append(_Stated(question, float(item), (pool,)))
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _expected(stated: _Stated, count: _Count) -> float:
    return count.of(sum(len(pool.relevant) for pool in stated.pools), sum(len(pool.labels) for pool in stated.pools))


def _agrees(stated: _Stated, count: _Count) -> bool:
    return abs(stated.value - _expected(stated, count)) <= count.rounding


@check(
    "labels.stated-names",
    proves="A field that names a pool's entity in most records names another one in some, or the other pool's.",
    cannot="Whether the field or the images are wrong; synonyms of one species look so too.",
    advice="Put names and pools into one order, and take the name from one place.",
)
def stated_names(subject: AuditSubject) -> Iterator[Observation]:
    """Texts that name what a pool shows in most records and not in all; also the reader's own entity of a pool."""
    for name, places in _names(subject).items():
        wrong = [place for place in places if not place[3]]
        right = len(places) - len(wrong)
        if not wrong or right < max(_LEAST, _MOST * len(places)):
            continue
        rows = tuple(
            Place(where, f"{name} says {said!r}, the images are of {shown!r}") for where, said, shown, _ in wrong
        )
        evidence = f"It names what the images show in {right} of {len(places)} places."
        yield Observation("error", "likely", f"{name} does not name what the pool shows", evidence, rows)


def _names(subject: AuditSubject) -> dict[str, list[tuple[str, str, str, bool]]]:
    """By field: place, what is said, what the images show, whether the one is part of the other."""
    found: dict[str, list[tuple[str, str, str, bool]]] = defaultdict(list)
    for question in subject.collection.questions:
        shown = [subject.shown(pool) for pool in question.pools]
        for pool, entity in zip(question.pools, shown, strict=True):
            if pool.entity and entity:
                found["the pool's entity"].append((pool.where, pool.entity, entity, _same(pool.entity, entity)))
        for name, value in question.fields.items():
            items = value if isinstance(value, list | tuple) else [value]
            if len(items) == len(shown):
                slots = list(zip(items, shown, range(len(shown)), strict=True))
            elif isinstance(value, str):
                slots = [(value, entity, n) for n, entity in enumerate(shown)]
            else:
                continue
            for item, entity, n in slots:
                if isinstance(item, str) and item and entity:
                    key = f"`{name}`" + (f" {n + 1}" if len(shown) > 1 else "")
                    found[key].append((question.where, item, entity, _same(item, entity)))
    return found


def _same(said: str, shown: str) -> bool:
    """Whether a name is the shown one or its end, as `Cossus cossus` is of a folder's whole taxonomic path."""
    mine, theirs = normalised(said.replace("_", " ")), normalised(shown.replace("_", " "))
    return mine == theirs or theirs.endswith(f" {mine}")


@check(
    "labels.entity-decides",
    proves="A pool shows several entities, and its relevant images are just those of one: who can name it ranks the "
    "pool without a mistake, and the feature that the question asks for is not tested.",
    cannot="Whether the feature goes with the entity in nature, or the images were judged by their entity's name.",
    advice="Add images of the entity without the feature and of others with it, or say that the entity is asked for.",
)
def entity_decides(subject: AuditSubject) -> Iterator[Observation]:
    """Pools of several entities whose relevant images, three or more, are all those of one entity and no others."""
    rows: list[Place] = []
    rules: set[tuple[str, ...]] = set()
    several = [pool for pool in subject.collection.pools if len(subject.folders(pool)) > 1]
    for pool in several:
        found = {subject.folder(image) for image in pool.relevant}
        entity = next(iter(found)) if len(found) == 1 else None
        if entity and len(pool.relevant) >= _FEWEST and len(pool.relevant) == subject.folders(pool)[entity]:
            rows.append(Place(pool.where, f"all {len(pool.relevant)} images of {entity}, and no others"))
            rules.add(tuple(sorted(pool.relevant)))
    if rows:
        sets = counted(len(rules), "different set")
        evidence = f"{len(rows)} of {len(several)} pools of several entities; they have {sets} of relevant images."
        yield Observation("warning", "likely", "The entity alone tells what is relevant", evidence, tuple(rows))


@check(
    "labels.order",
    proves="Where an image stands in the file tells its label: a system that keeps the file's order, or breaks ties by "
    "it, scores above or below chance.",
    cannot="Whether any system does so.",
    advice="Shuffle the images with a published seed, or sort them by name.",
)
def order(subject: AuditSubject) -> Iterator[Observation]:
    """The file's order as a ranking: mean area under the ROC curve over pools, against chance (.5).

    Each pool's area has the variance (n + 1) / (12 p q) of the Mann-Whitney statistic under chance, p positives and q
    negatives of n images, so that the mean's z value needs no draws.
    """
    areas, variances, rows = [], [], []
    for pool in subject.collection.pools:
        area, variance = _area(list(pool.labels.values()))
        if variance:
            areas.append(area)
            variances.append(variance)
            rows.append(Place(pool.where, f"area {area:.2f}"))
    if not areas:
        return
    mean = sum(areas) / len(areas)
    z = (mean - 0.5) * len(areas) / sum(variances) ** 0.5
    if abs(z) > 4 and abs(mean - 0.5) > 0.05:
        way = "before" if mean > 0.5 else "behind"
        title = f"Relevant images stand {way} the others in the file"
        evidence = f"The file's order as a ranking has a mean area of {mean:.3f} (chance .5, z = {z:.1f})."
        yield Observation("warning", "likely", title, evidence, tuple(rows))


def _area(labels: list[int | None]) -> tuple[float, float]:
    """Share of (positive, negative) pairs in which the positive stands first, and its variance under chance."""
    judged = [label > 0 for label in labels if label is not None]
    positives = sum(judged)
    negatives = len(judged) - positives
    if not positives or not negatives:
        return 0.5, 0.0
    first, behind = 0, negatives
    for positive in judged:
        if positive:
            first += behind
        else:
            behind -= 1
    return first / (positives * negatives), (len(judged) + 1) / (12 * positives * negatives)
