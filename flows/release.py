"""A folder that another group can use, check and rebuild: `python -m flows.release`."""

from prefect import flow

from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.runtime.progress import show_progress
from fieldguide.runtime.step import run


@flow
def release(params: Params) -> None:
    """Write data/release/."""
    from fieldguide.publishing.release.make import make_release

    paths = Paths()
    summary = make_release(params, paths, show_progress)
    print(
        f"release: {paths.release} ({summary.files} files; {summary.images} images in the manifest, "
        f"{summary.photographs} of them with a stated licence and so with their bytes)"
    )


if __name__ == "__main__":
    run(release)
