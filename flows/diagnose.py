"""Do drawings show what was asked for, and who notices a changed question? `python -m flows.diagnose`."""

from collections import Counter
from typing import Any

from prefect import flow, task

from fieldguide.core.paths import Paths
from fieldguide.evaluation.fidelity.section import Fidelity
from fieldguide.evaluation.probing.section import Probe
from fieldguide.evaluation.section import Evaluate
from fieldguide.models.encoders.section import AnyEncoder
from fieldguide.models.generators.section import AnyGenerator
from fieldguide.queries.visuals.drawing.section import Visualize
from fieldguide.retrieval.encoding.section import Embed
from fieldguide.retrieval.systems.sections.systems import System
from fieldguide.runtime.progress import show_progress
from fieldguide.runtime.services import ASKS_A_SERVICE
from fieldguide.runtime.step import once, run
from fieldguide.runtime.tables import show


@task
def compare_drawings(section: Fidelity, paths: Paths) -> None:
    """Write data/evaluation/fidelity.json; print how many drawings are named right."""
    from fieldguide.evaluation.fidelity.fidelity import measure_fidelity, write_fidelity

    report = measure_fidelity(paths, section)
    write_fidelity(paths.fidelity, report)
    shares = {"drawings": report.accuracy, "photographs": report.ceiling, "chance": report.chance}
    print(", ".join(f"{name} {'none' if share is None else f'{share:.0%}'}" for name, share in shares.items()))
    counts = Counter(phrase.verdict for phrase in report.phrases)
    print("phrases: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common()))


@task(**ASKS_A_SERVICE)
def draw_changed(worlds: Any, visualize: Visualize, name: str, generator: AnyGenerator, paths: Paths) -> str:
    """Draw the phrases of changed questions; what exists is kept, so that a retry goes on."""
    from fieldguide.evaluation.probing.world import draw_worlds
    from fieldguide.models.generators.registry import load_generator

    loaded = load_generator(name, generator, paths.root)
    return draw_worlds(paths, worlds, visualize, loaded, show_progress)


@task
def encode_changed(name: str, section: AnyEncoder, embed: Embed, worlds: Any, paths: Paths) -> str:
    """Encode changed questions and their drawings."""
    from fieldguide.evaluation.probing.world import encode_worlds
    from fieldguide.models.encoders.registry import load_encoder

    loaded = load_encoder(name, section, paths.root)
    return f"{name}: {encode_worlds(paths, worlds, loaded, section.dtype, embed.batch, show_progress)} encoded now"


@flow
def diagnose(
    fidelity: Fidelity, probe: Probe, evaluate: Evaluate, embed: Embed, encoders: dict[str, AnyEncoder],
    generators: dict[str, AnyGenerator], visualize: Visualize, systems: dict[str, System],
) -> None:  # fmt: skip
    """Write fidelity.json and probes.json of data/evaluation/; data/probes/ keeps what was asked."""
    from fieldguide.evaluation.probing.asking import ask
    from fieldguide.evaluation.probing.probes import write_probes
    from fieldguide.evaluation.probing.world import choose, write_worlds

    paths = Paths()
    once(compare_drawings, fidelity, paths)
    sections = [section for name in probe.systems for _, section in systems[name].walk(name)]
    probes = choose(paths, probe.topics if probe.systems else 0, probe.seed)
    worlds = write_worlds(paths.root, probes)
    drawer = visualize.generator
    if drawer is not None and any(section.drawings for section in sections):
        print(once(draw_changed, worlds, visualize, drawer, generators[drawer], paths))
    for name in sorted({encoder for section in sections for encoder in section.encoders.values()}):
        print(once(encode_changed, name, encoders[name], embed, worlds, paths))
    reactions = ask(probe, evaluate.headline, systems, paths, worlds, show_progress)
    write_probes(paths.probes, reactions, probes.skipped, {**probe.model_dump(), "measure": evaluate.headline})
    columns = ("system", "probe", "overlap", "reacts")
    rows = (dict(zip(columns, (r.system, r.probe, f"{r.overlap:.2f}", r.reacts), strict=True)) for r in reactions)
    show(rows, columns)


if __name__ == "__main__":
    run(diagnose)
