"""Downloads: a package's wheel by pip, a file by https. Nothing that comes is run or unpacked here."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import sha256_file
from fieldguide.publishing.release.section import SourceAccess

if TYPE_CHECKING:
    import httpx

_REDIRECTS = 10
_SECONDS = 60.0
"""Of silence, after which an address is given up; what came stays, and the next try goes on from there."""
_SHOWN = 5


def download(access: SourceAccess, to: Path, limit: int, client: httpx.Client | None = None) -> Path:
    """The file that a source's access names, in the folder `to`; what lies there already is used.

    Args:
        access: a package or an address.
        to: a folder of this source alone.
        limit: bytes of the file at most.
        client: of https; null: one that goes by the environment (proxies, certificates).

    Raises:
        FieldguideError: it cannot be got, is larger than `limit`, or has another sha256 than stated.
    """
    to.mkdir(parents=True, exist_ok=True)
    if access.package is not None:
        return _checked(_wheel(access, to, limit), access)
    return _address(access, to, limit, client)


def _wheel(access: SourceAccess, to: Path, limit: int) -> Path:
    """Wheels alone: to look at a source distribution, pip would run code of its author's."""
    there = sorted(to.glob("*.whl"))
    if len(there) == 1:
        return there[0]
    pinned = f"{access.package}=={access.version}"
    # -P: no module of the working folder is taken for pip.
    command = [
        sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input", "--quiet",
        "--disable-pip-version-check", "--dest", str(to), pinned,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    found = sorted(to.glob("*.whl"))
    if done.returncode or len(found) != 1:
        lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("WARNING")]
        said = "; ".join(lines[-_SHOWN:]) or "no wheel came"
        remedy = "get its wheel some other way and give it with --from"
        raise FieldguideError(f"{pinned}: pip could not download it ({said}); {remedy}")
    if found[0].stat().st_size > limit:
        raise FieldguideError(f"{pinned}: its wheel is larger than {limit:,} bytes; --max-gb allows more")
    return found[0]


def _checked(path: Path, access: SourceAccess) -> Path:
    if access.sha256 is not None and (found := sha256_file(path)) != access.sha256:
        path.unlink()
        raise FieldguideError(
            f"{access.package or access.url}: has the sha256 {found}; the release says {access.sha256}. It was not kept"
        )
    return path


def _address(access: SourceAccess, to: Path, limit: int, client: httpx.Client | None) -> Path:
    import httpx

    whole, part = to / "download", to / "download.part"
    if whole.is_file():
        return _checked(whole, access)
    try:
        with nullcontext(client) if client else httpx.Client(timeout=_SECONDS) as used:
            _continue(used, str(access.url), part, limit)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        came = f"; {part.stat().st_size:,} bytes came, run it again to go on" if part.exists() else ""
        what = str(error) or type(error).__name__
        raise FieldguideError(f"{access.url}: cannot be downloaded ({what}){came}") from None
    _checked(part, access)
    return part.replace(whole)


def _continue(client: httpx.Client, url: str, part: Path, limit: int) -> None:
    """Go on with a file of which `part` came before, if the server can."""
    start = part.stat().st_size if part.exists() else 0
    with _answer(client, url, start) as response:
        if response.status_code == 416:  # nothing follows: all of it came before
            return
        if response.status_code not in (200, 206):
            raise FieldguideError(f"{url}: the server answers {response.status_code} {response.reason_phrase}")
        goes_on = response.status_code == 206
        if goes_on and not response.headers.get("content-range", "").startswith(f"bytes {start}-"):
            part.unlink(missing_ok=True)
            raise FieldguideError(f"{url}: the server gives another part than was asked for; run it again")
        _write(response, part, start if goes_on else 0, limit)


def _write(response: httpx.Response, part: Path, size: int, limit: int) -> None:
    with part.open("ab" if size else "wb") as stream:
        for chunk in response.iter_raw():
            size += len(chunk)
            if size > limit:
                stream.close()
                part.unlink()
                raise FieldguideError(f"{response.url}: is larger than {limit:,} bytes; --max-gb allows more")
            stream.write(chunk)


@contextmanager
def _answer(client: httpx.Client, url: str, start: int) -> Iterator[httpx.Response]:
    """The answer after redirects, of which none leads away from https."""
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    for _ in range(_REDIRECTS):
        with client.stream("GET", url, headers=headers, follow_redirects=False) as response:
            if response.next_request is None:
                yield response
                return
            url = str(response.next_request.url)
        if not url.startswith("https://"):
            raise FieldguideError(f"{url}: a redirect leads there, which is not https; nothing was downloaded")
    raise FieldguideError(f"{url}: more than {_REDIRECTS} redirects")


def forget(to: Path) -> None:
    """Remove a download that is not needed any more."""
    shutil.rmtree(to, ignore_errors=True)
