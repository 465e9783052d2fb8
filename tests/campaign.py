"""How often a test repeats a blow, and over how much it measures: little with `make test`, all with `make campaign`.

Every test runs either way and asserts the same. A campaign kills a server twenty times where a test kills it seven
times; it is run before a release, and takes about half an hour more.
"""

from __future__ import annotations

import os
from typing import TypeVar

Size = TypeVar("Size")
WHOLE = os.environ.get("FIELDGUIDE_CAMPAIGN") == "1"


def sized(small: Size, whole: Size) -> Size:
    """`whole` in a campaign, else `small`."""
    return whole if WHOLE else small
