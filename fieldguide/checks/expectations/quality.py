"""Photographs that are hard to see: dark, light, blurred, empty, of an odd shape or size; judged by cleanvision."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pandas as pd
from PIL import Image

from fieldguide.checks.expectations.looking import looked_at
from fieldguide.checks.expectations.suites import Suite, holds
from fieldguide.core.files import content_key
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track
from fieldguide.corpus.store.pixels import open_image
from fieldguide.corpus.store.shards import image_bytes

# cleanvision's issues but `grayscale`: a photograph in black and white shows its entity all the same.
ISSUES = {
    "dark": "the photograph is not too dark",
    "light": "the photograph is not too light",
    "blurry": "the photograph is not blurred",
    "low_information": "the photograph is not nearly empty",
    "odd_aspect_ratio": "the photograph is not a narrow strip",
    "odd_size": "the photograph is not far larger or smaller than the others of its source",
}
# Where most photographs have one size its quartiles coincide, and cleanvision calls every other size odd.
_FAR = 2.0


def photograph_suites(images: pd.DataFrame, paths: Paths, track: Track) -> Iterator[Suite]:
    """Warnings about photographs that are hard to see, by cleanvision's thresholds.

    Each photograph is decoded once; what was measured is remembered by the hash of its bytes.

    Args:
        images: records.IMAGES.
        paths: where shards and cache lie.
        track: shows how far the looking is.

    Raises:
        FieldguideError: a shard is missing or damaged; names the image.
    """
    if images.empty:
        return
    measured = _measured(images, paths, track)
    faults = pd.concat([_faults(measured.loc[some]) for some in images.groupby("source")["image_id"].agg(list)])
    marked = images[["image_id", "source", "source_key"]].join(~faults, on="image_id")
    expected = tuple(holds(issue, f"{words} (cleanvision)", "warning") for issue, words in ISSUES.items())
    yield Suite("images", marked, ("image_id", "source_key"), expected)


def _measured(images: pd.DataFrame, paths: Paths, track: Track) -> pd.DataFrame:
    """What cleanvision measures of each photograph: brightness, sharpness, entropy, shape and size, by image_id."""
    properties = _manager().image_properties
    # `light` and `dark` read the same measurements.
    measures = [properties[issue] for issue in ISSUES if issue != "light"]
    versions = {name: importlib.metadata.version(name) for name in ("cleanvision", "numpy", "pillow")}
    path = paths.cache / "quality" / f"{content_key(versions=versions, issues=sorted(ISSUES))}.jsonl"
    read, look = partial(image_bytes, paths), lambda data: _measure(measures, open_image(data))
    found = looked_at(images, read, look, path, track)
    return pd.DataFrame(found, index=images["image_id"])


def _measure(measures: Sequence[Any], image: Image.Image) -> dict[str, float]:
    return {name: float(value) for measure in measures for name, value in measure.calculate(image).items()}


def _faults(measured: pd.DataFrame) -> pd.DataFrame:
    """A column of truth values for each of ISSUES: whether cleanvision finds it. The photographs are of one source."""
    manager = _manager()
    manager.issues = pd.DataFrame(index=measured.index)
    manager.update_issues(measured, list(ISSUES))
    faults = pd.DataFrame({issue: manager.issues[f"is_{issue}_issue"].astype(bool) for issue in ISSUES})
    times = measured["size"] / measured["size"].median()
    faults["odd_size"] &= (times >= _FAR) | (times <= 1 / _FAR)
    return faults


def _manager() -> Any:
    from cleanvision.issue_managers.image_property_issue_manager import ImagePropertyIssueManager

    return ImagePropertyIssueManager()
