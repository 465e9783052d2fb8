"""sources.json: of every source how it is got, under which licence, and what its keys mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import Field, ValidationError

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.files import read_json
from fieldguide.core.section import Section, problems_of
from fieldguide.corpus.sources.patterns import is_tar
from fieldguide.corpus.sources.section import ImageSource, SourceColumns, SourceKind
from fieldguide.params import read_params
from fieldguide.publishing.release.section import SourceAccess

FILE = "sources.json"
VERSION = 1
_KEYS: dict[SourceKind, str] = {
    "folder": "the file's path inside the folder",
    "coco": "the file's path as the JSON names it, or what the key says that params.yaml names",
    "inaturalist": "the photograph's number at iNaturalist, its photo_id",
    "webdataset": "the sample's name inside the tar, after the tar's own where there are many, or what its .json says",
}


class LicensedImages(Section):
    """Images of one source that have one licence.

    Attributes:
        licence: null: none is stated, and none of these images is in the release.
        attribution: whom to name, in words; where they differ, how many there are, for images.parquet has each.
        example: the least source_key.
    """

    licence: str | None
    images: int
    in_release: int
    attribution: str
    example: str


class ReleasedSource(Section):
    """One source as others need it.

    Attributes:
        kind: as in ingest.sources; null: params.yaml does not describe it.
        file: what the file or folder was called, without the folders that it lay in.
        columns: of a table.
        source_key: what that column of images.parquet means.
        access: how it is got; null: not stated.
    """

    kind: SourceKind | None
    file: Annotated[str, Field(pattern=r"^[^/\\]+$")] | None
    columns: SourceColumns
    source_key: str
    licences: list[LicensedImages]
    access: SourceAccess | None

    @property
    def how(self) -> str:
        """How it is got, in words."""
        if self.access is None:
            return "how to get it is not stated"
        return access_words(self.access)

    @property
    def images(self) -> int:
        """Of all licences."""
        return sum(part.images for part in self.licences)


def access_words(access: SourceAccess) -> str:
    """How it is got, in words."""
    inside = f", {access.member} inside it" if access.member else ""
    if access.folder is not None:
        return f"by hand: {access.folder}{inside}"
    if access.package is not None:
        return f"Python package {access.package} {access.version}{inside}"
    return f"{access.url}{inside}"


def described(
    sources: Sequence[ImageSource], access: Mapping[str, SourceAccess], images: pd.DataFrame
) -> dict[str, ReleasedSource]:
    """Every source that has images in the release, by name.

    Args:
        sources: ingest.sources.
        access: release.sources.
        images: RELEASE_IMAGES, or IMAGES.
    """
    known = {source.name: source for source in sources}
    return {
        str(name): _described(known.get(str(name)), access.get(str(name)), part)
        for name, part in images.groupby("source", sort=True)
    }


def document(made: Mapping[str, ReleasedSource]) -> dict[str, Any]:
    """What sources.json holds."""
    return {"version": VERSION, "sources": {name: source.model_dump(mode="json") for name, source in made.items()}}


def read_sources(folder: Path, images: pd.DataFrame) -> dict[str, ReleasedSource]:
    """The sources of a release; of one without sources.json as far as its params.yaml tells.

    Args:
        folder: of the release.
        images: its RELEASE_IMAGES.

    Raises:
        FieldguideError: not JSON, or of another version.
        ProblemsError: all keys that do not fit; sources of images.parquet that are not there.
    """
    path = folder / FILE
    if not path.exists():
        params = read_params(folder / "params.yaml")
        return described(params.ingest.sources, params.release.sources, images)
    values = read_json(path)
    if not isinstance(values, dict) or values.get("version") != VERSION or not isinstance(values.get("sources"), dict):
        raise FieldguideError(f"{path}: expected an object with version {VERSION} and an object `sources`")
    problems, found = [], {}
    for name, value in values["sources"].items():
        try:
            found[str(name)] = ReleasedSource.model_validate(value)
        except ValidationError as error:
            problems += problems_of(error, f"{path}: sources.{name}")
    if problems:
        raise ProblemsError(f"{path} is not valid:", problems)
    missing = sorted(set(images["source"]) - set(found))
    if missing:
        raise FieldguideError(f"{path}: lacks {', '.join(missing)}, of which images.parquet has images")
    return found


def attribution_words(stated: str | None, texts: Sequence[str | None]) -> str:
    """Whom to name for some images: the one text that all have, or how many there are.

    Args:
        stated: of the source as a whole.
        texts: of each image.
    """
    different = sorted({text for text in texts if text})
    lacking = sum(not text for text in texts)
    if len(different) <= 1 and not (different and lacking):
        return different[0] if different else ""
    words = f"{len(different):,} different, see images.parquet"
    words += f" ({lacking:,} of {len(texts):,} images state none)" if lacking else ""
    return f"{stated}; {words}" if stated and stated not in different else words


def _described(source: ImageSource | None, access: SourceAccess | None, images: pd.DataFrame) -> ReleasedSource:
    by_licence = images.assign(licence=images["licence"].map(lambda licence: licence or ""))
    return ReleasedSource(
        kind=source.kind if source else None,
        file=source.path.name if source else None,
        columns=source.columns if source else SourceColumns(),
        source_key=_key_words(source, [key for key in images["source_key"] if key]),
        licences=[
            LicensedImages(
                licence=str(licence) or None,
                images=len(part),
                in_release=len(part) if licence else 0,
                attribution=attribution_words(source.attribution if source else None, list(part["attribution"])),
                example=min(filter(None, part["source_key"]), default=""),
            )
            for licence, part in by_licence.groupby("licence", sort=True)
        ],
        access=access,
    )


def _key_words(source: ImageSource | None, keys: Sequence[str]) -> str:
    """What a source_key is, as corpus.ingest makes it."""
    if source is None:
        return "the image's name inside its source"
    if source.kind in _KEYS:
        return _KEYS[source.kind]
    if source.kind == "tar":
        many = keys and all(any(map(is_tar, key.split("/")[:-1])) for key in keys)
        return "the name of the tar, then the member's name inside it" if many else "the member's name inside the tar"
    if source.columns.key is not None:
        return f"what the column {source.columns.key} of the table says"
    if source.kind == "manifest":
        return "the file's path as the manifest names it, or what its column `key` says"
    counted = all(len(key) == 8 and key.isdecimal() for key in keys)
    return "the number of the table's row, from 0, as eight digits" if counted else "what the table's column `key` says"
