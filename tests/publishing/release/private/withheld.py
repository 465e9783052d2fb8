"""A benchmark of which a part is private, and what is private of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.publishing.release.private.sealed import SealedPart
from tests.builders import tiny_params

SALT = "0123456789abcdef" * 4


def private_params(**split: Any) -> Params:
    return tiny_params(release={"private": {"share": 0.5, "seed": 0} | split})


def salted(paths: Paths, salt: str = SALT) -> None:
    paths.salt.parent.mkdir(exist_ok=True)
    paths.salt.write_text(f"{salt}\n")


def line(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as stream:
        stream.write(text)


class Known:
    """One of each thing that is private."""

    def __init__(self, sealed: SealedPart) -> None:
        pairs = sorted(pair for pair, grade in sealed.grades.items() if grade)
        self.subtopic, self.image = pairs[0]
        self.topic = self.subtopic.rpartition(".")[0]
        self.answer = next(topic.answer for topic in sealed.topics if topic.topic_id == self.topic)
        self.labelled, self.entity = sorted(sealed.labels.items())[0]
        self.name = sealed.entities[self.entity][0]
        self.owner, self.feature, self.value = sealed.values[0]
        self.text = sealed.texts["qrels.trec"]
