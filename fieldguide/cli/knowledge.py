"""`fieldguide knowledge`: what is known of the entities, how it reads, and what photographs seem to show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fieldguide.queries.knowledge.records import Entity
    from fieldguide.retrieval.naming import NamedPhotograph

app = typer.Typer(
    help="What is known of the entities, and what photographs seem to show.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command(epilog="Example: fieldguide knowledge check")
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


@app.command(epilog="Example: fieldguide knowledge taxonomy taxa.csv --vernacular VernacularNames-english.csv")
def taxonomy(
    table: Annotated[Path, typer.Argument(help="Taxa in Darwin Core, of iNaturalist's open data, or a COCO JSON.")],
    vernacular: Annotated[Path | None, typer.Option(help="The table of common names that comes with it.")] = None,
    classes: Annotated[bool, typer.Option(help="Of all that the sources show: rows for a new entities.csv.")] = False,
) -> None:
    """Look the entities' names up in a table of taxa, and print `entity_id,taxonomy` for entities.csv."""
    import csv
    import sys
    from collections import Counter

    from fieldguide.core.paths import Paths
    from fieldguide.queries.knowledge.reading import read_knowledge
    from fieldguide.queries.knowledge.taxa import find_taxa
    from fieldguide.runtime.progress import show_progress

    entities = _classes() if classes else read_knowledge(Paths().knowledge).entities
    found = find_taxa(entities.values(), table, vernacular, show_progress)
    counts = Counter(taxon.entity_id for taxon in found)
    several, lacking = sorted(e for e, count in counts.items() if count > 1), sorted(entities.keys() - counts.keys())
    paths = [(taxon.entity_id, " > ".join(taxon.taxonomy)) for taxon in found]
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(["entity_id", *(["name"] if classes else []), "taxonomy"])
    for entity, path in sorted([*paths, *((entity, "") for entity in lacking if classes)]):
        rows.writerow([entity, *([entities[entity].name] if classes else []), path])
    if several:
        print(f"several taxa have the name of {', '.join(several)}: choose one each", file=sys.stderr)
    if lacking:
        print(f"not found: {', '.join(lacking)}; give the scientific name as an alias", file=sys.stderr)


def _classes() -> dict[str, Entity]:
    """What the sources' labels lead to, as entities of which only the name is known."""
    from fieldguide.core.errors import FieldguideError
    from fieldguide.core.paths import Paths
    from fieldguide.params import read_params
    from fieldguide.projects.photographs import count_shown
    from fieldguide.queries.knowledge.records import Entity

    names = count_shown(read_params().ingest.sources, Paths().root).names
    if not names:
        raise FieldguideError("params.yaml: ingest.sources: show no entity that can be listed (tars are not opened)")
    return {key: Entity.model_construct(entity_id=key, name=name, taxonomy=[]) for key, name in names.items()}


_Encoder = Annotated[str | None, typer.Option(help="Of embed.encoders, one that encodes texts; else the first.")]
_Names = Annotated[Path | None, typer.Option(help="File with a name a line, offered beside those of the entities.")]


@app.command(epilog="Example: fieldguide knowledge propose --names birds-of-europe.txt --to proposals.csv")
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


@app.command(epilog="Example: fieldguide knowledge doubts --worst 40")
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
    offered = entities | (vocabulary(names) if names is not None else {})
    found = name_photographs(paths, chosen, params.encoders[chosen], offered)
    yield from show_progress(found, "photographs", unit="photographs")
