"""Places by what they are called on the command line."""

from __future__ import annotations

import re
from pathlib import Path

from fieldguide.publishing.release.publish.destinations.bucket import BucketDestination
from fieldguide.publishing.release.publish.destinations.destination import Destination, DestinationError
from fieldguide.publishing.release.publish.destinations.dvc_remote import DvcDestination
from fieldguide.publishing.release.publish.destinations.folder import FolderDestination
from fieldguide.publishing.release.publish.destinations.hub import HubDestination

ALLOWED = "s3://BUCKET/PREFIX, hf://datasets/OWNER/NAME, dvc:REMOTE, or a folder"
_S3 = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[\w./=+-]*))?", re.ASCII)
_HUB = re.compile(r"hf://datasets/(?P<dataset>[\w][\w.-]{0,95}/[\w][\w.-]{0,95})/?", re.ASCII)
_DVC = re.compile(r"dvc:(?P<remote>[\w.-]+)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
"""How no folder is called, unless `./` stands before it."""


def destination(to: str, release: Path) -> Destination:
    """The place that `to` names. Only a DVC repository is opened; no connection is made.

    Raises:
        DestinationError: it is none of those allowed, or cannot take this folder.
    """
    if match := _S3.fullmatch(to):
        prefix = (match["prefix"] or "").strip("/")
        if any(part in ("", ".", "..") for part in prefix.split("/")) and prefix:
            raise DestinationError(f"{to}: the prefix has an empty, `.` or `..` part")
        return BucketDestination(match["bucket"], prefix)
    if match := _HUB.fullmatch(to):
        return HubDestination(release, match["dataset"])
    if match := _DVC.fullmatch(to):
        return DvcDestination(release, match["remote"])
    if _SCHEME.match(to):
        raise DestinationError(f"{_without_password(to)}: no place that is known; allowed: {ALLOWED}")
    return FolderDestination(release, Path(to))


def _without_password(to: str) -> str:
    return re.sub(r"//[^/@]*@", "//***@", to)
