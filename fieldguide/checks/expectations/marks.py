"""Marks by which an image says of itself that it was generated: metadata alone, no look at the pixels.

- C2PA manifests (JUMBF): segments APP11 of a JPEG, chunk `caBX` of a PNG, chunk `C2PA` of a WEBP (C2PA specification
  2.2, annex A.3). The whole store is searched, what went into the image included; signatures are not verified.
- XMP's `DigitalSourceType`: values of IPTC's vocabulary http://cv.iptc.org/newscodes/digitalsourcetype/.
- Texts and EXIF fields that generators write, as the parsers of sd-parsers 0.6 (PyPI) and sd-metadata (npm) know them.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator

from PIL import ExifTags, Image

from fieldguide.corpus.store.pixels import FORMATS, riff_chunks

# Raise it when `generation_marks` answers something else for the same bytes: they are then looked at again.
MARKS_VERSION = 1
GENERATED_SOURCES = (
    "trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "compositeSynthetic", "algorithmicMedia",
    "trainedAlgorithmicData",
)  # fmt: skip
_ANY = "|".join(GENERATED_SOURCES)
# No end of a word is asked for: in CBOR the length of what follows, often a letter, comes right behind.
_CLAIMED = re.compile(rf"digitalsourcetype/({_ANY})".encode())
# As an attribute, as an element, or as an element's rdf:resource; a URI, a QCode, or the bare name.
_PROPERTY = re.compile(
    rb"(DigitalSourceType|CreatorTool)(?:\s+rdf:resource)?\s*(?:=\s*[\"']|>)\s*([^\"'<>]{1,200})", re.IGNORECASE
)
_SOURCE = re.compile(rf"(?:.*[/:])?({_ANY})\s*")
_TOOL = re.compile(
    r"\b(NovelAI|InvokeAI|ComfyUI|SwarmUI|Fooocus|Easy Diffusion|Draw Things|Stable Diffusion|Midjourney|DALL-E"
    r"|Adobe Firefly)\b"
)
_NAMES_A_TOOL = ("Software", "CreatorTool", "Source")
# (tool, field, text); what stands between two marks is bounded, so that no text takes long.
_WRITTEN = tuple(
    (tool, re.compile(field), re.compile(text))
    for tool, field, text in (
        ("Stable Diffusion web UI", ".*", r"\bSteps: \d+, [^\n]{0,500}\bSeed: \d+"),
        ("ComfyUI", ".*", r'"(class_type|last_node_id)"\s*:'),
        ("SwarmUI", ".*", r'"sui_image_params"\s*:'),
        ("Fooocus", ".*", r'"base_model_hash"\s*:'),
        ("InvokeAI", r"invokeai_\w+|sd-metadata", ""),
        ("InvokeAI", "Dream", r'" -s ?\d+ [^\n]{0,100}-S ?\d+'),
    )
)
_LONGEST = 1 << 20
"""Characters of a field that are looked at; generators write a few thousand."""
_FIELDS = (ExifTags.Base.ImageDescription, ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.Software)


def generation_marks(data: bytes) -> list[str]:
    """Marks in words, sorted; none where nothing says that the image was generated.

    Metadata that cannot be read, and bytes that are no image, say nothing; neither raises.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return sorted({mark for read in (_manifest, _xmp, _exif, _texts) for mark in _said(read, data, image)})
    except MemoryError:
        raise
    except Exception:  # whatever a parser raises on hostile bytes
        return []


def _said(read: Callable[[bytes, Image.Image], Iterator[str]], data: bytes, image: Image.Image) -> set[str]:
    """What one reader finds before it meets what it cannot read."""
    found: set[str] = set()
    try:
        found.update(read(data, image))
    except MemoryError:
        raise
    except Exception:  # as above
        return found
    return found


def _manifest(data: bytes, image: Image.Image) -> Iterator[str]:
    store = b"".join(_boxes(data, image))
    if b"c2pa\0" in store:  # the label; other JUMBF boxes make other claims
        for match in _CLAIMED.finditer(store):
            yield f"C2PA manifest: {match[1].decode()}"


def _boxes(data: bytes, image: Image.Image) -> Iterator[bytes]:
    """Parts of the manifest store, in order."""
    if image.format == "WEBP":
        yield from (content for name, content in riff_chunks(data) if name == b"C2PA")
    for name, *content in getattr(image, "private_chunks", ()):
        if name == b"caBX":
            yield content[0]
    for name, segment in getattr(image, "applist", ()):
        if name == "APP11" and segment[:2] == b"JP":
            # Behind "JP", box and packet number (2, 2, 4 bytes) each further packet has the box's header again (8).
            yield segment[8:] if segment[4:8] == b"\0\0\0\1" else segment[16:]


def _xmp(_: bytes, image: Image.Image) -> Iterator[str]:
    _read_to_the_end(image)
    packet = image.info.get("xmp", b"")
    for match in _PROPERTY.finditer(packet if isinstance(packet, bytes) else packet.encode()):
        name, value = match[1].decode(), match[2].decode("utf-8", "replace")
        source = _SOURCE.fullmatch(value)
        if source:
            yield f"XMP `{name}`: {source[1]}"
        yield from _by_tool("XMP", name, value)


def _exif(_: bytes, image: Image.Image) -> Iterator[str]:
    exif = image.getexif()
    values = {field.name: exif.get(field) for field in _FIELDS}
    values["UserComment"] = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment)
    for name, value in values.items():
        yield from _by_tool("EXIF", name, _plain(value))


def _texts(_: bytes, image: Image.Image) -> Iterator[str]:
    _read_to_the_end(image)
    for name, value in image.info.items():
        if name == "comment" or isinstance(value, str):
            yield from _by_tool("text", str(name), _plain(value))


def _read_to_the_end(image: Image.Image) -> None:
    if image.format == "PNG":  # whose texts may stand behind the pixels
        image.load()


def _plain(value: object) -> str:
    """Text of a field. What we look for is ASCII, which is the same in UTF-16 of either order without the zeros."""
    return value.replace(b"\0", b"").decode("latin-1") if isinstance(value, bytes) else str(value)


def _by_tool(kind: str, name: str, value: str) -> Iterator[str]:
    value = value[:_LONGEST]
    tools = {tool for tool, field, text in _WRITTEN if field.fullmatch(name) and text.search(value)}
    named = _TOOL.search(value) if name in _NAMES_A_TOOL else None
    if named:
        tools.add(named[1])
    for tool in tools:
        yield f"{kind} `{name}` of {tool}"
