"""Pools: how large they are, where positives were cut off, what they can test, and how far they overlap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fieldguide.checks.audit.finding import Observation, Place, Severity
from fieldguide.checks.audit.registry import check
from fieldguide.checks.audit.subject import AuditSubject
from fieldguide.core.english import counted
from fieldguide.core.grouping import grouped
from fieldguide.formats.collection import PublishedPool

_SPIKE = 4
"""How many times as many pools as at any neighbouring value, and one more, make a maximum a cap."""
_NEAR = 0.75
"""Values from this share of the maximum are its neighbours: without a cap they are at least as frequent as it."""
_SMALL_CAP = 5
"""Below it many pools share a count without any cap."""
_FEW = 3
_SMALL_POOL = 30
_ALIKE = 0.8


class _Cap(NamedTuple):
    """A maximum that many pools have exactly, and how many lie just below it."""

    value: int
    at: int
    near: int


def _cap(values: Sequence[int]) -> _Cap | None:
    """The cap that the values seem to have been cut at.

    Values that were not cut fall off towards their maximum. A cap is a maximum of at least _SMALL_CAP that a tenth of
    all values have, and _SPIKE times as many as any one value from _NEAR of it on has (plus one).
    """
    if not values:
        return None
    top = max(values)
    at = sum(v == top for v in values)
    near = Counter(v for v in values if _NEAR * top <= v < top)
    highest = max(near.values(), default=0)
    capped = top >= _SMALL_CAP and at * 10 >= len(values) and at >= _SPIKE * (highest + 1)
    return _Cap(top, at, near.total()) if capped else None


@check(
    "pools.positive-cap",
    proves="Far more pools have exactly the largest number of positives than any number just below it: positives were "
    "cut off there. What lies beyond is missing from the pool, or is in it and called not relevant.",
    cannot="Which of the two it is (the sizes of the pools in the evidence say which is likelier).",
    advice="Keep every positive, or publish the rule and the images that were removed.",
)
def positive_cap(subject: AuditSubject) -> Iterator[Observation]:
    """Spikes at the maximum of positives a pool, over pools of one name (`entity_2`) and over all."""
    for name, pools in _by_name(subject).items():
        cap = _cap([len(pool.relevant) for pool in pools])
        if cap is None or cap.at == len(pools):
            continue
        capped = [pool for pool in pools if len(pool.relevant) == cap.value]
        below = [pool for pool in pools if len(pool.relevant) < cap.value]
        largest = max(len(pool.labels) for pool in subject.collection.pools)
        evidence = (
            f"{cap.at} of {len(pools)} pools{name} have exactly {cap.value} positives, {cap.near} have "
            f"{round(_NEAR * cap.value)} to {cap.value - 1}, none has more. {_sizes(capped, below, largest)}"
        )
        rows = tuple(Place(pool.where, f"{cap.value} of {len(pool.labels)} images relevant") for pool in capped)
        yield Observation(
            "warning",
            "likely",
            f"Positives are cut off at {cap.value} in pools{name}" if name else f"Positives are cut off at {cap.value}",
            evidence,
            rows,
        )


def _sizes(capped: list[PublishedPool], below: list[PublishedPool], largest: int) -> str:
    """Whether pools at the cap are smaller than the others: then positives were taken out, not only not judged."""
    smaller = sum(len(pool.labels) < largest for pool in capped)
    other = sum(len(pool.labels) < largest for pool in below)
    return (
        f"{smaller} of the {len(capped)} pools at the cap are smaller than the largest pool ({largest} images), "
        f"{other} of the {len(below)} others are."
    )


@check(
    "pools.size-cap",
    proves="Many pools have exactly the largest size: they were cut off there, or drawn to that size.",
    cannot="Whether relevant images were lost by it, and how the images were chosen.",
    advice="Say how the images of a pool were chosen; report measures that do not depend on the pool's size.",
)
def size_cap(subject: AuditSubject) -> Iterator[Observation]:
    """Spikes at the maximum of pool sizes."""
    pools = subject.collection.pools
    cap = _cap([len(pool.labels) for pool in pools])
    if cap is None:
        return
    rows = tuple(Place(p.where, f"{len(p.labels)} images") for p in pools if len(p.labels) == cap.value)
    evidence = f"{cap.at} of {len(pools)} pools have {cap.value} images, {cap.near} have "
    evidence += f"{round(_NEAR * cap.value)} to {cap.value - 1}."
    title = f"Pools hold {'exactly' if cap.at == len(pools) else 'at most'} {cap.value} images"
    yield Observation("note", "certain", title, evidence, rows)


@check(
    "pools.single-entity",
    proves="All images of a pool show one entity: ranking it tests the feature alone; telling the entity from its "
    "look-alikes is never tested.",
    cannot="Anything where neither the folders nor the collection say what an image shows.",
    advice="Add images of look-alikes to the pools, or rank the whole corpus as well.",
)
def single_entity(subject: AuditSubject) -> Iterator[Observation]:
    """Pools of one entity; a collection without any statement of what images show is not looked at."""
    pools = [pool for pool in subject.collection.pools if pool.labels]
    if len({folder for pool in pools for folder in subject.folders(pool)}) < 2:
        return
    single = [pool for pool in pools if subject.shown(pool)]
    if not single:
        return
    most = len(single) * 2 > len(pools)
    rows = tuple(Place(pool.where, f"{len(pool.labels)} images of {subject.name(pool)}") for pool in single)
    which = f"All {len(pools)}" if len(single) == len(pools) else f"{len(single)} of {len(pools)}"
    evidence = "Folder names say what an image shows; " if not subject.collection.entities else ""
    evidence += f"{len(single)} of {len(pools)} pools have one entity only."
    yield Observation("warning" if most else "note", "certain", f"{which} pools show one entity", evidence, rows)


@check(
    "pools.stray-image",
    proves="A pool holds a few images of another entity than all its others, while most pools are of one entity.",
    cannot="Whether the image or its name is wrong.",
    advice="Look at the images, and move or rename them.",
)
def stray_image(subject: AuditSubject) -> Iterator[Observation]:
    """Images (at most one in twenty of their pool) in another folder than the rest."""
    pools = [pool for pool in subject.collection.pools if pool.labels]
    if sum(subject.shown(pool) is not None for pool in pools) * 2 <= len(pools):
        return
    rows = []
    for pool in pools:
        folders = subject.folders(pool)
        common = max(folders, key=lambda name: (folders[name], name), default=None)
        if common and len(pool.labels) - folders[common] <= len(pool.labels) / 20:
            rows += [
                Place(pool.where, f"{image} among images of {common}")
                for image in pool.labels
                if subject.folder(image) != common
            ]
    if rows:
        evidence = f"{counted(len(rows), 'image')} in pools of another entity."
        yield Observation("error", "likely", "Images of another entity in a pool", evidence, tuple(rows))


@check(
    "pools.few-positives",
    proves=f"A pool has fewer than {_FEW} relevant images: one image decides its score.",
    cannot="Whether more relevant images exist and were not judged.",
    advice="Judge more images of these questions, or report how much of the mean's variance they bring.",
)
def few_positives(subject: AuditSubject) -> Iterator[Observation]:
    """Pools with one or two positives. Single ones are natural; a tenth of all is worth a warning.

    Where only relevant images are listed, one a question is the rule of such collections: a note.
    """
    pools = subject.collection.pools
    few = [pool for pool in pools if 0 < len(pool.relevant) < _FEW]
    if not few:
        return
    counts = Counter(len(pool.relevant) for pool in few)
    evidence = ", ".join(f"{n} with {counted(k, 'positive')}" for k, n in sorted(counts.items()))
    rows = tuple(Place(pool.where, f"{len(pool.relevant)} of {len(pool.labels)} images relevant") for pool in few)
    many = len(few) * 10 >= len(pools) and not subject.positives_only
    severity: Severity = "warning" if many else "note"
    title = f"{len(few)} of {counted(len(pools), 'pool')} have fewer than {_FEW} positives"
    yield Observation(severity, "certain", title, f"{evidence}.", rows)


@check(
    "pools.small",
    proves=f"A pool has fewer than {_SMALL_POOL} images: measures cut at {_SMALL_POOL} see all of it.",
    cannot="Whether any such measure is used.",
    advice="Cut measures well below the pool's size, and give the chance level beside each.",
)
def small(subject: AuditSubject) -> Iterator[Observation]:
    """Pools below _SMALL_POOL images; where only relevant ones are listed, the pool is not what is ranked."""
    pools = () if subject.positives_only else subject.collection.pools
    rows = tuple(Place(p.where, counted(len(p.labels), "image")) for p in pools if 0 < len(p.labels) < _SMALL_POOL)
    if rows:
        title = f"{counted(len(rows), 'pool')} of fewer than {_SMALL_POOL} images"
        yield Observation("warning", "certain", title, f"{len(rows)} of {len(pools)} pools.", rows)


@check(
    "pools.near-identical",
    proves="Two pools hold nearly the same images: their scores rise and fall together, so that they are fewer than "
    "two observations; inside one question the two entities are not told apart.",
    cannot="How strongly the scores depend on each other.",
    advice="Draw both together when intervals and p-values are computed (clusters), or give them pools of their own.",
)
def near_identical(subject: AuditSubject) -> Iterator[Observation]:
    """Pairs of pools whose images overlap by _ALIKE or more (Jaccard), found through the images they share."""
    pools = subject.collection.pools
    holders = grouped((image, number) for number, pool in enumerate(pools) for image in pool.labels)
    shared: Counter[tuple[int, int]] = Counter()
    for numbers in holders.values():
        shared.update((a, b) for n, a in enumerate(numbers) for b in numbers[n + 1 :])
    inside: list[Place] = []
    across: list[Place] = []
    for (a, b), both in sorted(shared.items()):
        one, other = pools[a], pools[b]
        union = len(one.labels) + len(other.labels) - both
        if both >= _ALIKE * union:
            same = one.subtopic_id.rpartition(".")[0] == other.subtopic_id.rpartition(".")[0]
            shows = f"shares {both} of {union} images with {other.where}"
            (inside if same else across).append(Place(one.where, shows))
    if inside:
        evidence = f"{counted(len(inside), 'pair')} of pools inside one question."
        yield Observation("error", "certain", "Both pools of a question hold the same images", evidence, tuple(inside))
    if across:
        evidence = f"{counted(len(across), 'pair')} of pools of different questions."
        yield Observation("note", "certain", "Questions share a pool", evidence, tuple(across))


def _by_name(subject: AuditSubject) -> dict[str, list[PublishedPool]]:
    """Pools by the words to add after `pools`: by their number where questions have several, else all."""
    groups = grouped(
        (f" named {pool.name}" if len(question.pools) > 1 else "", pool)
        for question in subject.collection.questions
        for pool in question.pools
    )
    if len(groups) > 1 and _cap([len(pool.relevant) for pool in subject.collection.pools]):
        groups.setdefault("", list(subject.collection.pools))
    return groups
