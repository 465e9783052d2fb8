"""Take each subtopic apart into entity and part: `python -m flows.decompose`."""

from fieldguide.runtime.stage import Run, stage


@stage
def decompose(run: Run) -> None:
    """Write data/components/components.jsonl; print counts."""
    from fieldguide.queries.rewriting.decomposing import decompose as take_apart

    components = take_apart(run.params.decompose, run.paths)
    print(f"{len(components)} components, {len({c.text for c in components})} of them different")


if __name__ == "__main__":
    decompose.main()
