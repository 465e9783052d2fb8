"""What must not be told is found in every kind of file, is never shown whole, and what only looks like it is not found.

Secrets are put together here, so that no scanner of this repository finds any.
"""

from __future__ import annotations

import io
import json
import string
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from fieldguide.core.files import write_tar
from fieldguide.publishing.release.publish.files import release_files
from fieldguide.publishing.release.publish.leaks.find import find_leaks
from fieldguide.publishing.release.publish.leaks.kinds import found, without
from fieldguide.publishing.release.publish.leaks.machine import hushed, kinds_here, secret_values
from fieldguide.publishing.release.publish.leaks.people import is_pseudonym

ENVIRONMENT = {"GULL_TOKEN": "blue-horse-battery", "PATH": "/usr/bin:/bin", "TOKEN_FILE": "/etc/token", "MY_KEY": "x"}
WORKING = Path("/srv/benchmarks/gulls")
KINDS = kinds_here(ENVIRONMENT, WORKING)
_40 = "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb7dEf0h"

LEAKS = {
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "access key of AWS": "AKIA" + "Z7Q2M4N6P8R1T3V5",
    "token of GitHub": "ghp_" + _40[:36],
    "token of GitLab": "glpat-" + _40[:20],
    "token of Hugging Face": "hf_" + _40[:34],
    "key of a model's endpoint": "sk-" + "proj-" + _40,
    "token of Slack": "xoxb-" + "1234567890-abcdefghij",
    "key of Google": "AIza" + _40[:35],
    "key of Stripe": "sk_live_" + _40[:24],
    "JSON web token": "eyJ" + _40 + ".eyJ" + _40 + "." + _40,
    "bearer token": "Authorization: Bearer " + _40,
    "password in an address": "https://ada:swordfish@example.org/x",
    "token in an address": "https://example.org/x.jpg?Signature=" + _40,
    "password": "password: swordfish7",
    "secret": "AWS_SECRET_ACCESS_KEY=" + _40,
    "value of $GULL_TOKEN": "blue-horse-battery",
    "e-mail address": "ada.lovelace+gulls@mail.example.org",
    "absolute path": "/home/ada/thesis",
    "path of the working folder": "/srv/benchmarks/gulls",
}

NEAR_MISSES = (
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",  # a sha256
    "sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    '"task_key": "29c0779e41876a58072c59f750813c8a27fc749cd332037ff4f7afff41cb0afd"',
    '"api_key": "29c0779e41876a58072c59f750813c8a27fc749c"',  # a checksum
    "https://orcid.org/0000-0002-1825-0097",
    "https://doi.org/10.5281/zenodo.1234567",
    "t02b1b176.e1 0 0109dcd15ab34692 1",
    "api_key: null",
    "api_key: ${GULL_TOKEN}",
    "token_env: OPENAI_API_KEY",
    "password: a word that nobody knows",
    "tokens: 1234",
    "the key: what colour is the beak?",
    "task-management-and-risk-assessment-2026-11",
    "apple@2x.png",
    "@misc{lovelace2026, author = {Ada Lovelace}}",
    "pip install package@1.2.3",
    "git@main",
    "https://example.org/home/news/today",
    "data/home/ada",
    "./tmp/x",
    "/srv/benchmarks/gulls-of-europe",
    "blue-horse",
    "hf_hub_download",
    "https://example.org:8080/@ada",
    "eyJ is how they begin",
)


def leaks(folder: Path, agreed: set[str] | None = None, locations: bool = False) -> list[str]:
    problems = find_leaks(folder, release_files(folder), KINDS, frozenset(agreed or ()), locations)
    return [str(problem).removeprefix(f"{folder}/") for problem in problems]


