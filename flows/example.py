"""Place the example's photographs, knowledge and weights under data/input/: `python -m flows.example`.

No stage: what it places is the input of the pipeline.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from flows.inputs import place_example, read_example


def main() -> None:
    """Place what data/example.yaml lists; what is there already is left alone."""
    paths = Paths()
    try:
        for item, made in place_example(read_example(Path("data/example.yaml")), paths.input):
            verb = "placed" if made else "up to date"
            print(f"{paths.input / item.to}: {verb} ({item.package} {item.version})", flush=True)
    except FieldguideError as error:
        sys.exit(f"example: {error}")


if __name__ == "__main__":
    main()
