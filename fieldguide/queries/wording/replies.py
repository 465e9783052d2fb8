"""What a chat model replies where one line of text is wanted."""

from __future__ import annotations

from fieldguide.models.loading.protocols import Refused


def one_line(reply: str | Refused, longest: int) -> str | Refused:
    """The reply as one line without quotation marks; a refusal where it is empty, too long or not printable."""
    if isinstance(reply, Refused):
        return reply
    text = " ".join(reply.split()).strip("\"'")
    if not text or len(text) > longest or not text.isprintable():
        return Refused(f"must be 1 to {longest} printable characters")
    return text
