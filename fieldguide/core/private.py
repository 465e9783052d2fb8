"""Files and folders that their owner alone may read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from fieldguide.core.files import atomic_path

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def write_private(path: Path, text: str) -> None:
    """Write a file whole or not at all, mode 0600 from its first byte, in a folder of mode 0700."""
    private_folder(path.parent)
    with atomic_path(path) as temporary:
        temporary.unlink(missing_ok=True)
        with os.fdopen(
            os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as stream:
            stream.write(text)


def private_folder(folder: Path) -> None:
    """Make a folder that its owner alone may enter; one that is there is closed to others."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if stat.S_IMODE(folder.stat().st_mode) & OTHERS:
        folder.chmod(0o700)
