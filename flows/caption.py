"""Caption the gallery and the topics' drawings: `python -m flows.caption`."""

from fieldguide.runtime.stage import Run, stage


@stage
def caption(run: Run) -> None:
    """Write data/captions/; print how many were captioned, were there already, and failed."""
    from fieldguide.models.registry import load_captioner
    from fieldguide.queries.visuals.captioning.captions import caption_all, captioned_items, write_no_captions

    values, paths = run.params.caption, run.paths
    if values.captioner is None:
        write_no_captions(paths)
        print("no captioner is named (caption.captioner)")
        return
    captioner = load_captioner(values.captioner, run.params.captioners[values.captioner], paths.root)
    summary = caption_all(captioned_items(paths), captioner, paths, values.batch, run.track)
    print(f"{values.captioner}: {summary}")


if __name__ == "__main__":
    caption.main()
