"""Do drawings show what was asked for, and who notices a changed question? `python -m flows.diagnose`."""

from collections import Counter

from prefect import flow, task

from fieldguide.core.paths import Paths
from fieldguide.evaluation.fidelity.section import Fidelity
from fieldguide.params import Params
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
def change_questions(params: Params, paths: Paths) -> None:
    """Write data/evaluation/probes.json; data/probes/ keeps what was asked. Prints what each system is."""
    from fieldguide.evaluation.probing.asking import ask
    from fieldguide.evaluation.probing.probes import write_probes
    from fieldguide.evaluation.probing.world import choose, draw_worlds, encode_worlds, write_worlds
    from fieldguide.models.encoders.registry import load_encoder
    from fieldguide.models.generators.registry import load_generator

    spec = params.probe
    sections = [section for name in spec.systems for _, section in params.system(name).walk(name)]
    probes = choose(paths, spec.topics if spec.systems else 0, spec.seed)
    worlds = write_worlds(paths.root, probes)
    if any(section.drawings for section in sections):
        name = params.visualize.generator
        generator = load_generator(name, params.generators[name], paths.root)
        print(draw_worlds(paths, worlds, params.visualize, generator, show_progress))
    for name in sorted({encoder for section in sections for encoder in section.encoders.values()}):
        loaded = load_encoder(name, params.encoder(name), paths.root)
        print(f"{name}: {encode_worlds(paths, worlds, params, loaded, show_progress)} encoded now")
    reactions = ask(params, paths, worlds, show_progress)
    write_probes(
        paths.probes, reactions, probes.skipped, {**spec.model_dump(), "measure": params.evaluate.headline}
    )  # fmt: skip
    show(
        ({"system": r.system, "probe": r.probe, "overlap": f"{r.overlap:.2f}", "reacts": r.reacts} for r in reactions),
        ("system", "probe", "overlap", "reacts"),
    )


@flow
def diagnose(params: Params) -> None:
    """Write fidelity.json and probes.json of data/evaluation/."""
    paths = Paths()
    once(compare_drawings, params.fidelity, paths)
    once(change_questions, params, paths)


if __name__ == "__main__":
    run(diagnose)
