"""`fieldguide init` and `fieldguide upgrade`: a benchmark of one's own, and a newer library under it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fieldguide.core.errors import FieldguideError

if TYPE_CHECKING:
    from fieldguide.retrieval.naming import NamedPhotograph

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


def params(
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

    text = params_text(read_params())
    if not full:
        values = unstated(yaml.safe_load(text), read_yaml(Path("params.yaml")))
        text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)
    print(text, end="")
    for name, lack in left_out(read_params()).items():
        print(f"# left out: system {name} {lack}")


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


@knowledge.command(epilog="Example: fieldguide knowledge taxonomy taxa.csv --vernacular VernacularNames-english.csv")
def taxonomy(
    table: Annotated[Path, typer.Argument(help="Darwin Core taxa: GBIF's Taxon.tsv, iNaturalist's taxa.csv.")],
    vernacular: Annotated[Path | None, typer.Option(help="The table of common names that comes with it.")] = None,
) -> None:
    """Look the entities' names up in a table of taxa, and print `entity_id,taxonomy` for entities.csv."""
    import csv
    import sys

    from fieldguide.core.paths import Paths
    from fieldguide.queries.knowledge.reading import read_knowledge
    from fieldguide.queries.knowledge.taxa import find_taxa
    from fieldguide.runtime.progress import show_progress

    entities = read_knowledge(Paths().knowledge).entities
    found = find_taxa(entities.values(), table, vernacular, show_progress)
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(["entity_id", "taxonomy"])
    rows.writerows([taxon.entity_id, " > ".join(taxon.taxonomy)] for taxon in found)
    several = sorted({t.entity_id for t in found if sum(o.entity_id == t.entity_id for o in found) > 1})
    lacking = sorted(entities.keys() - {taxon.entity_id for taxon in found})
    if several:
        print(f"several taxa have the name of {', '.join(several)}: choose one each", file=sys.stderr)
    if lacking:
        print(f"not found: {', '.join(lacking)}; give the scientific name as an alias", file=sys.stderr)


_Encoder = Annotated[str | None, typer.Option(help="Of embed.encoders, one that encodes texts; else the first.")]
_Names = Annotated[Path | None, typer.Option(help="File with a name a line; else the entities' names.")]


@knowledge.command(epilog="Example: fieldguide knowledge propose --names birds-of-europe.txt --to proposals.csv")
def propose(
    to: Annotated[Path, typer.Option(help="CSV to write.")] = Path("proposals.csv"),
    names: _Names = None,
    encoder: _Encoder = None,
) -> None:
    """For photographs without a label: the nearest names, as a table for you to correct. Nothing is labelled."""
    from fieldguide.cli.views.naming import write_proposals

    count = write_proposals(to, _named(names, encoder))
    print(f"{to}: {count} photographs without a label, with proposals. Strike what is wrong; the rest is a manifest")
    print("(path, entity) for a source of its own: put it beside the photographs, and name it under ingest.sources.")


@knowledge.command(epilog="Example: fieldguide knowledge doubts --worst 40")
def doubts(
    worst: Annotated[int, typer.Option(min=1, help="How many are shown.")] = 20,
    names: _Names = None,
    encoder: _Encoder = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Labelled photographs that look more like another name, the most doubtful first. A warning, no verdict."""
    from fieldguide.cli.views.naming import worst_doubts
    from fieldguide.runtime.tables import show

    rows = worst_doubts(_named(names, encoder), worst)
    show(rows, ("image", "path", "label", "nearest", "doubt"), as_json)
    if not as_json:
        print("doubt: by how much the nearest name is nearer than the label's own. An encoder errs too: look at them.")


def _named(names: Path | None, encoder: str | None) -> Iterator[NamedPhotograph]:
    from fieldguide.cli.views.naming import encoder_of, vocabulary
    from fieldguide.core.paths import Paths
    from fieldguide.params import read_params
    from fieldguide.queries.knowledge.reading import read_knowledge
    from fieldguide.retrieval.naming import name_photographs
    from fieldguide.runtime.progress import show_progress

    paths, params = Paths(), read_params()
    chosen = encoder_of(params, encoder)
    entities = {key: entity.name for key, entity in read_knowledge(paths.knowledge).entities.items()}
    offered = entities | vocabulary(names, {})
    found = name_photographs(paths, chosen, params.encoders[chosen], offered)
    yield from show_progress(found, "photographs", unit="photographs")


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
