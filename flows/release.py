"""Stage `release`: a folder that another group can use, check and rebuild."""

from __future__ import annotations

from fieldguide.runtime.stage import Run, stage


@stage
def release(run: Run) -> None:
    """Write data/release/."""
    from fieldguide.publishing.release.make import make_release

    summary = make_release(run.params, run.paths, run.track)
    print(
        f"release: {run.paths.release} ({summary.files} files; {summary.images} images in the manifest, "
        f"{summary.photographs} of them with a stated licence and so with their bytes)"
    )


if __name__ == "__main__":
    release.main()
