"""croissant.json: the release for machines, in MLCommons' Croissant 1.0 with its fields of responsible AI (RAI 1.0)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from fieldguide.core.tables import Table
from fieldguide.publishing.release.section import Release

FILE = "croissant.json"
_CONTEXT: dict[str, Any] = {
    "@language": "en", "@vocab": "https://schema.org/", "citeAs": "cr:citeAs", "column": "cr:column",
    "conformsTo": "dct:conformsTo", "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract", "field": "cr:field",
    "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject", "fileSet": "cr:fileSet", "format": "cr:format",
    "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath", "key": "cr:key",
    "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/", "recordSet": "cr:recordSet", "references": "cr:references",
    "regex": "cr:regex", "repeated": "cr:repeated", "replace": "cr:replace", "sc": "https://schema.org/",
    "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform",
}  # fmt: skip
_CONFORMS = ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"]
_PARQUET, _LINES, _TAR, _OTHER = "application/x-parquet", "application/jsonlines", "application/x-tar", "text/plain"


@dataclass(frozen=True)
class Told:
    """What the pipeline knows for the fields of responsible AI.

    Attributes:
        collection: where photographs and knowledge are from.
        protocol: how grades were decided.
        platform: with what people judged; empty where nobody did.
        analysis: how far people agree, in words; empty where nobody did.
        tools: models that took part in making it.
        limitations: what the figures do not show.
    """

    collection: str
    protocol: str
    platform: str
    analysis: str
    tools: Sequence[str]
    limitations: Sequence[str]


def croissant(
    release: Release, title: str, sums: Mapping[str, str], tables: Mapping[str, tuple[str, Table]], told: Told
) -> str:
    """The file's text.

    Args:
        sums: sha256 of every file that it lists, by name.
        tables: Parquet files as record sets: the file and its table, by the name of the configuration.
    """
    described = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": _CONFORMS,
        "name": release.name,
        "alternateName": title,
        "description": release.description,
        "license": release.licence,
        "version": release.version,
        "url": release.url,
        "datePublished": release.date,
        "keywords": list(release.keywords),
        "inLanguage": "en",
        "isLiveDataset": False,
        "creator": [_creator(creator.name, creator.family) for creator in release.creators] or None,
        "citeAs": bibtex(release, title),
        **_responsible(release, told),
        "distribution": [_file(name, digest) for name, digest in sorted(sums.items())],
        "recordSet": [_records(name, file, table) for name, (file, table) in tables.items()],
    }
    given = {key: value for key, value in described.items() if value is not None and value != []}
    return json.dumps(given, indent=2, ensure_ascii=False) + "\n"


def _creator(name: str, family: str | None) -> dict[str, str]:
    return {"@type": "sc:Organization" if family is None else "sc:Person", "name": name}


def bibtex(release: Release, title: str) -> str:
    """A BibTeX entry."""
    year = release.date[:4] if release.date else None
    authors = " and ".join(creator.name for creator in release.creators) or None
    fields = {"title": title, "author": authors, "year": year, "version": release.version, "url": release.url}
    body = ", ".join(f"{key} = {{{value}}}" for key, value in fields.items() if value)
    return f"@misc{{{release.name}, {body}}}"


def _responsible(release: Release, told: Told) -> dict[str, Any]:
    said = release.responsible
    return {
        "rai:dataCollection": told.collection,
        "rai:dataAnnotationProtocol": told.protocol,
        "rai:dataAnnotationPlatform": told.platform or None,
        "rai:dataAnnotationAnalysis": told.analysis or None,
        "rai:annotatorDemographics": said.annotators,
        "rai:machineAnnotationTools": list(told.tools),
        "rai:dataBiases": said.biases,
        "rai:dataLimitations": list(told.limitations),
        "rai:personalSensitiveInformation": said.personal_data,
        "rai:dataUseCases": said.uses,
        "rai:dataSocialImpact": said.social_impact,
        "rai:dataReleaseMaintenancePlan": said.maintenance,
    }


def _file(name: str, digest: str) -> dict[str, str]:
    kinds = {
        ".parquet": _PARQUET,
        ".jsonl": _LINES,
        ".tar": _TAR,
        ".json": "application/json",
        ".npy": "application/octet-stream",
    }
    kind = next((kind for ending, kind in kinds.items() if name.endswith(ending)), _OTHER)
    return {
        "@type": "cr:FileObject", "@id": name, "name": name, "contentUrl": name, "encodingFormat": kind,
        "sha256": digest,
    }  # fmt: skip


def _records(name: str, file: str, table: Table) -> dict[str, Any]:
    fields = [_column(name, file, column.name, column.type, column.meaning) for column in table.columns]
    key = [{"@id": f"{name}/{column}"} for column in table.key]
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "key": key, "field": fields}


def _column(name: str, file: str, column: str, kind: pa.DataType, meaning: str) -> dict[str, Any]:
    many = pa.types.is_list(kind)
    field: dict[str, Any] = {
        "@type": "cr:Field", "@id": f"{name}/{column}", "name": column, "description": meaning,
        "dataType": _type(kind.value_type if many else kind),
        "source": {"fileObject": {"@id": file}, "extract": {"column": column}},
    }  # fmt: skip
    return field | {"repeated": True} if many else field


def _type(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return "sc:Integer"
    return "sc:Float" if pa.types.is_floating(kind) else "sc:Text"


def unstated(release: Release) -> Iterator[str]:
    """Keys of `release` that nobody filled in and that who takes it over would look for."""
    for key in ("creators", "url", "date"):
        if not getattr(release, key):
            yield f"release.{key}"
    yield from (f"release.responsible.{key}" for key, value in release.responsible if value is None)
