from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.publishing.report.page import write_report
from tests.builders import tiny_params
from tests.finished import finished_benchmark

VOID = {"area", "base", "br", "circle", "col", "hr", "img", "input", "line", "link", "meta", "rect", "wbr"}


class Page(HTMLParser):
    """An HTML file taken apart: (tag, attributes) of every element, and the text outside style and script."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.raw: dict[str, list[str]] = {"style": [], "script": []}
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(f"{tag} at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        inside = self.open[-1] if self.open else ""
        if inside in self.raw:
            self.raw[inside].append(data)
        else:
            self.text += data

    def sources(self, name: str) -> list[str]:
        """`src` of every element of a name."""
        return [attrs["src"] or "" for tag, attrs in self.elements if tag == name and "src" in attrs]

    def attributes(self, name: str) -> list[str]:
        return [attrs[name] or "" for _, attrs in self.elements if name in attrs]


@pytest.fixture(scope="session")
def params() -> Params:
    return tiny_params()


@pytest.fixture(scope="session")
def paths(tmp_path_factory: pytest.TempPathFactory, params: Params) -> Paths:
    """A finished benchmark with its report; not to be changed."""
    paths = finished_benchmark(tmp_path_factory.mktemp("finished"), params)
    write_report(params, paths)
    return paths


def pages_of(paths: Paths) -> dict[str, Page]:
    """Every page of a report by its address from the report's folder."""
    folder = paths.report.parent
    return {
        file.relative_to(folder).as_posix(): Page(file.read_text(encoding="utf-8"))
        for file in sorted(folder.rglob("*.html"))
    }


@pytest.fixture(scope="session")
def pages(paths: Paths) -> dict[str, Page]:
    return pages_of(paths)


@pytest.fixture(scope="session")
def page(pages: dict[str, Page]) -> Page:
    """The first page."""
    return pages["index.html"]


@pytest.fixture
def fresh(tmp_path: Path, params: Params) -> Paths:
    """A finished benchmark of one's own."""
    return finished_benchmark(tmp_path / "fresh", params)
