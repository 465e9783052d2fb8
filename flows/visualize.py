"""Draw every phrase and every generic prompt: `python -m flows.visualize`."""

from prefect import flow, task

from fieldguide.core.paths import Paths
from fieldguide.models.generators.section import AnyGenerator
from fieldguide.queries.visuals.drawing.section import Visualize
from fieldguide.runtime import artifacts
from fieldguide.runtime.progress import show_progress
from fieldguide.runtime.services import ASKS_A_SERVICE
from fieldguide.runtime.step import once, run


@task(**ASKS_A_SERVICE)
def draw(section: Visualize, name: str, generator: AnyGenerator, paths: Paths) -> str:
    """Draw what is not drawn yet: what exists is kept, so that a retry goes on."""
    from fieldguide.models.generators.registry import load_generator
    from fieldguide.queries.visuals.drawing.drawings import draw_all
    from fieldguide.records.topics import asked_entities, read_phrases

    loaded = load_generator(name, generator, paths.root, asked_entities(paths.topics))
    return str(draw_all(read_phrases(paths.phrases), section, loaded, paths, show_progress))


@flow
def visualize(visualize: Visualize, generators: dict[str, AnyGenerator]) -> None:
    """Write data/drawings/; print how many were drawn, were there already, and failed."""
    from fieldguide.queries.visuals.drawing.drawings import failures, read_drawings, write_no_drawings

    paths, name = Paths(), visualize.generator
    if name is None:
        write_no_drawings(paths)
        print("nothing is drawn (visualize.generator is null), and systems that look at drawings are left out")
        return
    print(f"{name}: {once(draw, visualize, name, generators[name], paths)}")
    for reason, count in failures(paths).most_common():
        print(f"  {count} x {reason}")
    first = (image for row, image in read_drawings(paths) if (row.index, row.purpose) == (0, "topic"))
    artifacts.contact_sheet("drawings", first, "The first drawing of each phrase.")


if __name__ == "__main__":
    run(visualize)
