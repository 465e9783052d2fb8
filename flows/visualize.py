"""Draw every phrase and every generic prompt: `python -m flows.visualize`."""

from fieldguide.runtime.stage import Run, stage


@stage
def visualize(run: Run) -> None:
    """Write data/drawings/; print how many were drawn, were there already, and failed."""
    from fieldguide.models.registry import load_generator
    from fieldguide.queries.visuals.drawing.drawings import draw_all, failures
    from fieldguide.records.topics import read_phrases

    values, paths = run.params.visualize, run.paths
    generator = load_generator(values.generator, run.params.generators[values.generator], paths.root)
    summary = draw_all(read_phrases(paths.phrases), values, generator, paths, run.track)
    print(f"{values.generator}: {summary}")
    for reason, count in failures(paths).most_common():
        print(f"  {count} x {reason}")


if __name__ == "__main__":
    visualize.main()
