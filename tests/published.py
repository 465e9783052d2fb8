"""The published benchmarks, which lie beside the repository and are never part of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

VISUAL_RAG_ME = "visual-rag-me_final_v1.jsonl"
INQUIRE_RERANK_HARD = "inquire_rerank_hard_final.json"


@pytest.fixture(scope="session")
def benchmarks() -> Path:
    """Folder of the published files, FIELDGUIDE_BENCHMARKS or ../shared/benchmarks; skips where it is missing."""
    folder = Path(os.environ.get("FIELDGUIDE_BENCHMARKS", REPOSITORY.parent / "shared" / "benchmarks"))
    for name in (VISUAL_RAG_ME, INQUIRE_RERANK_HARD):
        if not (folder / name).is_file():
            pytest.skip(f"{folder / name} is missing; set FIELDGUIDE_BENCHMARKS to the folder that holds it")
    return folder
