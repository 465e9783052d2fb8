"""A public release held against the private part: every place that tells a grade, a label, an answer or a secret.

It looks at what stands together: a row, a line, an object with those around it, a member of a tar, a few lines of
prose. It does not see pixels, nor what follows from several places taken together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from fieldguide.core.errors import FieldguideError, Problem
from fieldguide.publishing.release.private.cells import Cell, Together, together
from fieldguide.publishing.release.private.draw import APPEARANCE
from fieldguide.publishing.release.private.marks import ENTITY, IMAGE, PUBLIC, SUBTOPIC, TOPIC, Marks, words
from fieldguide.publishing.release.private.sealed import SealedPart

# Keys under which an entity is named; that a topic has it is told by its question.
_NAMING = frozenset(("entity", "entities", "entity_id", "name", "names", "aliases"))
# Keys of what was judged or measured, and measures.
_MEASURED = frozenset(("grade", "grades", "relevant", "judged", "judgments", "label", "labels", "measure", "qrels"))
_MEASURE = re.compile(
    r"(n?D?CG|P|R|AP|MAP|RR|MRR|Success|Recall|Precision|RBP|ERR|Judged|Bpref|infAP|Rprec)(@[0-9]+)?"
    r"|[A-Za-z_][\w()=.,]*@[0-9]+"
)
_AT_DEPTH = re.compile(r"[A-Za-z_)]@[0-9]+\b")
_DECIMAL = re.compile(r"(?<![\w.])[01]?\.[0-9]+")
_SHOWN = 10
"""Places of a file that are named."""
_FEW = 4
"""Words: an answer of fewer has to be all of a cell."""
_BESIDE_ANSWER = re.compile(r"\banswers?\b", re.IGNORECASE)
_PARTS = re.compile(r"[,;:=|\t]")


class LeakScan:
    """Looks through a release for what a sealed part holds."""

    def __init__(self, sealed: SealedPart) -> None:
        self.sealed, self.marks = sealed, Marks(sealed)
        self.answers = {t.topic_id: words(t.answer) for t in sealed.topics if words(t.answer)}
        self.values: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        for entity, feature, value in sealed.values:
            self.values.setdefault(entity, []).append((" ".join(words(feature)), words(value)))

    def problems(self, folder: Path) -> Iterator[Problem]:
        """Places of a release folder that tell what is private, in the order of its files, the first few of each."""
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            found = list(islice(self._file(path, path.relative_to(folder).as_posix()), _SHOWN + 1))
            yield from found[:_SHOWN]
            if len(found) > _SHOWN:
                yield Problem(str(path), f"tells more of the kind; its first {_SHOWN} places are named here")

    def _file(self, path: Path, name: str) -> Iterator[Problem]:
        told: set[str] = set()
        try:
            yield from self._bytes(path)
            for one in together(path, name, self.marks):
                for what in self._told(one):
                    if one.prose and what in told:  # a line is seen with those before it and those behind it
                        continue
                    told.add(what)
                    yield Problem(f"{path}{one.where.removeprefix(name)}", what)
        except FieldguideError as error:
            yield Problem(str(path), str(error).removeprefix(f"{path}: "))

    def _bytes(self, path: Path) -> Iterator[Problem]:
        """Secrets, wherever they stand in a file."""
        overlap, tail = max(map(len, self.marks.secrets)), b""
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                for secret, what in self.marks.secrets.items():
                    if secret.encode() in tail + block:
                        yield Problem(str(path), f"holds {what}")
                tail = block[-overlap:]

    def _told(self, one: Together) -> Iterator[str]:
        named: dict[str, set[str]] = {}
        for cell in one.cells:
            yield from (f"holds {what}" for secret, what in self.marks.secrets.items() if secret in cell.value)
            for mark in self.marks.of(cell.value):
                named.setdefault(mark.kind, set()).add(mark.name)
        if named.keys() & {SUBTOPIC, TOPIC, ENTITY}:
            yield from self._judged(named)
            yield from self._labelled(named)
            yield from self._answered(one, named)
            yield from self._valued(one, named)
            yield from self._measured(one, named)

    def _judged(self, named: dict[str, set[str]]) -> Iterator[str]:
        """A private subtopic, or a topic of which nothing public is named, beside an image."""
        images = sorted(named.get(IMAGE, ()))
        if not images:
            return
        subjects = sorted(named.get(SUBTOPIC, ())) or sorted(named.get(TOPIC, set()) - named.get(PUBLIC, set()))
        for subject in subjects:
            yield f"names {_few(images)} beside {subject}, of which everything about images is private"

    def _labelled(self, named: dict[str, set[str]]) -> Iterator[str]:
        """An image beside the private entity that is on it."""
        entities = named.get(ENTITY, ())
        for image in sorted(named.get(IMAGE, ())):
            if self.sealed.labels.get(image) in entities:
                yield f"names image {image} beside {self.sealed.labels[image]}, which is on it"

    def _answered(self, one: Together, named: dict[str, set[str]]) -> Iterator[str]:
        topics = named.get(TOPIC, set()) | {s.rpartition(".")[0] for s in named.get(SUBTOPIC, ())}
        for topic in sorted(topics & self.answers.keys()):
            if any(self._says(cell, self.answers[topic], one) for cell in one.cells):
                yield f"gives the answer of {topic}, which is private"

    def _says(self, cell: Cell, answer: tuple[str, ...], one: Together) -> bool:
        if one.prose:
            short = [words(part) for part in _PARTS.split(cell.value)]
            return _holds(words(cell.value), answer) and (
                len(answer) >= _FEW or answer in short or bool(_BESIDE_ANSWER.search(cell.value))
            )
        said = words(cell.value)
        return (said == answer and cell.key not in _NAMING) or (len(answer) >= _FEW and _holds(said, answer))

    def _valued(self, one: Together, named: dict[str, set[str]]) -> Iterator[str]:
        """A value of an entity that only private topics ask for."""
        entities = sorted(named.get(ENTITY, set()) & self.values.keys())
        if not entities:
            return
        said = [words(cell.value) for cell in one.cells]
        whole = {" ".join(cell) for cell in said} | {" ".join(words(cell.key)) for cell in one.cells}
        for entity in entities:
            for feature, value in self.values[entity]:
                long = len(value) >= _FEW and any(_holds(cell, value) for cell in said)
                known = feature in whole or feature == APPEARANCE
                if long or (not one.prose and known and " ".join(value) in whole):
                    yield f"gives the {feature} of {entity}, which is private"

    def _measured(self, one: Together, named: dict[str, set[str]]) -> Iterator[str]:
        """Something that was judged or measured of a private subtopic or topic."""
        subjects = sorted(named.get(SUBTOPIC, ())) or sorted(named.get(TOPIC, set()) - named.get(PUBLIC, set()))
        if not subjects:
            return
        if one.prose:
            lines = [c.value for c in one.cells if _AT_DEPTH.search(c.value) and _DECIMAL.search(c.value)]
            if any(mark.kind in (SUBTOPIC, TOPIC) for line in lines for mark in self.marks.of(line)):
                yield f"tells what was measured of {_few(subjects)}, which is private"
            return
        measures = [c for c in one.cells if c.key.casefold() in _MEASURED or _MEASURE.fullmatch(c.key or c.value)]
        if measures:
            yield f"tells {measures[0].key or measures[0].value} of {_few(subjects)}, which is private"


def leaks(folder: Path, sealed: SealedPart) -> Iterator[Problem]:
    """Every place of a release that tells what `sealed` withholds. What cannot be looked through is one too."""
    return LeakScan(sealed).problems(folder)


def _holds(said: tuple[str, ...], part: tuple[str, ...]) -> bool:
    return any(said[start : start + len(part)] == part for start in range(len(said) - len(part) + 1))


def _few(names: list[str]) -> str:
    return f"{names[0]} and {len(names) - 1} others" if len(names) > 1 else names[0]
