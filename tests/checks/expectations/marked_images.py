"""Images that say how they were made, byte by byte: C2PA manifests, XMP, EXIF and texts of generators."""

from __future__ import annotations

import io
import zlib
from typing import Any

from PIL import ExifTags, Image, PngImagePlugin

VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SETTINGS = "a fig\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 965400086, Size: 512x512"


def saved(form: str, seed: int = 0, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.effect_noise((32, 24), 40 + seed).convert("RGB").save(stream, form, **options)
    return stream.getvalue()


def png(late: bool = False, **texts: str) -> bytes:
    """A PNG with text chunks, behind the pixels if `late`."""
    if late:
        chunks = [chunk(b"iTXt", name.encode() + b"\0\0\0\0\0" + text.encode()) for name, text in texts.items()]
        whole = saved("PNG")
        return whole[:-12] + b"".join(chunks) + whole[-12:]
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        info.add_text(name, text, zip=len(text) > 100)
    return saved("PNG", pnginfo=info)


def chunk(name: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4) + name + content + zlib.crc32(name + content).to_bytes(4)


def exif(form: str, comment: bytes = b"", **fields: str) -> bytes:
    made = Image.Exif()
    for name, text in fields.items():
        made[ExifTags.Base[name]] = text
    if comment:
        made.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    return saved(form, exif=made)


def xmp(inner: str, attributes: str = "") -> bytes:
    """A packet; `Iptc4xmpExt` and `dc` are bound."""
    return (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/" {attributes}>{inner}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def cbor(value: Any) -> bytes:
    """RFC 8949 of texts, lists and mappings."""
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(cbor, value))
    return _head(5, len(value)) + b"".join(cbor(key) + cbor(item) for key, item in value.items())


def _head(major: int, size: int) -> bytes:
    return bytes([major << 5 | size]) if size < 24 else bytes([major << 5 | 24, size])


def manifest(source: str, kind: str = "c2pa") -> bytes:
    """A manifest store with one action, unsigned. The key behind the source type begins with a letter as its length."""
    actions = {"actions": [{"action": "c2pa.created", "digitalSourceType": source, "softwareAgent": "a camera"}]}
    assertion = _superbox("cbor", "c2pa.actions.v2" if kind == "c2pa" else "actions", _box("cbor", cbor(actions)))
    return _superbox(kind, kind, _superbox("c2ma", "urn:uuid:1", _superbox("c2as", f"{kind}.assertions", assertion)))


def _superbox(kind: str, label: str, *content: bytes) -> bytes:
    uuid = kind.encode() + bytes.fromhex("00110010800000aa00389b71")
    return _box("jumb", _box("jumd", uuid + b"\x03" + label.encode() + b"\0") + b"".join(content))


def _box(kind: str, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4) + kind.encode() + content


def jpeg_with(store: bytes, most: int = 60_000) -> bytes:
    """Segments APP11 of ISO 19566-5, each with at most `most` bytes of the box."""
    parts = [store[start : start + most] for start in range(8, len(store), most)]
    segments = [b"JP\0\1" + number.to_bytes(4) + store[:8] + part for number, part in enumerate(parts, 1)]
    made = b"".join(b"\xff\xeb" + (2 + len(segment)).to_bytes(2) + segment for segment in segments)
    whole = saved("JPEG")
    return whole[:2] + made + whole[2:]


def png_with(store: bytes) -> bytes:
    whole = saved("PNG")
    return whole[:33] + chunk(b"caBX", store) + whole[33:]


def webp_with(store: bytes) -> bytes:
    whole = saved("WEBP")
    made = whole[8:] + b"C2PA" + len(store).to_bytes(4, "little") + store + b"\0" * (len(store) % 2)
    return b"RIFF" + len(made).to_bytes(4, "little") + made
