"""What a step leaves in Prefect's pages beside its log; an untracked step leaves nothing."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

_SIDE, _ACROSS, _MOST = 96, 12, 96


def _tracked() -> bool:
    from prefect.context import FlowRunContext

    return FlowRunContext.get() is not None


def table(key: str, rows: Iterable[Mapping[str, Any]], description: str) -> None:
    """Rows as a table artifact; `key` in small letters with dashes."""
    if _tracked():
        from prefect.artifacts import create_table_artifact

        create_table_artifact([dict(row) for row in rows], key=key, description=description)


def link(key: str, path: Path, description: str) -> None:
    """A file on the machine that runs the step."""
    if _tracked():
        from prefect.artifacts import create_link_artifact

        create_link_artifact(path.resolve().as_uri(), link_text=path.name, key=key, description=description)


def contact_sheet(key: str, images: Iterable[Image.Image], description: str) -> None:
    """Up to 96 images, small, as one picture inside the artifact itself."""
    if _tracked():
        from prefect.artifacts import create_image_artifact

        create_image_artifact(_data_address(_sheet(images)), key=key, description=description)


def _sheet(images: Iterable[Image.Image]) -> Image.Image:
    small = [image.convert("RGB").resize((_SIDE, _SIDE)) for image, _ in zip(images, range(_MOST), strict=False)]
    down = max(1, -(-len(small) // _ACROSS))
    sheet = Image.new("RGB", (_SIDE * _ACROSS, _SIDE * down), "white")
    for number, image in enumerate(small):
        sheet.paste(image, (number % _ACROSS * _SIDE, number // _ACROSS * _SIDE))
    return sheet


def _data_address(image: Image.Image) -> str:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"
