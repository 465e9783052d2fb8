"""Section of the stage that asks whether drawings show what they were asked for."""

from __future__ import annotations

from fieldguide.core.section import Name, Section, Share


class Fidelity(Section):
    """Stage `fidelity`: drawings against the entities' reference photographs.

    Attributes:
        encoder: whose image space they are compared in.
        centre: take from drawings and photographs the mean of their own domain first (docs/decisions/0006).
        found: the headline measure from which on a subtopic counts as found, where a failure is placed.
    """

    encoder: Name
    centre: bool = True
    found: Share = 0.5
