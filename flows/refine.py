"""Word a system's phrases anew by what their drawings find, in rounds: `python -m flows.refine SYSTEM`."""

from typing import Any

from prefect import flow, task

from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.models.encoders.section import AnyEncoder
from fieldguide.models.generators.section import AnyGenerator
from fieldguide.queries.visuals.drawing.section import Visualize
from fieldguide.retrieval.encoding.section import Embed
from fieldguide.retrieval.refining.section import Refine
from fieldguide.retrieval.systems.sections.rounds import GenirSystem
from fieldguide.retrieval.systems.sections.systems import System
from fieldguide.runtime.progress import show_progress
from fieldguide.runtime.services import ASKS_A_SERVICE
from fieldguide.runtime.step import once, run
from flows.embed import encode_with


@task(**ASKS_A_SERVICE)
def refine_phrases(
    name: str, section: GenirSystem, visualize: Visualize, generator: AnyGenerator, embed: Embed, encoder: AnyEncoder,
    paths: Paths,
) -> Any:  # fmt: skip
    """Draw, ask, draw again; what was answered and drawn is kept, so that a retry goes on."""
    from fieldguide.corpus.store.items import drawing_items
    from fieldguide.models.calls.caller import open_caller
    from fieldguide.models.calls.chat import Chat
    from fieldguide.models.generators.registry import load_generator
    from fieldguide.queries.visuals.drawing.drawings import draw_all
    from fieldguide.records.drawings import DRAWINGS
    from fieldguide.records.topics import asked_entities
    from fieldguide.retrieval.refining.refine import refine

    asked = asked_entities(paths.topics)
    drawer = load_generator(str(visualize.generator), generator, paths.root, asked)
    values = visualize.model_copy(update={"images": section.visret.images})

    def illustrate(phrases: Any, world: Any) -> None:
        draw_all(phrases, values, drawer, world, show_progress)
        items, folder = drawing_items(DRAWINGS.read(world.drawings), world), world.queries(section.visret.encoder)
        encode_with(section.visret.encoder, encoder, embed, lambda _: items, folder, asked)

    return refine(name, section, Chat(section.chat, open_caller(paths.root)), illustrate, paths, show_progress)


@flow
def refine(
    refine: Refine, systems: dict[str, System], system: str, visualize: Visualize, generators: dict[str, AnyGenerator],
    embed: Embed, encoders: dict[str, AnyEncoder],
) -> None:  # fmt: skip
    """Write data/refined/SYSTEM/; print what each round did."""
    from fieldguide.retrieval.systems.rounds import RoundPaths

    section, drawer, paths = systems.get(system), visualize.generator, Paths()
    if not isinstance(section, GenirSystem):
        raise FieldguideError(f"{system!r} is no system of kind genir; refine.systems: {refine.systems}")
    if drawer is None:
        RoundPaths(paths.root, system).refined_folder.mkdir(parents=True, exist_ok=True)
        print(f"{system}: looks at drawings, and nothing was drawn: nothing to word anew")
        return
    encoder = encoders[section.visret.encoder]
    done = once(refine_phrases, system, section, visualize, generators[drawer], embed, encoder, paths)
    print(*(f"{system}: {one}" for one in done), sep="\n")
    if done and done[0].failed == done[0].asked:
        print(f"{system}: no phrase could be worded anew: it ranks as its drawings of the first phrases do")


if __name__ == "__main__":
    run(refine)
