"""A project's dvc.yaml: the library's pipeline, with the inputs that params.yaml names.

In a project the library is installed, not part of the repository. So where the pipeline depends on rooms of the
library, a project's dvc.yaml depends on their hashes in library.json: another version of the library makes just
those stages stale that run what has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fieldguide.core.files import content_key, sha256_file
from fieldguide.core.paths import Paths
from fieldguide.core.section import Section
from fieldguide.core.yaml_files import read_yaml
from fieldguide.params.document import Params

LIBRARY = Paths().library.name
PACKAGE = Path(__file__).resolve().parent.parent
TEMPLATE = Path(__file__).resolve().parent / "template"
WEIGHTS = TEMPLATE / "weights.yaml"
_CODE = ("fieldguide", "flows")
# What keys mean that params.yaml leaves out.
_DEFAULTS = ("fieldguide/params/defaults.py", "fieldguide/retrieval/systems/families.py")
_INPUTS = ("data/input", "data/models", "annotation/gold.csv")
INERT = ("cli", "params", "runtime", "core/errors.py", "core/paths.py", "core/progress.py", "projects")
"""What .dvcignore leaves out in the library's own repository: it says where and how far, and changes no result."""


def library_pipeline() -> dict[str, Any]:
    """The pipeline that the library comes with."""
    pipeline: dict[str, Any] = read_yaml(TEMPLATE / "pipeline.yaml")
    return pipeline


def project_pipeline(params: Params, values: Mapping[str, Any]) -> dict[str, Any]:
    """What dvc.yaml holds in a project.

    Args:
        params: params.yaml, validated.
        values: as it stands in the file: DVC tracks no key that is left out, for which the library's default holds.
    """
    pipeline, inputs = library_pipeline(), inputs_of(params)
    stages = pipeline["stages"]
    # What DVC would look up in params.yaml, where it may be left out.
    encoder = f"data/embeddings/{params.mine.encoder}"
    stages["mine"]["deps"] = [encoder if "${mine.encoder}" in dep else dep for dep in stages["mine"]["deps"]]
    a_system_each = {"train_cletir": params.train_cletir.systems, "refine": params.refine.systems}
    for name, systems in a_system_each.items():
        stages[name]["matrix"] = {"system": list(systems)}
        if not systems:
            del stages[name]
    for name, stage in stages.items():
        code = [dep for dep in (*stage["deps"], *_DEFAULTS) if _is_code(dep)]
        rooms = [f"rooms.{room}" for room in dict.fromkeys(map(room_of, code))]
        kept = [dep for dep in stage["deps"] if not _is_code(dep) and not _is_input(dep)]
        stage["deps"] = list(dict.fromkeys([*kept, *(path.as_posix() for path in inputs.get(name, ()))]))
        keys = list(stage.get("params", ()))
        stated = [key for key in keys if _states(values, key, a_system_each.get(name, ()))]
        if any("$" in key for key in set(keys) - set(stated)):  # a system of a family: what makes its section
            stated += [key for key in ("families", "embed", "encoders") if key in values]
        stage["params"] = [*stated, {LIBRARY: rooms}]
    return pipeline


def inputs_of(params: Params) -> dict[str, list[Path]]:
    """By stage the files and folders that it reads and no stage makes, as params.yaml names them."""
    encoders = _files(params.encoders[name] for name in params.embed.encoders)
    drawing = _files([params.generator] if params.generator else [])
    captioner = params.caption.captioner
    captioning = _files([params.captioners[captioner]] if captioner else [])
    return {
        "ingest": [s.place for s in params.ingest.sources],
        "embed": encoders,
        "mine": [path for path in [params.mine.wordnet] if path],
        "visualize": drawing,
        "caption": [*captioning, *(drawing if params.caption.twins else [])],
        "embed_queries": encoders,
        "refine": [*encoders, *drawing],
        "diagnose": [*encoders, *drawing],
        "answer": _files([params.answerers[name] for name in params.answer.answerers]),
        "adjudicate": [path for path in [params.annotate.gold] if path],
    }


def rooms() -> dict[str, str]:
    """Hash of every part of the library that a stage depends on, by `room_of` it."""
    deps = {dep for stage in library_pipeline()["stages"].values() for dep in stage["deps"] if _is_code(dep)}
    deps.update(_DEFAULTS)
    return {room_of(dep): _hash(PACKAGE.parent / dep) for dep in sorted(deps)}


def room_of(dep: str) -> str:
    """`fieldguide/records/images.py` -> `records/images`: DVC takes a point in a key for a step inwards."""
    return dep.removeprefix("fieldguide/").removesuffix(".py")


def _hash(path: Path) -> str:
    if path.is_file():
        return sha256_file(path)
    files = [p for p in sorted(path.rglob("*")) if p.is_file() and "__pycache__" not in p.parts and not _is_inert(p)]
    return content_key(files={p.relative_to(path).as_posix(): sha256_file(p) for p in files})


def _is_inert(path: Path) -> bool:
    return path.is_relative_to(PACKAGE) and any(path.is_relative_to(PACKAGE / inert) for inert in INERT)


def _files(sections: Iterable[Section]) -> list[Path]:
    found = [value for section in sections for _, value in section if isinstance(value, Path)]
    return list(dict.fromkeys(path for path in found if not path.is_absolute()))


def _states(values: Any, key: str, items: Sequence[str]) -> bool:
    """Whether the file has the key; one with a reference (`${...}`) to each of a stage's `items`, all of them."""
    first, _, rest = key.partition(".")
    if "$" in first:
        return isinstance(values, Mapping) and all(item in values for item in items)
    if not isinstance(values, Mapping) or first not in values:
        return False
    return not rest or _states(values[first], rest, items)


def _is_code(dep: str) -> bool:
    return dep.partition("/")[0] in _CODE


def _is_input(dep: str) -> bool:
    return any(Path(dep).is_relative_to(given) for given in _INPUTS)
