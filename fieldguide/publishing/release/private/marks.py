"""What private parts are known by in a text: ids of subtopics, topics and images, names of entities, secrets."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from fieldguide.core.files import sha256_bytes
from fieldguide.publishing.release.private.sealed import SealedPart

SUBTOPIC, TOPIC, ENTITY, IMAGE, PUBLIC = "subtopic", "topic", "entity", "image", "public subtopic"
# What stands between ids, then what an id may be glued to something else with: `t1.e2_0123.jpg`.
_TOKEN = re.compile(r"[^\s,;|/\\\"'`()\[\]{}<>=:*]+")
_GLUE = re.compile(r"[_+~@#-]")
_WORD = re.compile(r"\w+")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_NUMBER = re.compile(r"[-+]?[0-9]*\.?[0-9]+(e[-+]?[0-9]+)?", re.IGNORECASE)


class Mark(NamedTuple):
    """Something that a text names: one of the kinds above, and its id."""

    kind: str
    name: str


class Marks:
    """Looks up what a text names of a private part."""

    def __init__(self, sealed: SealedPart) -> None:
        self.ids: dict[str, Mark] = {i: Mark(IMAGE, i) for i in {*sealed.labels, *(i for _, i in sealed.grades)}}
        self.ids |= {topic.topic_id: Mark(TOPIC, topic.topic_id) for topic in sealed.topics}
        private = frozenset(sealed.subtopics)
        for topic in sealed.topics:
            for subtopic in (s.subtopic_id for s in topic.subtopics):
                hidden = subtopic in private
                self.ids[subtopic] = Mark(SUBTOPIC, subtopic) if hidden else Mark(PUBLIC, topic.topic_id)
        self._names: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        for entity, names in sorted(sealed.entities.items()):
            for name in {entity, *names}:
                said = words(name)
                for form in (said, ("".join(said),)):
                    if form and form[0]:
                        self._names[form[0]].append((form, entity))
        # The hash of a file without the salt lets anybody try out what the file may hold.
        self.secrets = {sealed.salt: "the salt"}
        self.secrets |= {sha256_bytes(text.encode()): f"the sha256 of {name}" for name, text in sealed.texts.items()}
        self.of = lru_cache(1 << 16)(self._of)

    def _of(self, text: str) -> frozenset[Mark]:
        """All that a text names."""
        return frozenset([*self._ids(text), *self._entities(text)])

    def subjects(self, text: str) -> bool:
        """Whether a text names what there is something to tell of: a subtopic, a topic, an entity."""
        return any(mark.kind in (SUBTOPIC, TOPIC, ENTITY) for mark in self.of(text))

    def may_name(self, tokens: set[str]) -> bool:
        """Whether any of the tokens (between white space) of a text may be a part of the name of a subject."""
        for token in tokens:
            found = self.ids.get(token)
            if found is None and _NUMBER.fullmatch(token):
                continue
            if found is not None and found.kind not in (IMAGE, PUBLIC):
                return True
            if found is None and (self.subjects(token) or not self._names.keys().isdisjoint(words(token))):
                return True
        return False

    def _ids(self, text: str) -> Iterator[Mark]:
        for token in _TOKEN.findall(text):
            for piece in (token, *_GLUE.split(token)):
                found = next((self.ids[form] for form in _forms(piece) if form in self.ids), None)
                if found is not None:
                    yield found

    def _entities(self, text: str) -> Iterator[Mark]:
        said = words(text)
        for place, word in enumerate(said):
            for name, entity in self._names.get(word, ()):
                if said[place : place + len(name)] == name:
                    yield Mark(ENTITY, entity)


@lru_cache(1 << 16)
def words(text: str) -> tuple[str, ...]:
    """Words of a text in small letters without accents: `Granny-Smith_3` is as `granny smith 3`."""
    plain = text.replace("_", " ")
    if not plain.isascii():
        plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    return tuple(_WORD.findall(plain.casefold()))


def _forms(token: str) -> Iterator[str]:
    """A token, and what it is without ends, the longest first: `t1.e2.jpg` is t1.e2, and not t1.

    An image_id is the beginning of the sha256 of the image, which names it as well.
    """
    yield token
    if _SHA256.fullmatch(token):
        yield token[:16].lower()
    elif not token.islower():
        yield token.lower()
    while "." in token:
        token = token.rpartition(".")[0]
        if token:
            yield token
