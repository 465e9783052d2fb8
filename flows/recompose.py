"""Recompose captions of drawings with what is asked: `python -m flows.recompose`."""

from fieldguide.runtime.stage import Run, stage


@stage
def recompose(run: Run) -> None:
    """Write data/recomposed/; print counts."""
    from fieldguide.queries.visuals.captioning.recomposing import recompose as recompose_captions

    print(recompose_captions(run.params.recompose, run.paths, run.track))


if __name__ == "__main__":
    recompose.main()
