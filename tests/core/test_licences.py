"""What this project installs directly may be used by whoever uses it: no licence asks for more than MIT allows."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata

import pytest

from tests.conftest import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
DIRECT = [
    re.split(r"[<>=\[;~! ]", text)[0]
    for text in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["cluster"]]
]
PERMISSIVE = r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|HPND|CMU|MPL-2.0|Mozilla Public License 2.0|Zlib"
UNSTATED = {"label-studio-sdk"}  # its repository says Apache-2.0, its wheel nothing
COPYLEFT = r"\bA?GPL|General Public License"


@pytest.mark.parametrize("name", DIRECT)
def test_a_direct_dependency_has_a_permissive_licence(name: str) -> None:
    try:
        told = metadata(name)
    except PackageNotFoundError:
        pytest.skip("not installed")
    classifiers = [c for c in told.get_all("Classifier") or [] if c.startswith("License ::")]
    stated = " ".join([told.get("License-Expression") or "", *classifiers]).strip() or (told.get("License") or "")
    assert (name in UNSTATED) == (not stated)
    assert not stated or re.search(PERMISSIVE, stated), stated[:200]
    assert not re.search(COPYLEFT, stated), stated[:200]
