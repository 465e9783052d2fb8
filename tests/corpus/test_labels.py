"""From a source's labels to entities and splits."""

from __future__ import annotations

from pathlib import Path

from fieldguide.corpus.ingest.labels import Labels
from fieldguide.corpus.sources.candidates import SourceImage
from fieldguide.corpus.sources.section import ImageSource


def splits(keys: list[str], **more: object) -> dict[str, str]:
    labels = Labels(ImageSource.model_validate({"name": "s", "kind": "folder", "path": Path("s"), **more}))
    return {key: labels.resolve(SourceImage(key, key, b"", entity="gull"))[1] for key in keys}


def test_a_share_is_drawn_for_training_and_one_more_photograph_moves_no_other() -> None:
    keys = [f"gull/{n}.jpg" for n in range(2000)]
    drawn = splits(keys, train_share=0.3)
    assert 0.26 < list(drawn.values()).count("train") / len(keys) < 0.34
    assert splits(["gull/00.jpg", *keys], train_share=0.3).items() >= drawn.items()
    more = splits(keys, train_share=0.5)
    assert {key for key, split in drawn.items() if split == "train"} <= {k for k, s in more.items() if s == "train"}
    assert set(splits(keys).values()) == {"gallery"}


def test_a_split_of_its_own_is_kept() -> None:
    labels = Labels(ImageSource(name="s", kind="manifest", path=Path("s"), train_share=1.0))
    assert labels.resolve(SourceImage("a", "a", b"", split="gallery"))[1] == "gallery"
    assert labels.resolve(SourceImage("a", "a", b""))[1] == "train"
