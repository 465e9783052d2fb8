"""Caption the gallery and the topics' drawings, recompose captions, draw some: `python -m flows.caption`."""

from prefect import flow, task

from fieldguide.core.paths import Paths
from fieldguide.models.captioners.section import AnyCaptioner
from fieldguide.models.generators.section import AnyGenerator
from fieldguide.queries.visuals.captioning.section import Caption, Recompose
from fieldguide.queries.visuals.drawing.section import Visualize
from fieldguide.runtime.progress import show_progress
from fieldguide.runtime.services import ASKS_A_SERVICE
from fieldguide.runtime.step import once, run


@task(**ASKS_A_SERVICE)
def caption_images(section: Caption, captioners: dict[str, AnyCaptioner], paths: Paths) -> str:
    """Caption what is not captioned yet: what exists is kept, so that a retry goes on."""
    from fieldguide.models.captioners.registry import load_captioner
    from fieldguide.queries.visuals.captioning.captions import caption_all, captioned_items, write_no_captions

    if section.captioner is None:
        write_no_captions(paths)
        return "no captioner is named (caption.captioner)"
    captioner = load_captioner(section.captioner, captioners[section.captioner], paths.root)
    made = caption_all(captioned_items(paths), captioner, paths, section.batch, show_progress)
    return f"{section.captioner}: {made}"


@task(**ASKS_A_SERVICE)
def recompose_captions(section: Recompose, paths: Paths) -> str:
    """Each drawing's caption with its subtopic's text, as one description to search for."""
    from fieldguide.queries.visuals.captioning.recomposing import recompose

    return str(recompose(section, paths, show_progress))


@task(**ASKS_A_SERVICE)
def draw_captions(section: Caption, visualize: Visualize, generators: dict[str, AnyGenerator], paths: Paths) -> str:
    """Draw the photographs' captions that are not drawn yet: what exists is kept, so that a retry goes on."""
    from fieldguide.models.generators.registry import load_generator
    from fieldguide.queries.visuals.drawing.twins import draw_twins, write_no_twins

    name = visualize.generator
    if not section.twins or section.captioner is None or name is None:
        write_no_twins(paths)
        return "no twins are drawn (caption.twins, with caption.captioner and visualize.generator)"
    generator = load_generator(name, generators[name], paths.root)
    return f"{name}: twins: {draw_twins(visualize, generator, paths, show_progress)}"


@flow
def caption(
    caption: Caption, captioners: dict[str, AnyCaptioner], recompose: Recompose, visualize: Visualize,
    generators: dict[str, AnyGenerator],
) -> None:  # fmt: skip
    """Write data/captions/ and data/texts/recomposed.parquet; print how many were made, were there, and failed."""
    paths = Paths()
    print(once(caption_images, caption, captioners, paths))
    print(once(recompose_captions, recompose, paths))
    print(once(draw_captions, caption, visualize, generators, paths))


if __name__ == "__main__":
    run(caption)
