"""`fieldguide knowledge propose` and `doubts`: rows for a person to decide."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import atomic_open, read_text
from fieldguide.params import Params
from fieldguide.retrieval.naming import NamedPhotograph


def vocabulary(file: Path) -> dict[str, str]:
    """Names of one's own to choose from: a file's lines, without empty ones and those that begin with `#`."""
    lines = [line.strip() for line in read_text(file).splitlines()]
    return {line: line for line in lines if line and not line.startswith("#")}


def encoder_of(params: Params, name: str | None) -> str:
    """The encoder that is named, or the first in use that encodes texts.

    Raises:
        FieldguideError: none is in use.
    """
    from fieldguide.models.encoders.registry import ENCODERS

    able = [key for key in params.embed.encoders if ENCODERS.encodes(params.encoders[key].kind, "text")]
    if name is not None and name not in params.embed.encoders:
        raise FieldguideError(f"params.yaml: embed.encoders: no {name!r}; there are {', '.join(params.embed.encoders)}")
    if name is None and not able:
        raise FieldguideError("params.yaml: embed.encoders: none of them encodes texts")
    return name or able[0]


def write_proposals(path: Path, found: Iterable[NamedPhotograph]) -> int:
    """Write the photographs without a label as a manifest to be looked through; returns how many."""
    count = 0
    with atomic_open(path) as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["path", "entity", "score", "or", "source", "image_id"])
        for one in found:
            if one.entity is None:
                count += 1
                others = "; ".join(f"{n} {s:.3f}" for n, s in zip(one.names[1:], one.scores[1:], strict=True))
                table.writerow([one.path, one.names[0], f"{one.scores[0]:.3f}", others, one.source, one.image_id])
    return count


def worst_doubts(found: Iterable[NamedPhotograph], count: int) -> list[dict[str, object]]:
    """Labelled photographs that another name is nearer to, the most doubtful first."""
    import heapq

    doubtful = (one for one in found if one.doubt is not None and one.doubt > 0)
    worst = heapq.nlargest(count, doubtful, key=lambda one: (one.doubt or 0.0, one.image_id))
    return [
        {"image": one.image_id, "path": f"{one.source}: {one.path}", "label": one.entity, "nearest": one.names[0],
         "doubt": one.doubt}
        for one in worst
    ]  # fmt: skip
