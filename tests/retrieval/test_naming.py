"""Proposals and doubts by a tiny CLIP: what it says of photographs is noise, and what is made of it is not."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from fieldguide.cli.views.naming import encoder_of, vocabulary, worst_doubts, write_proposals
from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.corpus.store.items import image_items
from fieldguide.models.encoders.registry import load_encoder
from fieldguide.records.images import IMAGES
from fieldguide.retrieval.encoding.encode import encode
from fieldguide.retrieval.naming import NamedPhotograph, doubt, name_photographs, nearest
from tests import builders
from tests.models import tiny_encoders

NAMES = {
    "granny-smith": "Granny Smith apple",
    "red-delicious": "Red Delicious apple",
    "satsuma": "satsuma",
    "fig": "fig",
}


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> tuple[Paths, list[NamedPhotograph]]:
    root = tmp_path_factory.mktemp("naming")
    paths, model = builders.tiny_benchmark(root), tiny_encoders.clip(root / "model")
    section = tiny_encoders.section(kind="clip", weights=model)
    encoder = load_encoder("clip", section, root)
    items = image_items(IMAGES.read(paths.images), paths)
    encode(items, encoder, paths.embeddings("clip"), paths.cache / "embeddings", dtype="float32", batch=4)
    return paths, list(name_photographs(paths, "clip", section, NAMES))


def test_every_photograph_has_its_nearest_names(named: tuple[Paths, list[NamedPhotograph]]) -> None:
    paths, found = named
    images = IMAGES.read(paths.images).set_index("image_id")
    assert [one.image_id for one in found] == sorted(images.index)
    for one in found:
        assert one.scores == tuple(sorted(one.scores, reverse=True))
        assert len(set(one.names)) == 3
        assert (one.entity or None) == (images["entity_id"].fillna("")[one.image_id] or None)
        assert (one.doubt is None) == (one.entity not in NAMES)
        assert one.doubt is None or (one.doubt <= 0) == (one.names[0] == NAMES[str(one.entity)])


def test_proposals_are_of_photographs_without_a_label_alone(
    named: tuple[Paths, list[NamedPhotograph]], tmp_path: Path
) -> None:
    _, found = named
    bare = {one.path: one for one in found if one.entity is None}
    assert write_proposals(tmp_path / "p.csv", found) == len(bare) > 0
    with (tmp_path / "p.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["path"]: row["entity"] for row in rows} == {path: one.names[0] for path, one in bare.items()}


def test_the_worst_doubts_come_first() -> None:
    found = [
        NamedPhotograph(f"{n}", "shop", "a.jpg", "fig", ("pear",), (0.5,), value)
        for n, value in enumerate((0.1, None, -0.2, 0.4, 0.3))
    ]
    assert [row["doubt"] for row in worst_doubts(found, 2)] == [0.4, 0.3]


def test_nearest_and_doubt() -> None:
    scores = np.array([0.1, 0.5, 0.5, 0.3])
    assert nearest(scores, 3) == [1, 2, 3]
    assert doubt(scores, 3) == 0.2
    assert doubt(scores, 1) == 0.0
    assert doubt(scores, None) is None


def test_encoder_and_vocabulary_are_chosen(tmp_path: Path) -> None:
    params = builders.tiny_params()
    with pytest.raises(FieldguideError, match="no 'vgg'; there are"):
        encoder_of(params, "vgg")
    (tmp_path / "names.txt").write_text("# of Europe\nHerring gull\n\n Kiwi \n", encoding="utf-8")
    assert list(vocabulary(tmp_path / "names.txt")) == ["Herring gull", "Kiwi"]
