"""Sections of captioners, one class a kind, and of the stages that caption images and recompose captions."""

from __future__ import annotations

from fieldguide.core.section import Name, Positive, Section


class Caption(Section):
    """Stage `caption`: the gallery and the topics' drawings in words; nothing where `captioner` is null."""

    captioner: Name | None = None
    batch: Positive = 16