@pytest.mark.parametrize("name", LEAKS)
def test_every_kind_is_found_and_not_shown(name: str, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(f"First line.\nSee {LEAKS[name]} there.\n")
    told = leaks(tmp_path)
    assert any(line.startswith("README.md: line 2: holds a") and f" {name} " in line for line in told), told
    assert not any(value in line for line in told for _, _, value in found(LEAKS[name], KINDS)), told


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_near_misses_are_not_found(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text(f"{text}\n")
    assert leaks(tmp_path) == []


def picture(kind: str = "JPEG", **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (4, 4)).save(stream, kind, **options)
    return stream.getvalue()


def exif(**tags: Any) -> Image.Exif:
    made = Image.Exif()
    for tag, value in tags.items():
        made[int(tag[1:])] = value
    return made


def _text(name: str) -> Callable[[Path, str], str]:
    def write(folder: Path, leak: str) -> str:
        (folder / name).write_text(f"a\nb\n{leak}\n")
        return f"{name}: line 3"

    return write


def _jsonl(folder: Path, leak: str) -> str:
    escaped = "".join(f"\\u{ord(c):04x}" for c in leak)
    (folder / "judgments").mkdir()
    (folder / "judgments" / "log.jsonl").write_text('{"a": 1}\n{"note": "' + escaped + '"}\n')
    return "judgments/log.jsonl: line 2"


def _json(folder: Path, leak: str) -> str:
    escaped = json.dumps({"note": f"é\n{leak}"}).replace("@", "\\u0040").replace("/", "\\/")
    (folder / "x.json").write_text(escaped.replace("_", "\\u005f").replace("-", "\\u002d"))
    return "x.json: line 1"


def _column(kind: pa.DataType, value: Callable[[str], Any], where: str) -> Callable[[Path, str], str]:
    def write(folder: Path, leak: str) -> str:
        rows = pa.array([value("nothing"), None, value(leak)], kind)
        pq.write_table(pa.table({"n": [1, 2, 3], "attribution": rows}), folder / "images.parquet")
        return f"images.parquet: row 3, column {where}"

    return write


def _parquet_metadata(folder: Path, leak: str) -> str:
    pq.write_table(pa.table({"n": [1]}).replace_schema_metadata({"note": leak}), folder / "x.parquet")
    return "x.parquet: metadata"


def _parquet_name(folder: Path, leak: str) -> str:
    pq.write_table(pa.table({leak: [1]}), folder / "x.parquet")
    return "x.parquet: names of columns"


def _parquet_bytes(folder: Path, leak: str) -> str:
    data = pa.array([picture(), picture(exif=exif(_315=leak))], pa.binary())
    pq.write_table(pa.table({"jpg": data}), folder / "thumbnails.parquet")
    return "thumbnails.parquet: row 2, column jpg"


def _tar_text(folder: Path, leak: str) -> str:
    write_tar(folder / "x.tar", [("a.txt", b"nothing"), ("b.txt", f"\n{leak}".encode())])
    return "x.tar: member b.txt, line 2"


def _tar_owner(folder: Path, leak: str) -> str:
    with tarfile.open(folder / "x.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("a.txt")
        info.uname = leak
        tar.addfile(info)
    return "x.tar: name of a member"


def _photograph(kind: str, **options: Callable[[str], Any]) -> Callable[[Path, str], str]:
    def write(folder: Path, leak: str) -> str:
        data = picture(kind, **{name: value(leak) for name, value in options.items()})
        write_tar(folder / "x.tar", [("a.jpg", picture()), ("b.jpg", data)])
        return "x.tar: member b.jpg"

    return write


def _png(leak: str) -> Any:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Author", leak, zip=True)
    return info


PLACES: dict[str, Callable[[Path, str], str]] = {
    "Markdown": _text("README.md"),
    "YAML": _text("params.yaml"),
    "CSV": _text("annotation/gold.csv".replace("/", "-")),
    "no ending": _text("NOTES"),
    "JSON": _json,
    "escaped JSON lines": _jsonl,
    "Parquet": _column(pa.string(), str, "attribution"),
    "Parquet, large": _column(pa.large_string(), str, "attribution"),
    "Parquet, dictionary": _column(pa.dictionary(pa.int32(), pa.string()), str, "attribution"),
    "Parquet, list": _column(pa.list_(pa.string()), lambda text: ["a", text], "attribution"),
    "Parquet, list of lists": _column(pa.list_(pa.list_(pa.string())), lambda text: [[], ["a", text]], "attribution"),
    "Parquet, structure": _column(pa.struct([("by", pa.string())]), lambda text: {"by": text}, "attribution.by"),
    "Parquet, map": _column(pa.map_(pa.string(), pa.string()), lambda text: [("a", text)], "attribution.value"),
    "Parquet, bytes": _column(pa.binary(), str.encode, "attribution, line 1"),
    "Parquet's metadata": _parquet_metadata,
    "Parquet's names": _parquet_name,
    "Parquet's photographs": _parquet_bytes,
    "tar": _tar_text,
    "tar's owner": _tar_owner,
    "EXIF": _photograph("JPEG", exif=lambda leak: exif(_315=leak)),
    "EXIF's comment": _photograph("JPEG", exif=lambda leak: exif(_37510=b"ASCII\0\0\0" + leak.encode())),
    "JPEG's comment": _photograph("JPEG", comment=str),
    "EXIF's UTF-16": _photograph("JPEG", exif=lambda leak: exif(_40093=leak.encode("utf-16-le"))),
    "XMP": _photograph("JPEG", xmp=lambda leak: f"<x>{leak}</x>".encode()),
    "PNG's text": _photograph("PNG", pnginfo=_png),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["e-mail address", "token of Hugging Face", "absolute path", "value of $GULL_TOKEN"])
def test_every_kind_of_file_is_looked_into(place: str, name: str, tmp_path: Path) -> None:
    where = PLACES[place](tmp_path, LEAKS[name])
    told = leaks(tmp_path)
    assert any(line.startswith(where) and f" {name} " in line for line in told), told
    assert not any(LEAKS[name] in line for line in told)


@pytest.mark.parametrize("place", PLACES)
def test_nothing_is_found_where_nothing_is(place: str, tmp_path: Path) -> None:
    PLACES[place](tmp_path, "by a botanist")
    assert leaks(tmp_path) == []


def test_names_of_files_and_members(tmp_path: Path) -> None:
    (tmp_path / "ada@example.org.md").write_text("")
    write_tar(tmp_path / "x.tar", [("ben@example.org.jpg", picture())])
    told = leaks(tmp_path)
    assert len(told) == 2, told
    assert "the file's name holds an e-mail address a…" in told[0]
    assert told[1].startswith("x.tar: name of a member: holds an e-mail address b…")
    assert not any("example.org" in line for line in told)


def test_photographs_that_say_where_they_were_taken(tmp_path: Path) -> None:
    placed = Image.Exif()
    placed.get_ifd(0x8825).update({1: "N", 2: (IFDRational(48), IFDRational(1), IFDRational(2))})
    xmp = b'<x xmlns:exif="e"><exif:GPSLatitude>48,1N</exif:GPSLatitude></x>'
    data = [picture(), picture(exif=placed), picture(xmp=xmp), picture("WEBP", exif=placed)]
    write_tar(tmp_path / "x.tar", [(f"{n}.jpg", one) for n, one in enumerate(data)])
    (told,) = leaks(tmp_path)
    assert told.startswith("x.tar: member 1.jpg: a photograph says where it was taken (and 2 more times in this file)")
    assert leaks(tmp_path, locations=True) == []


def test_a_leak_is_told_once_a_file_with_its_first_place(tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text("a\n" + "ada@example.org\n" * 3 + "ben@example.org\n")
    told = leaks(tmp_path)
    assert [line.partition(" holds")[0] for line in told] == ["x.md: line 2:", "x.md: line 5:"]
    assert "(and 2 more times in this file)" in told[0]


def test_a_last_line_without_an_end_is_counted_once(tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text("ada@example.org")
    (told,) = leaks(tmp_path)
    assert "more times" not in told


def test_addresses_whose_owners_agreed(tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text("ada@example.org ben@example.org\n")
    (told,) = leaks(tmp_path, {"ada@example.org"})
    assert "b…" in told
    (told,) = leaks(tmp_path, {"ada@example.org", "ben@example.org", "cleo@example.org"})
    assert told.startswith("--agreed: 'cleo@example.org' is neither")


@pytest.mark.parametrize("secret", ["token of GitHub", "value of $GULL_TOKEN", "absolute path"])
def test_to_secrets_nobody_can_agree(secret: str, tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text(LEAKS[secret])
    assert any(secret in line for line in leaks(tmp_path, {LEAKS[secret]}))


def test_who_judged_is_named_only_if_they_agreed(tmp_path: Path) -> None:
    (tmp_path / "judgments").mkdir()
    names = ("assessor-1", "a2", "second", "dataset-label", "Ada Lovelace", "ben", "Ada Lovelace")
    (tmp_path / "judgments" / "log.jsonl").write_text("".join(f'{{"assessor": "{name}"}}\n' for name in names))
    plan = pa.table({"assessor": ["ben", "cleo", "anybody"]})
    pq.write_table(plan, tmp_path / "judgments" / "plan.parquet")
    (tmp_path / "params.yaml").write_text(
        "adjudicate: {judge: log}\nannotate: {assessors: [ben, dora, a7], adjudicator: emil}\n"
    )
    told = leaks(tmp_path)
    assert [line.partition(", who judged")[0] for line in told] == [
        "judgments/log.jsonl:5: names 'Ada Lovelace'",
        "judgments/log.jsonl:6: names 'ben'",
        "judgments/plan.parquet: names 'cleo'",
        "params.yaml: names 'dora'",
        "params.yaml: names 'emil'",
    ]
    assert leaks(tmp_path, {"Ada Lovelace", "ben", "cleo", "dora", "emil"}) == []


def test_of_labels_nobody_is_named(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("adjudicate: {judge: dataset-label}\nannotate: {assessors: [ada]}\n")
    assert leaks(tmp_path) == []


@pytest.mark.parametrize("name", ["a", "a1", "A-7", "assessor_12", "rater3", "worker-0", "adjudicator", "third"])
def test_pseudonyms(name: str) -> None:
    assert is_pseudonym(name)


@pytest.mark.parametrize("name", ["ada", "Ada L.", "al", "jb", "ada1", "assessor-ada", "ada@example.org", "a1b"])
def test_names_that_tell_of_somebody(name: str) -> None:
    assert not is_pseudonym(name)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.parquet", b"PAR1 and no more"), ("x.tar", b"no tar" * 999), ("x.jpg", b"\xff\xd8\xff and no more"),
        ("x.bin", b"\0\1\2\3"), ("x.md", b"\xff\xfeh\0i\0"), ("x.gz", b"\x1f\x8b\x08\0\0\0"), ("x.md", b"caf\xe9"),
        ("x.tar.gz", b"\x1f\x8b\x08\0\0\0"), ("x.zip", b"PK\3\4\0\0"),
    ],
)  # fmt: skip
def test_what_cannot_be_looked_into_is_told(name: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    (told,) = leaks(tmp_path)
    assert told.startswith(f"{name}: ")
    assert "looked into" in told or "cannot be read" in told


def test_links_of_an_archive_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "release").mkdir()
    with tarfile.open(tmp_path / "release" / "x.tar", "w") as tar:
        info = tarfile.TarInfo("../../../up.txt")
        info.type, info.linkname = tarfile.SYMTYPE, "/home/ada/secret"
        tar.addfile(info)
    (told,) = leaks(tmp_path / "release")
    assert told.startswith("x.tar: name of a member: holds an absolute path /home/…")
    assert [path.name for path in tmp_path.rglob("*")] == ["release", "x.tar"]


def test_a_leak_across_the_blocks_that_are_read(tmp_path: Path) -> None:
    """At every distance from the end of a block of 4 MiB; with lines, and in one line."""
    for filler in ("x", "xy z\n"):
        text = (filler * (1 << 22))[: (1 << 22) - 20]
        (tmp_path / "x.md").write_text(text + " ada.lovelace@example.org " + text)
        assert any("e-mail address" in line for line in leaks(tmp_path)), filler


@given(st.text(alphabet=string.ascii_letters + string.digits + " .:/@=?&_-\"'\\\n", max_size=400))
def test_what_is_shown_holds_nothing_that_is_found(text: str) -> None:
    shown = without(text, KINDS)
    for kind, _, value in found(text, KINDS):
        assert kind.shown >= len(value) or value not in shown


def test_hostile_text_is_looked_through_in_time(tmp_path: Path) -> None:
    """Megabytes of what almost matches. Were a pattern quadratic, this would take days."""
    for text in ("a@", "a.", "token=", "://:", "eyJ", "sk-", "-----BEGIN A ", "/home/", "?key=", "bearer ", "A" * 99,
                 "a_pass", "___", "authorization: basic "):  # fmt: skip
        (tmp_path / "x.md").write_text(text * (3_000_000 // len(text)) + " ada.lovelace@example.org")
        assert any("e-mail address" in line for line in leaks(tmp_path)), text


def test_secrets_are_known_by_their_variables() -> None:
    secrets = ("PGPASSWORD", "OPENAI_KEY", "GITHUB_PAT", "DB_PASS", "AWS_SECRET_ACCESS_KEY")
    assert secret_values(dict.fromkeys(secrets, "/bl8e-horse-battery")).keys() == set(secrets)
    assert secret_values({"KEYBOARD": "blue-horse-battery", "SSH_KEY_PATH": "/not/there/at-all"}) == {}


def test_secrets_of_the_environment() -> None:
    assert secret_values(ENVIRONMENT) == {"GULL_TOKEN": "blue-horse-battery"}
    assert hushed("said blue-horse-battery twice: blue-horse-battery", ENVIRONMENT) == "said *** twice: ***"
