"""What this machine would be known by: its folders, and the secrets of its environment."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from fieldguide.publishing.release.publish.leaks.kinds import BEFORE_PATH, EMAIL, HOMES, PATH, SECRETS, LeakKind

_SECRET = re.compile(
    r"TOKEN(?:_|$)|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?(?:_|$)|API_?KEY|ACCESS_KEY|PRIVATE_KEY|"
    r"_(?:KEY|PASS|PAT|PWD)$"
)
_SHORTEST = 8
"""Characters. What is shorter stands in prose by chance."""


def secret_values(environment: Mapping[str, str]) -> dict[str, str]:
    """Values of variables that are called like secrets, by name. Paths of what is there are none."""
    return {
        name: value
        for name, value in sorted(environment.items())
        if _SECRET.search(name.upper()) and len(value.strip()) >= _SHORTEST and not _is_path(name, value)
    }


def _is_path(name: str, value: str) -> bool:
    """Secrets of AWS may begin with a slash too."""
    try:
        return value.startswith("/") and (name.upper().endswith(("_FILE", "_PATH", "_DIR")) or Path(value).exists())
    except (OSError, ValueError):
        return False


def hushed(text: str, environment: Mapping[str, str]) -> str:
    """`text` without the secrets of the environment: what services answer may repeat them."""
    for value in sorted(secret_values(environment).values(), key=len, reverse=True):
        text = text.replace(value, "***")
    return text


def kinds_here(environment: Mapping[str, str], working: Path) -> tuple[LeakKind, ...]:
    """All kinds, with this machine's folders and secrets.

    Args:
        environment: of the process.
        working: the folder in which it works.
    """
    values = secret_values(environment)
    own = [_value(name, value) for name, value in values.items()]
    return (*SECRETS, *own, EMAIL, HOMES, *_folders(working))


def _value(name: str, value: str) -> LeakKind:
    value = value.strip()
    return LeakKind(f"value of ${name}", (value.lower(),), re.compile(re.escape(value)), shown=0)


def _folders(working: Path) -> list[LeakKind]:
    names = {
        "home folder": Path.home(),
        "working folder": working.absolute(),
        "working folder (where links lead)": working.resolve(),
        "folder of temporary files": Path(tempfile.gettempdir()),
    }
    kinds, known = [], {Path("/")}
    for name, folder in names.items():
        if folder not in known:
            known.add(folder)
            text = str(folder)
            pattern = re.compile(rf"{BEFORE_PATH}{re.escape(text)}(?![\w-])")
            kinds.append(LeakKind(f"path of the {name}", (text.lower(),), pattern, PATH, 6))
    return kinds
