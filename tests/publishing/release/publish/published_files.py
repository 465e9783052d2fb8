"""What tests of publishing share: signing anew, and what lies in a folder."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from fieldguide.cli.main import app
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import sha256_file


def sign(folder: Path) -> None:
    """Make SHA256SUMS fit again."""
    names = sorted(name for name in digests(folder) if name != "SHA256SUMS")
    (folder / "SHA256SUMS").write_text("".join(f"{sha256_file(folder / name)}  {name}\n" for name in names))


def digests(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): sha256_file(p) for p in sorted(folder.rglob("*")) if p.is_file()}


def publish(folder: Path, to: object, *options: str) -> str:
    """What the command prints; what it refuses is raised as it is told."""
    done = CliRunner().invoke(app, ["release", "publish", str(folder), str(to), *options])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.stdout


def refused(folder: Path, to: object, *options: str) -> str:
    """Why the command refuses."""
    try:
        shown = publish(folder, to, *options)
    except FieldguideError as error:
        return str(error)
    raise AssertionError(f"nothing was refused: {shown}")
