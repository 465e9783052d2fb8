"""What a step's process is told before it loads anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from fieldguide.runtime.environment import prepare
from tests.conftest import REPOSITORY


def test_a_product_has_one_thread_unless_a_user_says_otherwise(tmp_path: Path) -> None:
    unset: dict[str, str] = {}
    prepare(unset, tmp_path)
    assert unset["OPENBLAS_NUM_THREADS"] == "1"
    chosen = {"OPENBLAS_NUM_THREADS": "8"}
    prepare(chosen, tmp_path)
    assert chosen["OPENBLAS_NUM_THREADS"] == "8"


def test_it_is_told_before_numpy_and_prefect_read_it_and_garbage_is_looked_for_again() -> None:
    command = "import sys, fieldguide.runtime.environment; assert not {'numpy', 'prefect'} & set(sys.modules); "
    command += "import flows, gc; assert gc.isenabled() and gc.get_freeze_count() and 'prefect' in sys.modules"
    subprocess.run([sys.executable, "-c", command], cwd=REPOSITORY, check=True)
