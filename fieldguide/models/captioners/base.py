"""What every captioner does with a model's words."""

from __future__ import annotations

from fieldguide.models.loading.protocols import Refused


def one_line(text: str) -> str | Refused:
    """A model's words as a caption: white space as single spaces, refused where nothing is left."""
    words = " ".join(text.split())
    return words or Refused("the captioner said nothing")
