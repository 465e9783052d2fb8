"""A hub in miniature: what of the hub's interface publishing asks for, as its client speaks it. It keeps no history."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

OID = "0123456789" * 4


@dataclass
class Hub:
    """Files of its one dataset `gulls/europe`, and what was asked of it. `status`: what it answers instead."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    refuses: str = ""
    status: int = 403


@contextlib.contextmanager
def serving() -> Iterator[Hub]:
    hub = Hub(files={".gitattributes": b"*.tar filter=lfs\n"})

    class Handler(_Handler):
        held = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    held: Hub

    def log_message(self, *_: Any) -> None: ...

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self._begun()
        if path.startswith("/datasets/gulls/europe/resolve/main/"):
            data = self.held.files.get(path.removeprefix("/datasets/gulls/europe/resolve/main/"))
            self._say(404, b"", error="EntryNotFound") if data is None else self._say(200, data)
        elif path.startswith("/api/datasets/gulls/europe/tree/main"):
            self._json([_told(name, data) for name, data in sorted(self.held.files.items())])
        elif path.startswith("/api/datasets/gulls/europe"):
            self._json({"id": "gulls/europe", "sha": OID, "private": False, "tags": [], "siblings": []})
        else:
            self._say(404, b"", error="RepoNotFound")

    def do_POST(self) -> None:
        path, body = self._begun(), self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.held.refuses and self.held.refuses in path:
            self._say(self.held.status, b'{"error": "You may not write here"}')
        elif path == "/api/validate-yaml":  # of the card
            self._json({"errors": [], "warnings": []})
        elif path.endswith("/preupload/main"):
            names = [file["path"] for file in json.loads(body)["files"]]
            self._json({"files": [{"path": n, "uploadMode": "regular", "shouldIgnore": False} for n in names]})
        elif path.endswith("/commit/main"):
            self._commit([json.loads(line) for line in body.splitlines()])
        else:
            self._say(404, b"", error="RepoNotFound")

    def _commit(self, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                self.held.commits.append(value["summary"])
            elif line["key"] == "file":
                self.held.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "deletedFile":
                del self.held.files[value["path"]]
        made = f"{self.held.url}/datasets/gulls/europe/commit/{OID}"
        self._json({"success": True, "commitOid": OID, "commitUrl": made})

    def _begun(self) -> str:
        self.held.tokens.add(self.headers.get("Authorization", ""))
        return unquote(urlsplit(self.path).path)

    def _json(self, value: Any) -> None:
        self._say(200, json.dumps(value).encode())

    def _say(self, status: int, data: bytes, error: str = "") -> None:
        self.send_response(status)
        told = {"Content-Length": str(len(data)), "ETag": f'"{_hash(data)}"', "X-Repo-Commit": OID}
        for name, value in (told | ({"X-Error-Code": error} if error else {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def _hash(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _told(name: str, data: bytes) -> dict[str, Any]:
    """Archives as the hub tells of large files: by their sha256, behind another file's hash."""
    told = {"type": "file", "path": name, "size": len(data), "oid": _hash(data)}
    if name.endswith(".tar"):
        lfs = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
        told |= {"oid": "f" * 40, "lfs": lfs}
    return told
