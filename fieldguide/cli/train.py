"""`fieldguide train`: networks of the benchmark's own. Nothing else trains them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from fieldguide.core.errors import FieldguideError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fieldguide.core.paths import Paths
    from fieldguide.retrieval.training.jobs import Job

app = typer.Typer(
    help="Train a network on the photographs of the train split, once they are ingested (`fieldguide build ingest`).",
    epilog="The weights' folder names the entities that they know; asked for others, doctor and build refuse.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Name = Annotated[str | None, typer.Argument(help="The section of params.yaml, where several are of the kind.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Say how long it would take and what it would know.")]
Again = Annotated[bool, typer.Option("--again", help="Also where the same recipe was trained on the same photographs.")]
Section = TypeVar("Section")


@app.command(epilog="Example: fieldguide train generator --dry-run")
def generator(name: Name = None, dry_run: Dry = False, again: Again = False) -> None:
    """Train the flow-matching generator: small drawings of the train split's entities. Most of an hour, no GPU."""
    from fieldguide.core.paths import Paths
    from fieldguide.models.generators.section import FlowMatchingGenerator
    from fieldguide.params import read_params
    from fieldguide.retrieval.training.jobs import GeneratorJob
    from fieldguide.retrieval.training.train_split import read_train_split

    paths, params = Paths(), read_params()
    spec = _one_of(params.generators, FlowMatchingGenerator, name, "generators", "flow-matching")
    values = params.train_generator
    _train(paths, lambda: GeneratorJob(read_train_split(paths, values.split), values, spec), dry_run, again)


@app.command("text-tower", epilog="Example: fieldguide train text-tower")
def text_tower(name: Name = None, dry_run: Dry = False, again: Again = False) -> None:
    """Train the text tower: phrases are drawn to their entity's photographs in MobileNetV2's space. About a minute."""
    from fieldguide.core.paths import Paths
    from fieldguide.models.encoders.section import TextTowerEncoder
    from fieldguide.params import read_params
    from fieldguide.retrieval.training.jobs import TextTowerJob
    from fieldguide.retrieval.training.train_split import read_train_split

    paths, params = Paths(), read_params()
    spec = _one_of(params.encoders, TextTowerEncoder, name, "encoders", "text-tower")
    values = params.train_text_tower
    _train(paths, lambda: TextTowerJob(read_train_split(paths, values.split), values, spec), dry_run, again)


def _one_of(sections: Mapping[str, object], kind: type[Section], name: str | None, where: str, word: str) -> Section:
    found = {key: spec for key, spec in sections.items() if isinstance(spec, kind)}
    if name is not None and name not in found:
        raise FieldguideError(f"params.yaml: {where}.{name}: no section of kind {word}; there are: {_list(found)}")
    if name is None and len(found) != 1:
        raise FieldguideError(f"params.yaml: {where}: name one of kind {word}; there are: {_list(found)}")
    return found[name or next(iter(found))]


def _list(names: Mapping[str, object]) -> str:
    return ", ".join(names) or "none"


def _train(paths: Paths, make: Callable[[], Job], dry_run: bool, again: bool) -> None:
    from fieldguide.queries.knowledge.reading import read_knowledge
    from fieldguide.runtime.progress import show_progress

    if not paths.images.exists():
        raise FieldguideError(f"{paths.images}: no such file; `fieldguide build ingest` makes it")
    job = make()
    print("\n".join(job.outlook(sorted(read_knowledge(paths.knowledge).entities))), flush=True)
    done = job.is_done()
    if done and not again:
        print(f"{job.folder}: is what this recipe makes of these photographs, and is kept (`--again` trains it anew)")
    elif dry_run:
        minutes = max(1, round(job.seconds() / 60))
        print(f"about {minutes} minute{'s' * (minutes > 1)} on this machine, into {job.folder}")
    else:
        job.run(show_progress, lambda line: print(line, flush=True))
