"""How a release is cited and archived: CITATION.cff (Citation File Format 1.2.0) and .zenodo.json."""

from __future__ import annotations

import json
from typing import Any

import yaml

from fieldguide.publishing.release.section import Creator, Release

CITATION, ZENODO = "CITATION.cff", ".zenodo.json"


def citation(release: Release, title: str) -> str:
    """CITATION.cff. The format wants authors: where no creator is stated, those of the benchmark are named as such."""
    authors = [_author(creator) for creator in release.creators] or [{"name": f"The authors of {release.name}"}]
    stated = {
        "cff-version": "1.2.0",
        "message": "If you use this benchmark, please cite it as below.",
        "type": "dataset",
        "title": title,
        "abstract": release.description,
        "authors": authors,
        "version": release.version,
        "license": release.licence,
        "keywords": list(release.keywords),
        "date-released": release.date,
        "url": release.url,
    }
    return yaml.safe_dump(_given(stated), sort_keys=False, allow_unicode=True)


def zenodo(release: Release, title: str) -> str:
    """Metadata of a deposit on Zenodo."""
    creators = [
        _given({"name": _last_first(creator), "affiliation": creator.affiliation, "orcid": creator.orcid})
        for creator in release.creators
    ]
    stated = {
        "title": title,
        "description": release.description,
        "upload_type": "dataset",
        "version": release.version,
        "publication_date": release.date,
        "creators": creators or [{"name": f"The authors of {release.name}"}],
        "license": release.licence.lower(),
        "keywords": list(release.keywords),
    }
    return json.dumps(_given(stated), indent=2, ensure_ascii=False) + "\n"


def _author(creator: Creator) -> dict[str, Any]:
    if creator.family is None:
        return {"name": creator.name}
    given = creator.name.removesuffix(creator.family).strip()
    orcid = creator.orcid and f"https://orcid.org/{creator.orcid}"
    stated = {"family-names": creator.family, "given-names": given or None, "affiliation": creator.affiliation}
    return _given(stated | {"orcid": orcid})


def _last_first(creator: Creator) -> str:
    if creator.family is None:
        return creator.name
    given = creator.name.removesuffix(creator.family).strip()
    return f"{creator.family}, {given}" if given else creator.family


def _given(stated: dict[str, Any]) -> dict[str, Any]:
    """Without what nobody stated."""
    return {key: value for key, value in stated.items() if value is not None}
