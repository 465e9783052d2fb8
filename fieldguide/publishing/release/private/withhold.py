"""What stage `release` does where a part is private: seal it, and let the release be made of the rest."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.params import Params
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.release.private.draw import PrivatePart, draw, refuse_halves_that_are_empty
from fieldguide.publishing.release.private.leaks import leaks
from fieldguide.publishing.release.private.public import write_public
from fieldguide.publishing.release.private.sealed import SealedPart, read_salt, seal, write_sealed

HOW = "sha256 of the salt followed by the file: (printf %s SALT; cat FILE) | sha256sum"


@contextlib.contextmanager
def withholding(benchmark: Benchmark) -> Iterator[tuple[Benchmark, SealedPart]]:
    """Seal the private part, and give the public one as a benchmark that is there for as long as it is needed.

    The private folder is written first: a release that is committed to something is never without it.

    Raises:
        FieldguideError: nothing would be withheld or nothing published, or there is no salt.
    """
    paths = benchmark.paths
    sealed, part = sealed_of(benchmark)
    split = benchmark.params.release.private
    write_sealed(sealed, paths.private, split.salt_from if split else None)
    paths.state.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="public-", dir=paths.state) as folder:
        public = write_public(benchmark, part, Path(folder).resolve())
        yield Benchmark(public, benchmark.params), sealed


def sealed_of(benchmark: Benchmark) -> tuple[SealedPart, PrivatePart]:
    """What is withheld, and which part of the topics it is.

    Raises:
        FieldguideError: nothing would be withheld or nothing published, or there is no salt.
    """
    split = benchmark.params.release.private
    if split is None:
        raise FieldguideError("params.yaml: release.private is null; nothing is withheld")
    part = draw(split, benchmark.topics)
    refuse_halves_that_are_empty(part, sorted(set(benchmark.qrels["subtopic_id"]) & set(benchmark.subtopics)))
    return seal(benchmark, part, read_salt(split, benchmark.paths)), part


def stated(params: Params, sealed: SealedPart | None) -> dict[str, Any]:
    """What release.json says of the private part; nothing where there is none."""
    split = params.release.private
    if sealed is None or split is None:
        return {}
    topics = sorted({subtopic.rpartition(".")[0] for subtopic in sealed.subtopics})
    return {
        "private": {
            "by": split.by, "share": split.share, "seed": split.seed, "subtopics": sealed.subtopics, "topics": topics,
            "commitment": sealed.commitment, "check": HOW, "depth": sealed.depth, "tries": sealed.tries,
            "measures": sealed.measures,
        }
    }  # fmt: skip


def refuse_leaks(folder: Path, sealed: SealedPart) -> None:
    """Refuse a release that tells what is withheld.

    Raises:
        ProblemsError: every place that does.
    """
    problems = list(leaks(folder, sealed))
    if problems:
        raise ProblemsError("the release would tell what is private; it was not written:", problems)
