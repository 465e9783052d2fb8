"""What a model is told and shown so that it words a phrase anew."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from fieldguide.core.english import stem, words
from fieldguide.core.files import read_member
from fieldguide.corpus.store.pixels import open_image
from fieldguide.models.calls.chat import Prompt, Reply
from fieldguide.models.calls.pictures import small_png
from fieldguide.models.loading.protocols import Refused
from fieldguide.queries.wording.replies import one_line
from fieldguide.records.drawings import DRAWINGS
from fieldguide.records.topics import Subtopic

_LONGEST, _SHOWN = 300, 80
_SPEAKS = re.compile(r"(?:i|i'm|i am|sorry|as an|here is|here's|sure|certainly|of course)\b", re.IGNORECASE)
"""How a model begins that talks instead of describing."""
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
    """The description of a reply; a refusal where it holds none, more than that, or one that does not name the entity.

    What the model thinks aloud before it (`<think>`) and emphasis around it are passed over.
    """
    if isinstance(reply, Refused):
        return reply
    said = reply.text.rpartition("</think>")[2].strip().strip("*_` \t")
    if "<think>" in said or said.startswith(("{", "[", "`")) or len(said.splitlines()) > 1 or _SPEAKS.match(said):
        return Refused(f"is no description alone: {said[:_SHOWN]!r}")
    text = one_line(said, _LONGEST)
    if isinstance(text, Refused) or _stems(entity) in _stems(text):
        return text
    return Refused(f"does not name {entity!r}: {text[:_SHOWN]!r}")


def _stems(text: str) -> str:
    """Words as `stem` has them, each between spaces: a name in the plural is the name."""
    return f" {' '.join(map(stem, words(text)))} "


class TopicDrawings:
    """The topics' drawings of a table (records.DRAWINGS) by their prompt; each is read when it is asked for.

    Thousands of them at once would be gigabytes.
    """

    def __init__(self, table: Path, side: int) -> None:
        drawings = DRAWINGS.read(table)
        made = drawings[(drawings["status"] == "ok") & (drawings["purpose"] == "topic")].sort_values("index")
        self._folder, self._side = table.parent, side
        self._places: dict[str, list[tuple[str, int, int]]] = {}
        for text, shard, offset, size in made[["prompt", "shard", "offset", "size"]].itertuples(index=False, name=None):
            self._places.setdefault(text, []).append((Path(shard).name, int(offset), int(size)))

    def __contains__(self, phrase: str) -> bool:
        return phrase in self._places

    def pngs(self, phrase: str) -> list[bytes]:
        """PNG files of at most `side` pixels of a phrase's drawings, by index."""
        read = (read_member(self._folder / shard, offset, size) for shard, offset, size in self._places[phrase])
        return [small_png(open_image(data), self._side) for data in read]
