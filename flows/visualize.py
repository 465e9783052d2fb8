"""Draw every phrase and every generic prompt: `python -m flows.visualize`."""

from flows.stage import Run, stage


@stage
def visualize(run: Run) -> None:
    """Write data/drawings/; print how many were drawn, were there already, and failed."""
    from fieldguide.drawings import draw_all, failures
    from fieldguide.models import load_generator
    from fieldguide.records import read_phrases

    values, places = run.params.visualize, run.places
    generator = load_generator(values.generator, run.params.generators[values.generator], places.root)
    summary = draw_all(read_phrases(places.phrases), values, generator, places, run.track)
    print(f"{values.generator}: {summary}")
    for reason, count in failures(places).most_common():
        print(f"  {count} x {reason}")


if __name__ == "__main__":
    visualize.main()
