"""A benchmark with nothing wrong, made from a seed, and ways to change one thing in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np

from fieldguide.checks.audit.reported import Reported
from fieldguide.checks.audit.run import AuditReport, audit
from fieldguide.checks.audit.subject import AuditSubject
from fieldguide.formats.collection import PublishedBenchmark, PublishedPool, PublishedQuestion

TOPICS = 200
_CONSONANTS, _VOWELS = "bdfglmnprstv", "aeiou"
_FEATURES = ("a darker wing", "a longer tail", "a rounder head", "a paler back", "broader stripes", "a smoother shell")
_KINDS = ("moth", "lily", "duck", "fern", "snake", "wrasse")


def name(rng: np.random.Generator, syllables: int) -> str:
    """A name that no dictionary holds."""
    return "".join(rng.choice(list(_CONSONANTS)) + rng.choice(list(_VOWELS)) for _ in range(syllables)) + "x"


def folder(number: int, binomial: str, family: str = "Familidae") -> str:
    """A folder as iNaturalist names it."""
    return f"{number:05d}_Animalia_Chordata_Classa_Ordera_{family}_{binomial.replace(' ', '_')}"


def clean(*, topics: int = TOPICS, mixed: bool = True, seed: int = 5) -> PublishedBenchmark:
    """Questions about two entities each, half of them yes or no, answers balanced.

    mixed: every pool holds images of a look-alike as well; without, each pool shows one entity (which is a finding).
    """
    rng = np.random.default_rng(seed)
    numbers = count(1)
    return PublishedBenchmark(
        "synthetic", "visual-rag-me", tuple(_question(rng, n, numbers, mixed) for n in range(1, topics + 1))
    )


def _question(rng: np.random.Generator, n: int, numbers: Any, mixed: bool) -> PublishedQuestion:
    genus = name(rng, 3).capitalize()
    names = [f"{genus} {name(rng, 4)}" for _ in range(2)]
    pools = tuple(_pool(rng, f"t{n:04d}", e, entity, numbers, mixed) for e, entity in enumerate(names, 1))
    kind, feature = _KINDS[n % len(_KINDS)], _FEATURES[n % len(_FEATURES)]
    one, other = (f"the {name(rng, 3)} {kind} (scientific name: {entity})" for entity in names)
    if n % 2:
        text = f"Do both {one} and {other} have {feature} than others?"
        answer = "Yes." if n % 4 == 1 else "No."
    else:
        first, last = (one, other) if n % 8 < 4 else (other, one)
        text = f"Which one has {feature}, {first} or {last}?"
        answer = f"T{(one if n % 4 else other)[1:]} has {feature}."
    fields = {"subset": n % 5, "y_count": [len(pool.relevant) for pool in pools], "sn": names}
    return PublishedQuestion(f"t{n:04d}", text, (answer,), pools, fields, f"synthetic.jsonl:{n}")


def _pool(rng: np.random.Generator, topic: str, e: int, entity: str, numbers: Any, mixed: bool) -> PublishedPool:
    folders = [folder(next(numbers), entity), folder(next(numbers), f"{entity.split(maxsplit=1)[0]} {name(rng, 4)}")]
    size, relevant = int(rng.integers(40, 80)), int(rng.integers(4, 15))
    images = [
        f"{folders[i % 4 == 0 and mixed]}/{rng.bytes(4).hex()}-{rng.bytes(2).hex()}-{rng.bytes(6).hex()}.jpg"
        for i in range(size)
    ]
    chosen = set(rng.choice([i for i in images if i.startswith(folders[0])], relevant, replace=False).tolist())
    order = rng.permutation(images).tolist()
    where = f"synthetic.jsonl:{int(topic[1:])} entity_{e}"
    return PublishedPool(f"{topic}.e{e}", f"entity_{e}", entity, {i: int(i in chosen) for i in order}, where)


def report(collection: PublishedBenchmark, **given: Any) -> AuditReport:
    """The audit of a collection."""
    return audit(AuditSubject(collection, **given))


def questions(
    collection: PublishedBenchmark, change: Callable[[int, PublishedQuestion], PublishedQuestion]
) -> PublishedBenchmark:
    """The collection with every question changed; its number is from 0."""
    return replace(collection, questions=tuple(change(n, q) for n, q in enumerate(collection.questions)))


def at(collection: PublishedBenchmark, number: int, **changes: Any) -> PublishedBenchmark:
    """The collection with one question changed."""
    return questions(collection, lambda n, q: replace(q, **changes) if n == number else q)


def fields(
    collection: PublishedBenchmark, change: Callable[[int, PublishedQuestion], Mapping[str, Any]]
) -> PublishedBenchmark:
    """The collection with fields added to every record."""
    return questions(collection, lambda n, q: replace(q, fields={**q.fields, **change(n, q)}))


def pools(collection: PublishedBenchmark, change: Callable[[int, PublishedPool], PublishedPool]) -> PublishedBenchmark:
    """The collection with every pool changed; its number counts through all questions, from 0."""
    numbers = count()
    return questions(collection, lambda _, q: replace(q, pools=tuple(change(next(numbers), p) for p in q.pools)))


def pool(collection: PublishedBenchmark, number: int, **changes: Any) -> PublishedBenchmark:
    """The collection with one pool changed."""
    return pools(collection, lambda n, p: replace(p, **changes) if n == number else p)


def with_relevant(labels: Mapping[str, int | None], number: int) -> dict[str, int | None]:
    """Labels with exactly so many positives, those that there are first."""
    kept = sorted(labels, key=lambda image: not labels[image])[:number]
    return {image: int(image in kept) for image in labels}


def scores(**by_measure: float) -> tuple[Reported, ...]:
    """Scores of one system; `hit_1` is hit@1."""
    return tuple(Reported("system", m.replace("_at_", "@"), v, "scores.json") for m, v in by_measure.items())
