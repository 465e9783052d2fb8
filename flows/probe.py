"""Change questions, and see which systems notice: `python -m flows.probe`."""

from fieldguide.runtime.stage import Run, stage


@stage
def probe(run: Run) -> None:
    """Write data/evaluation/probes.json; data/probes/ keeps what was asked. Prints what each system is."""
    from fieldguide.cli.tables import show
    from fieldguide.evaluation.probing.asking import ask
    from fieldguide.evaluation.probing.probes import write_probes
    from fieldguide.evaluation.probing.world import choose, draw_worlds, encode_worlds, write_worlds
    from fieldguide.models.registry import load_encoder, load_generator

    params, paths, spec = run.params, run.paths, run.params.probe
    headline = params.evaluate.headline
    sections = [section for name in spec.systems for _, section in params.system(name).walk(name)]
    probes = choose(paths, spec.topics if spec.systems else 0, spec.seed)
    worlds = write_worlds(paths.root, probes)
    if any(section.drawings for section in sections):
        name = params.visualize.generator
        generator = load_generator(name, params.generators[name], paths.root)
        print(draw_worlds(paths, worlds, params.visualize, generator, run.track))
    for name in sorted({encoder for section in sections for encoder in section.encoders.values()}):
        loaded = load_encoder(name, params.encoder(name), paths.root)
        encoded = encode_worlds(paths, worlds, loaded, params.encoder(name).dtype, params.embed.batch, run.track)
        print(f"{name}: {encoded} encoded now")
    reactions = ask(spec, headline, params.systems, paths, worlds, run.track)
    write_probes(paths.probes, reactions, probes.skipped, {**spec.model_dump(), "measure": headline})
    show(
        ({"system": r.system, "probe": r.probe, "overlap": f"{r.overlap:.2f}", "reacts": r.reacts} for r in reactions),
        ("system", "probe", "overlap", "reacts"),
    )


if __name__ == "__main__":
    probe.main()
