"""Writing pages: a template and what it shows in, one HTML file of the report's folder out."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from fieldguide.core.errors import FieldguideError
from fieldguide.publishing.report.thumbnails import file_name
from fieldguide.publishing.report.views.leaderboards import p_text

_PACKAGE, _TEMPLATES = "fieldguide.publishing.report", "templates"
_ASSETS = ("style.css", "script.js")
# Pages open from disk and from a server, and load nothing from elsewhere. `file:` is for browsers to whom a file is not
# `'self'` of another one. No script inside a page runs, so that nothing injected would.
POLICY = (
    "default-src 'none'; img-src 'self' file:; style-src 'self' file:; script-src 'self' file:; base-uri 'none'; "
    "form-action 'none'"
)


class Pages:
    """A folder that is filled with pages. What every page shows is given once, as `shared`."""

    def __init__(self, folder: Path, shared: dict[str, Any]) -> None:
        self._folder = folder
        self.shared = shared
        self._environment = jinja2.Environment(
            loader=jinja2.PackageLoader(_PACKAGE, _TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {"p": p_text, "file": file_name, "data": _data, "signed": signed}
        # Included templates use the macros too, and `import` does not reach them.
        self._environment.globals |= {"draw": self._environment.get_template("macros.html.j2").module}
        for name in _ASSETS:
            path = folder / "assets" / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes((resources.files(_PACKAGE) / _TEMPLATES / name).read_bytes())

    def write(self, address: str, template: str, **shown: Any) -> int:
        """Write one page and give its size in bytes. A template's `root` leads from the page to the report's folder."""
        root = "../" * address.count("/")
        text = self._environment.get_template(template).render(
            self.shared, policy=POLICY, root=root, address=address, **shown
        )
        path = self._folder / address
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return len(text.encode())


def require_replaceable(folder: Path) -> None:
    """Refuse to take the place of a folder that holds something other than pages of ours.

    Raises:
        FieldguideError: it is a file or a link, or a folder with other content.
    """
    inside = {path.relative_to(folder).as_posix() for path in folder.rglob("*")} if folder.is_dir() else set()
    other = sorted(
        inside - {"index.html", "comparison.md", "comparison.json", "assets", *(f"assets/{n}" for n in _ASSETS)}
    )
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()) or other:
        what = f"holds {other[0]}" if other else "is no folder"
        raise FieldguideError(f"{folder}: {what}; name a folder that is not there, or one that this command wrote")


def signed(value: float | None) -> str:
    """A difference with its sign, three digits; its size alone where these are 0; a dash where nothing is known."""
    if value is None:
        return "–"
    if abs(value) >= 0.0005:
        return f"{value:+.3f}"
    return "0" if abs(value) < 1e-9 else f"{value:+.0e}"


def _data(value: Any) -> Markup:
    """JSON inside a `script` of type application/json, which runs nothing: `<` is all that could end it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))  # noqa: S704 - escaped
