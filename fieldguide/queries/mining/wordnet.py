"""What WordNet says about an entity: the right sense of its name, and the values that the gloss states."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from fieldguide.core.english import stem, stems
from fieldguide.core.errors import Problem, ProblemsError
from fieldguide.core.files import read_jsonl
from fieldguide.queries.knowledge.records import Entity, Feature
from fieldguide.records.topics import Refusal

SOURCE = "wordnet"
# What ends a run of adjectives, read from the noun to the left.
_BOUNDARY = frozenset({"a", "an", "the", "any", "of", "with", "having", "in", "from", "has", "that", "whose", "some"})
_ALTERNATIVES = frozenset({"or", "to", "and"})


@dataclass(frozen=True)
class Synset:
    """A line of glosses.jsonl: `hypernym_path` leads from the root to the synset, as `gull.n.02`."""

    synset: str
    lemmas: tuple[str, ...]
    gloss: str
    hypernym_path: tuple[str, ...]

    @property
    def heads(self) -> frozenset[str]:
        """Stems of the nouns by which the gloss may call the thing itself: the last word of each hypernym."""
        names = (name.partition(".")[0].replace("_", " ").replace("-", " ").split() for name in self.hypernym_path)
        return frozenset(stem(words[-1]) for words in names if words)


@dataclass(frozen=True)
class Stated:
    """A value that a gloss states."""

    feature: str
    part: str
    value: str
    evidence: str


def read_glosses(path: Path) -> list[Synset]:
    """Read glosses.jsonl.

    Raises:
        FieldguideError: no such file, or a line that is no JSON object.
        ProblemsError: lines whose fields are missing or of another type; all of them.
    """
    parse, synsets, problems = TypeAdapter(Synset).validate_python, [], []
    for number, row in read_jsonl(path):
        try:
            synsets.append(parse(row))
        except ValidationError as error:
            for item in error.errors():
                key = ".".join(str(part) for part in item["loc"])
                problems.append(Problem(f"{path}:{number}", f"`{key}`: {item['msg']}"))
    if problems:
        raise ProblemsError(f"{path} is not a valid file of glosses:", problems)
    return synsets


def by_lemma(synsets: Iterable[Synset]) -> dict[str, list[Synset]]:
    """Synsets by lemma in lower case, in the order of their ids."""
    found: dict[str, list[Synset]] = {}
    for synset in sorted(synsets, key=lambda s: s.synset):
        for lemma in dict.fromkeys(_lemma(text) for text in synset.lemmas):
            found.setdefault(lemma, []).append(synset)
    return found


def sense_of(entity: Entity, synsets: Mapping[str, list[Synset]]) -> Synset | Refusal | None:
    """The synset that means this entity; None if the entity names no lemma.

    Of those with its lemma it is the one whose hypernyms share most words with the entity's taxonomy and
    name, so that a crane is not taken for the machine.
    """
    if entity.wordnet is None:
        return None
    candidates = synsets.get(_lemma(entity.wordnet), [])
    if not candidates:
        detail = f"WordNet has no synset with lemma {entity.wordnet!r}"
        return Refusal(f"{entity.entity_id} wordnet", "no-synset", detail)
    known = set(stems(" ".join([*entity.taxonomy, entity.name, *entity.aliases])))
    shared = [len(known & synset.heads) for synset in candidates]
    best = candidates[shared.index(max(shared))]
    if not max(shared):
        glosses = "; ".join(f"{s.synset}: {s.gloss}" for s in candidates)
        return Refusal(f"{entity.entity_id} wordnet", "another-sense", f"no hypernym is in its taxonomy: {glosses}")
    return best


def stated_values(synset: Synset, features: Mapping[str, Feature]) -> Iterator[Stated | Refusal]:
    """The values that a gloss states in so many words; a Refusal where it leaves a choice (`yellow to orange`).

    Only adjectives that stand directly before a noun of features.yaml (`a green plumage`), or before a noun
    for the thing itself (`a greenish-yellow finch`), are read: `yellowish legs` is not about the plumage.
    """
    evidence = f"WordNet {synset.synset}: {synset.gloss}"
    for name, feature in features.items():
        if feature.part is None:
            continue  # an entry that says how the feature is said, and reads nothing off glosses
        nouns = {stem(noun) for noun in feature.said_of} | (synset.heads if feature.of_whole else frozenset())
        values = {stem(value) for value in feature.values}
        found = list(_adjectives(synset.gloss, nouns, values))
        if not found:
            continue
        texts = Counter(text for text, _ in found)
        if len(texts) > 1 or any(open_choice for _, open_choice in found):
            what = f"{name} = {' / '.join(texts)} ({SOURCE})"
            yield Refusal(what, "leaves-a-choice", evidence)
        else:
            yield Stated(name, feature.part, next(iter(texts)), evidence)


def _adjectives(gloss: str, nouns: set[str] | frozenset[str], values: set[str]) -> Iterator[tuple[str, bool]]:
    """(value, whether `or`, `to` or `and` stands beside it) of every value before one of the nouns."""
    for clause in re.split(r"[;,:.()]", gloss):
        tokens = clause.casefold().split()
        for end, token in enumerate(tokens):
            if stem(token) not in nouns:
                continue
            start = end
            while start and tokens[start - 1] not in _BOUNDARY and stem(tokens[start - 1]) not in nouns:
                start -= 1
            for place in range(start, end):
                pieces = [stem(piece) for piece in tokens[place].split("-") if piece]
                if pieces and all(piece in values for piece in pieces):
                    beside = {tokens[place - 1] if place > start else "", tokens[place + 1]}
                    yield tokens[place], bool(beside & _ALTERNATIVES)


def _lemma(text: str) -> str:
    return " ".join(text.replace("_", " ").casefold().split())
