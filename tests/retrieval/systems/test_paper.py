"""Text, rewriting and VisRet as the paper describes them, written again in plain steps, give the same rankings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from fieldguide.core.files import read_member
from fieldguide.core.paths import Paths
from fieldguide.corpus.store.items import drawing_items, image_items, text_items
from fieldguide.corpus.store.shards import read_images
from fieldguide.models.encoders.registry import load_encoder
from fieldguide.models.loading.torchvision import declare_operators
from fieldguide.queries.visuals.drawing.drawings import read_drawings
from fieldguide.records.drawings import DRAWINGS
from fieldguide.records.images import IMAGES
from fieldguide.records.topics import read_phrases, read_topics
from fieldguide.retrieval.encoding.encode import encode
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.run import run_system
from tests import builders
from tests.models import tiny_encoders
from tests.retrieval.systems.worlds import section

CLIP = "clip"
Scores = dict[str, dict[str, float]]


class Paper:
    """VisRet's procedure (arXiv 2505.20291, section 3) on a folder of PNG files, with nothing of fieldguide's in it."""

    def __init__(self, model: Path, gallery: dict[str, Image.Image], drawings: dict[str, list[Image.Image]]) -> None:
        declare_operators()
        from transformers import AutoTokenizer, CLIPImageProcessor, CLIPModel

        self.model = CLIPModel.from_pretrained(model).eval()
        self.tokens, self.pixels = AutoTokenizer.from_pretrained(model), CLIPImageProcessor.from_pretrained(model)
        self.names = list(gallery)
        self.gallery = np.stack([self.image(photograph) for photograph in gallery.values()])
        self.drawings = drawings

    def image(self, image: Image.Image) -> npt.NDArray[np.float64]:
        import torch

        with torch.no_grad():
            found = self.model.get_image_features(**self.pixels(images=image, return_tensors="pt"))
        return self._unit(found)

    def text(self, text: str) -> npt.NDArray[np.float64]:
        import torch

        with torch.no_grad():
            found = self.model.get_text_features(
                **self.tokens(text, truncation=True, max_length=16, return_tensors="pt")
            )
        return self._unit(found)

    @staticmethod
    def _unit(found: Any) -> npt.NDArray[np.float64]:
        vector = found.pooler_output[0].double().numpy()
        return np.asarray(vector / np.linalg.norm(vector))

    def by_text(self, text: str) -> dict[str, float]:
        """Text-to-image retrieval: cosine similarity."""
        return dict(zip(self.names, (self.gallery @ self.text(text)).tolist(), strict=True))

    def by_drawings(self, prompt: str, images: int, fusion: str, c: float = 1.0) -> dict[str, float]:
        """Image-to-image retrieval by each drawing; ranks fused as 1 / (c + rank), or similarities averaged."""
        similar = np.stack([self.gallery @ self.image(drawing) for drawing in self.drawings[prompt][:images]])
        if fusion == "mean":
            fused = similar.mean(axis=0)
        else:
            fused = np.zeros(len(self.names))
            for row in similar:
                for rank, place in enumerate(np.argsort(-row), start=1):
                    fused[place] += 1 / (c + rank)
        return dict(zip(self.names, fused.tolist(), strict=True))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Paths, Paper]:
    """The same images and the same tiny CLIP, for the systems and for the procedure as written above."""
    root = tmp_path_factory.mktemp("paper")
    paths, model = builders.tiny_benchmark(root), tiny_encoders.clip(root / "model")
    encoder = load_encoder(CLIP, tiny_encoders.section(kind="clip", weights=model), root)
    topics, phrases = read_topics(paths.topics), read_phrases(paths.phrases)
    queries = [*text_items(topics, phrases), *drawing_items(DRAWINGS.read(paths.drawings), paths)]
    for items, folder in (
        (image_items(read_images(paths), paths), paths.embeddings(CLIP)),
        (queries, paths.queries(CLIP)),
    ):
        encode(items, encoder, folder, paths.cache / "embeddings", dtype="float32", batch=4)
    images = IMAGES.read(paths.images)
    gallery = {
        str(row.image_id): _png(read_member(paths.shards / str(row.shard), int(str(row.offset)), int(str(row.size))))
        for row in images[images["split"] == "gallery"].itertuples()
    }
    drawings: dict[str, list[Image.Image]] = {}
    for row, drawing in sorted(read_drawings(paths), key=lambda pair: (pair[0].prompt, pair[0].index)):
        drawings.setdefault(row.prompt, []).append(drawing)
    return paths, Paper(model, gallery, drawings)


def _png(data: bytes) -> Image.Image:
    import io

    return Image.open(io.BytesIO(data)).convert("RGB")


def _deviation(paths: Paths, wanted: Scores, **values: Any) -> float:
    """How far, at most, a system's scores are from those wanted; half of it, where its order goes against them."""
    found: Scores = {}
    for line in run_system("it", section(**values), SearchCollection(paths)):
        found.setdefault(line.subtopic_id, {})[line.image_id] = line.score
    assert found.keys() == wanted.keys()
    furthest = 0.0
    for subtopic, images in wanted.items():
        assert found[subtopic].keys() == images.keys()
        ranked = np.array([images[image] for image in found[subtopic]])
        assert len({round(score, 4) for score in ranked}) > 5, "scores that are all alike prove nothing"
        apart = np.abs(np.array(list(found[subtopic].values())) - ranked).max()
        furthest = max(furthest, float(apart), float(np.diff(ranked).max()) / 2)
    return furthest


@pytest.mark.parametrize("query", ["question", "phrase"])
def test_text_and_rewriting_are_the_papers(both: tuple[Paths, Paper], query: str) -> None:
    paths, paper = both
    collection = SearchCollection(paths)
    wanted = {
        s.subtopic_id: paper.by_text(s.topic.text if query == "question" else collection.phrases[s.subtopic_id])
        for s in collection.subtopics
    }
    assert _deviation(paths, wanted, kind="text", encoder=CLIP, query=query) <= 1e-5


@pytest.mark.parametrize(("images", "fusion", "c"), [(1, "rrf", 1), (2, "rrf", 1), (2, "rrf", 60), (2, "mean", 1)])
def test_visret_is_the_papers(both: tuple[Paths, Paper], images: int, fusion: str, c: float) -> None:
    paths, paper = both
    collection = SearchCollection(paths)
    wanted = {
        s.subtopic_id: paper.by_drawings(collection.phrases[s.subtopic_id], images, fusion, c)
        for s in collection.subtopics
    }
    assert _deviation(paths, wanted, kind="visret", encoder=CLIP, images=images, fusion=fusion, c=c) <= 1e-5


def test_the_papers_preset_is_three_drawings_with_reciprocal_ranks() -> None:
    preset = section(kind="visret", encoder=CLIP, preset="paper")
    assert (preset.images, preset.fusion, preset.c, preset.centre) == (3, "rrf", 1.0, "none")
    assert "the VisRet paper's setting" in preset.description
    with pytest.raises(ValueError, match=r"preset paper has images: 3, c: 1\.0; leave the preset out"):
        section(kind="visret", encoder=CLIP, preset="paper", images=2, c=2)
