"""What a model is told and shown so that it words a phrase anew."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from fieldguide.core.english import names
from fieldguide.core.files import read_member
from fieldguide.corpus.store.pixels import open_image
from fieldguide.models.calls.chat import Prompt, Reply
from fieldguide.models.calls.pictures import small_png
from fieldguide.models.loading.protocols import Refused
from fieldguide.queries.wording.replies import one_line
from fieldguide.records.drawings import DRAWINGS
from fieldguide.records.topics import Subtopic

_LONGEST = 300
SYSTEM = """\
You help a search for photographs that works by drawing: a text-to-image model draws a description, and the photographs
that are most like its drawings are found. You are given the question that the photographs are to answer, and the
description, then its drawings, then the photographs that they found, the most alike first.
Word the description anew, so that its drawing will look more like the photographs that answer the question: say what
the drawings lack or show wrongly, and name the thing exactly as the description does. Do not guess the answer.
Reply with the description alone: one line of at most 40 words. If the drawings need no change, repeat it as it is.
"""


def prompt(subtopic: Subtopic, phrase: str, drawings: Sequence[bytes], found: Sequence[bytes]) -> Prompt:
    """What the model is asked about a subtopic.

    Args:
        drawings: PNG files of the phrase's drawings.
        found: PNG files of the photographs that these found, the most similar first.
    """
    asked = json.dumps({"question": subtopic.topic.text, "description": phrase}, ensure_ascii=False)
    parts: list[str | bytes] = [asked, "Drawings:", *drawings]
    if found:
        parts += ["Photographs that they found:", *found]
    return Prompt(SYSTEM, "", parts=tuple(parts))


def worded(reply: Reply | Refused, entity: str) -> str | Refused:
    """The description of a reply; a refusal where it holds none, or one that does not name the entity."""
    text = one_line(reply.text if isinstance(reply, Reply) else reply, _LONGEST)
    return Refused(f"{text!r} does not name {entity!r}") if isinstance(text, str) and not names(text, entity) else text


def drawn_pngs(table: Path, side: int) -> Mapping[str, list[bytes]]:
    """The topics' drawings of a table (records.DRAWINGS) as PNG files of at most `side` pixels, by prompt and index."""
    drawings = DRAWINGS.read(table)
    made = drawings[(drawings["status"] == "ok") & (drawings["purpose"] == "topic")].sort_values(["prompt", "index"])
    found: dict[str, list[bytes]] = {}
    for text, shard, offset, size in made[["prompt", "shard", "offset", "size"]].itertuples(index=False, name=None):
        image = open_image(read_member(table.parent / Path(shard).name, int(offset), int(size)))
        found.setdefault(text, []).append(small_png(image, side))
    return found
