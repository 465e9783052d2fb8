"""The published JSON forms, as a table: which keys of a record hold what, and how the records lie in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_INATURALIST = {"": "iNaturalist 2021, train (its folder `train`)"}


@dataclass(frozen=True)
class JsonLayout:
    """One form.

    Attributes:
        name: of the format, on the command line.
        meaning: what lies where, in a line.
        roots: what images are named relative to.
        text: key of the question.
        answers: key of its answers; None where the form has none.
        names: key of the names of the entities, one a pool; None where the form has none.
        images: key of the labels by image.
        by_entity: the labels lie by entity and then by image, one pool an entity; else they are one pool.
        lines: one record a line; else the file is one list of records.
    """

    name: str
    meaning: str
    roots: Mapping[str, str]
    text: str = "question"
    answers: str | None = "answer"
    names: str | None = "sn"
    images: str = "images"
    by_entity: bool = False
    lines: bool = True


LAYOUTS = (
    # VisRet, arXiv 2505.20291, `visual-rag-me_final_v1.jsonl`; records have further fields, not all the same.
    JsonLayout("visual-rag-me", "JSON lines: question, answer, images by entity", _INATURALIST, by_entity=True),
    # arXiv 2502.16636, `v2_anno.jsonl`, as its repository documents it.
    JsonLayout("visual-rag", "JSON lines: question, answer, images", _INATURALIST),
    # VisRet, `inquire_rerank_hard_final.json`: queries of INQUIRE-Rerank (arXiv 2411.02537) with 100 images each.
    JsonLayout("inquire-rerank-hard", "a JSON list: query, images",
           {"": "iNaturalist 2024 as INQUIRE gives it (its folder `train`)"},
           text="query", answers=None, names=None, lines=False),
)  # fmt: skip
