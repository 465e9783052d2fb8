"""Images that nobody is asked about, since no browser can show them: unshowable.json, beside the judgments.

Of all other pairs without a judgment, one is still expected. The file tells that also to whoever rebuilds the
benchmark from its log, without a server. What is in it stays until somebody takes it out: the page may have been
judged with a blank in the image's place.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from fieldguide.annotation.judgments.votes import Pair
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import read_json, write_json
from fieldguide.records.plan import plan_rows

SCHEMA_VERSION = 1


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: int
    images: dict[str, str]


def read_excluded(path: Path) -> dict[str, str]:
    """Why an image cannot be shown, by image_id; empty where there is no such file.

    Raises:
        FieldguideError: it is not such a file.
    """
    if not path.exists():
        return {}
    try:
        document = _Document.model_validate(read_json(path))
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise FieldguideError(
            f"{path}: not a list of images that cannot be shown ({where}: {error.errors()[0]['msg']}); "
            "delete it, and the next push makes it anew"
        ) from None
    if document.schema_version != SCHEMA_VERSION:
        raise FieldguideError(f"{path}: schema version {document.schema_version}; this program reads {SCHEMA_VERSION}")
    return document.images


def write_excluded(path: Path, images: Mapping[str, str]) -> None:
    """Write the file, or remove it where every image can be shown."""
    if images:
        write_json(path, {"schema_version": SCHEMA_VERSION, "images": dict(images)})
    else:
        path.unlink(missing_ok=True)


def excluded_pairs(plan: pd.DataFrame, images: Mapping[str, str]) -> dict[Pair, str]:
    """Why nobody can be asked, for each pair of records.plan.PLAN with one of these images."""
    return {row.pair: images[row.image_id] for row in plan_rows(plan) if row.image_id in images}
