"""A project's files: written once by `fieldguide init`, and kept in step with params.yaml and the library."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import jinja2
import yaml

from fieldguide import __version__
from fieldguide.core.errors import FieldguideError, Problem
from fieldguide.core.files import atomic_open, read_json, write_json
from fieldguide.core.paths import Paths
from fieldguide.core.yaml_files import read_yaml
from fieldguide.params.document import Params
from fieldguide.params.reading import read_params
from fieldguide.projects.photographs import Found
from fieldguide.projects.pipeline import TEMPLATE, project_pipeline, rooms
from fieldguide.queries.knowledge.records import Attribute

_HEAD = """\
# Written by Fieldguide from params.yaml, and kept in step with it by `fieldguide build`: what you change here is lost.
# Stages of your own go into a dvc.yaml in a folder of their own.
"""
IGNORED_BY_GIT = (
    ".venv/", ".fieldguide/", ".annotation/", ".private/", "__pycache__/", "/data/input/", "/data/corpus/",
    "/data/embeddings/",
    "/data/mined/", "/data/topics/", "/data/texts/", "/data/drawings/", "/data/captions/", "/data/queries/",
    "/data/cletir/*", "!/data/cletir/README.md", "/data/refined/*", "!/data/refined/README.md", "/data/probes/",
    "/data/runs/", "/data/pools/", "/data/judgments/", "/data/qrels/", "/data/checks/", "/data/evaluation/",
    "/data/answers/", "/data/report/", "/data/release/",
)  # fmt: skip
_IGNORED_BY_DVC = ("__pycache__/", "*.pyc", ".venv/", ".fieldguide/", ".annotation/", ".private/")
_FOLDERS = {
    "data/calls": "Answers of paid or slow models, one file a call. Commit them.",
    "data/external": "Runs that were made elsewhere, in TREC's six columns, for systems of kind `run`.",
    "data/cletir": "Aggregation networks, by stage train_cletir.",
    "data/refined": "Phrases worded anew in rounds, with their drawings and vectors, by stage refine.",
    "data/models": "Networks that `fieldguide train` has trained. Commit them.",
}


def make(root: Path, name: str, found: Found) -> None:
    """Write a project's files into a folder that holds its photographs at most, and make it a repository.

    All entities are of one family until the curator says which are kin, and none is described.

    Raises:
        FieldguideError: git or DVC fails.
    """
    _make_folders(root)
    for text in ("guidelines.md", "label_config.xml"):
        _write(root / "annotation" / text, (TEMPLATE / text).read_text(encoding="utf-8"))
    knowledge = Paths(root).knowledge
    knowledge.mkdir(parents=True, exist_ok=True)
    rows = [(entity, found.names[entity], "", f"{name} > {name} > {found.names[entity]}", "") for entity in found.names]
    _write(
        knowledge / "entities.csv", _table(("entity_id", "name", "aliases", "taxonomy", "description"), sorted(rows))
    )
    _write(knowledge / "attributes.csv", _table(tuple(Attribute.model_fields), []))
    sources = [source.model_dump(mode="json") for source in found.sources]
    about = {"name": name, "sources": sources, "unlicensed": sorted(found.unlicensed)}
    for text in ("params.yaml", "README.md"):
        _write(root / text, templates().get_template(f"{text}.j2").render(about))
    begin_repository(root)
    take_over(root, read_params(root / "params.yaml"))


def begin_repository(root: Path) -> None:
    """Make a folder a repository of git and DVC that ignores what stages make.

    Raises:
        FieldguideError: git or DVC fails.
    """
    _write(root / ".gitignore", "".join(f"{line}\n" for line in IGNORED_BY_GIT))
    _write(root / ".dvcignore", "".join(f"{line}\n" for line in _IGNORED_BY_DVC))
    for command in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q", "-f"]):
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        if done.returncode:
            raise FieldguideError(f"{root}: {' '.join(command[-3:])} failed: {done.stderr.strip()}")


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows([header, *rows])
    return stream.getvalue()


def take_over(root: Path, params: Params) -> None:
    """Write library.json and dvc.yaml for the installed library."""
    write_json(Paths(root).library, {"fieldguide": __version__, "rooms": rooms()})
    write_pipeline(root, params)


def write_pipeline(root: Path, params: Params) -> bool:
    """Write dvc.yaml where params.yaml asks for another one, with folders that it depends on; whether it did."""
    pipeline = project_pipeline(params, read_yaml(root / "params.yaml"))
    text = _HEAD + yaml.safe_dump(pipeline, sort_keys=False, width=110, allow_unicode=True)
    path = root / "dvc.yaml"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    _make_folders(root)  # those that a project of an older library does not have
    _write(path, text)
    return True


def _make_folders(root: Path) -> None:
    for folder, words in _FOLDERS.items():
        if not (root / folder).is_dir():
            _write(root / folder / "README.md", f"{words}\n")


def changed_rooms(root: Path) -> list[str]:
    """Parts of the library that differ from those that library.json of a project names.

    Raises:
        FieldguideError: it is not there, or names none.
    """
    path = Paths(root).library
    stored = read_json(path)
    known = stored.get("rooms") if isinstance(stored, dict) else None
    if not isinstance(known, dict):
        raise FieldguideError(f"{path}: lacks `rooms`; put back the one that was committed")
    now = rooms()
    return sorted(room for room in known.keys() | now.keys() if known.get(room) != now.get(room))


def other_library(root: Path) -> Problem | None:
    """Whether another library is installed than a project was built with; None where there is no project."""
    path = Paths(root).library
    changed = changed_rooms(root) if path.exists() else []
    if not changed:
        return None
    what = f"another library is installed, {__version__}; changed: {', '.join(changed)}. `fieldguide upgrade --dry-run`"
    return Problem(str(path), f"{what} says which stages would run again, `fieldguide upgrade` takes it over")


def keep_in_step(root: Path, params: Params) -> bool:
    """Bring a project's dvc.yaml in step with params.yaml; whether it had to be. Nothing where there is no project.

    Raises:
        FieldguideError: another version of the library is installed than the project was built with.
    """
    problem = other_library(root)
    if problem is not None:
        raise FieldguideError(str(problem))
    return Paths(root).library.exists() and write_pipeline(root, params)


def templates() -> jinja2.Environment:
    """The texts of a new project."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE), autoescape=False,  # noqa: S701 - YAML and Markdown
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_open(path) as stream:
        stream.write(text)
