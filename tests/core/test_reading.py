"""Files that somebody else wrote: what cannot be read is one line that names the place."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import read_json, read_jsonl
from fieldguide.core.yaml_files import parse_yaml


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff", r"f:1: byte 0xff is no UTF-8"),
        ("{}".encode("utf-16"), "is UTF-16 text"),
        (b"{", "not valid JSON"),
        (b'{"a": 1}\n{"a":', "f(:2)?: not valid JSON"),
        (b"[" * 10_000, "nested too deeply"),
        (b'{"a": ' + b"1" * 5000 + b"}", "Exceeds the limit"),
        (b"", "not valid JSON"),
    ],
)
def test_json_that_is_none_is_told(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "f"
    path.write_bytes(data)
    with pytest.raises(FieldguideError, match=words):
        read_json(path)
    if data:
        with pytest.raises(FieldguideError, match=words):
            list(read_jsonl(path))


def test_no_file_and_a_folder_are_told(tmp_path: Path) -> None:
    for read in (read_json, lambda path: list(read_jsonl(path))):
        with pytest.raises(FieldguideError, match="no such file"):
            read(tmp_path / "none")
        with pytest.raises(FieldguideError, match="is a folder; expected a file"):
            read(tmp_path)


@given(st.text(max_size=60) | st.text("ab:[]{}\n -&*!|>'\"%@#,?", max_size=60))
def test_any_text_is_yaml_or_told(text: str) -> None:
    try:
        parse_yaml(text, "f")
    except FieldguideError as error:
        assert str(error).startswith("f")
