"""Texts with the one image that each means: captions (Karpathy's splits) and changes to an image (CIRR, FashionIQ).

Nothing but that image is judged, so every other one stays without a label. They are read and not written: another
format holds all that is judged. As their publications and repositories describe them:

- Karpathy and Fei-Fei, CVPR 2015 (`dataset_coco.json`, `dataset_flickr30k.json`): the captions of the split `test`.
- CIRR, arXiv 2108.04024 (`cap.rc2.val.json`): the other images of the set that the two were picked from are labelled 0,
  as its Recall_subset counts them; soft targets stay fields.
- FashionIQ, arXiv 1905.12794 (`cap.dress.val.json`): both captions make one text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fieldguide.core.errors import Problem, ProblemsError
from fieldguide.formats.collection import PublishedBenchmark
from fieldguide.formats.json import parsing
from fieldguide.formats.text import text
from fieldguide.formats.text.gathering import Gathering

KARPATHY, CIRR, FASHION_IQ = "karpathy", "cirr", "fashioniq"
POOL = "target"
_SPLIT = "test"
_IMAGES = re.compile(r'^\s*\{.*"images"\s*:\s*\[\s*\{', re.DOTALL)
_ELSEWHERE = {"split": ""}
"""Stands for each image of another split: of a file of 120,000 images 5,000 are kept."""

Corpus = dict[str, Mapping[str, Any]]


def is_karpathy(path: Path) -> bool:
    """Whether it begins as an object that lists images with their sentences; 150 MB are not parsed to tell."""
    head = "" if path.is_dir() else text.head(path)
    return '"sentences"' in head and _IMAGES.search(head) is not None


def is_cirr(found: Any) -> bool:
    """Whether it is a list of pairs."""
    return _is_list_with(found, "pairid", "reference", "caption")


def is_fashion_iq(found: Any) -> bool:
    """Whether it is a list of candidates with captions."""
    return _is_list_with(found, "candidate", "captions")


def _is_list_with(found: Any, *keys: str) -> bool:
    return isinstance(found, list) and bool(found) and isinstance(found[0], dict) and set(keys) <= set(found[0])


def read(name: str, path: Path) -> PublishedBenchmark:
    """Read a file of the form `name`.

    Raises:
        FieldguideError: no such file, no text.
        ProblemsError: no JSON, or entries that are not as the form has them; all of them.
    """
    content, about = text.without_mark(text.whole(path), path)
    found, corpus = Gathering(list(about)), Corpus()
    try:
        value = parsing.parse(content, _of_the_split if name == KARPATHY else parsing.Object)
    except ValueError as error:
        raise ProblemsError(f"{path} cannot be read:", [Problem(str(path), str(error))]) from None
    entries = value.get("images") if isinstance(value, dict) else value
    for number, entry in enumerate(entries if isinstance(entries, list) else [None], 1):
        where = f"{path} item {number}"
        try:
            _READERS[name](entry, number, where, found, corpus)
        except KeyError as error:
            found.problems.append(Problem(where, f"lacks {error}, which entries of {name} have"))
        except (AttributeError, TypeError):
            found.problems.append(Problem(where, f"is no entry of {name}: {parsing.brief(entry)}"))
    if found.problems:
        raise ProblemsError(f"{path} cannot be read:", found.problems)
    stem = path.name.removesuffix(".gz").removesuffix(".json")
    return PublishedBenchmark(stem, name, found.questions(), tuple(found.deviations), corpus=corpus, files=(path.name,))


def _of_the_split(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    """An object without what is not used: the words of a sentence, and all that lies in other splits."""
    made = dict(pairs)
    if "sentid" in made:
        made.pop("tokens", None)
    return _ELSEWHERE if "sentences" in made and made.get("split", _SPLIT) != _SPLIT else made


def _karpathy(entry: Any, _: int, where: str, found: Gathering, corpus: Corpus) -> None:
    if entry["split"] != _SPLIT:
        return
    image = "/".join(filter(None, (entry.get("filepath"), entry["filename"])))
    corpus[image] = {key: value for key, value in entry.items() if key not in ("sentences", "sentids")}
    for sentence in entry["sentences"]:
        topic = f"s{sentence['sentid']}"
        found.topic(topic, str(sentence["raw"]), where, {})
        found.label(topic, POOL, image, 1, where)


def _cirr(entry: Any, _: int, where: str, found: Gathering, corpus: Corpus) -> None:
    topic, target = str(entry["pairid"]), entry.get("target_hard")
    fields = {key: value for key, value in entry.items() if key not in ("pairid", "caption", "target_hard")}
    found.topic(topic, str(entry["caption"]), where, fields)
    members = [str(name) for name in entry.get("img_set", {}).get("members", ()) if name != entry["reference"]]
    corpus.update({name: {} for name in (str(entry["reference"]), *members)})
    if target is not None:  # of the split test it is not published
        for name in dict.fromkeys([*members, str(target)]):  # as they are published: the target is not first
            found.label(topic, POOL, name, int(name == target), where)


def _fashion_iq(entry: Any, number: int, where: str, found: Gathering, corpus: Corpus) -> None:
    topic, target = f"t{number:04d}", entry.get("target")
    words = [str(caption).strip() for caption in entry["captions"]]
    found.topic(topic, " and ".join(words), where, {"candidate": entry["candidate"], "captions": entry["captions"]})
    corpus[str(entry["candidate"])] = {}
    if target is not None:
        corpus[str(target)] = {}
        found.label(topic, POOL, str(target), 1, where)


_READERS: dict[str, Callable[[Any, int, str, Gathering, Corpus], None]] = {
    KARPATHY: _karpathy,
    CIRR: _cirr,
    FASHION_IQ: _fashion_iq,
}
