"""params.yaml as typed, validated values: one section a stage, unknown keys refused, all problems told at once."""

from fieldguide.params.document import Params
from fieldguide.params.reading import parse_params, read_params

__all__ = ["Params", "parse_params", "read_params"]
