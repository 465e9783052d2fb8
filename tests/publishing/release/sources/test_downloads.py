"""Downloads: by pip from wherever pip is set up to look, by https in parts, and nothing larger or other than stated."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import sha256_bytes
from fieldguide.publishing.release.section import SourceAccess
from fieldguide.publishing.release.sources.downloads import download
from fieldguide.publishing.release.sources.fetching import ImageFetcher
from tests.publishing.release.sources.shop import SHOP, as_table, shop_release, with_access

DATA = bytes(range(256)) * 400
LIMIT = 10**6
_WHEEL = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
URL = "https://example.org/shop.zip"
ADDRESS = SourceAccess(url=URL, sha256=sha256_bytes(DATA))


def wheel(folder: Path, member: str, data: bytes) -> Path:
    """A wheel that pip takes, of a package shop-photographs 1.0."""
    folder.mkdir(exist_ok=True)
    path, info = folder / "shop_photographs-1.0-py3-none-any.whl", "shop_photographs-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, data)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: shop-photographs\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip looks into, and nowhere else: as people set it up, by the environment."""
    for name, value in {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path / "index"),
        "PIP_CONFIG_FILE": "/dev/null",
    }.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "index").mkdir()
    return tmp_path / "index"


def test_photographs_come_out_of_a_package(index: Path, tmp_path: Path) -> None:
    member = "shop_photographs/images.parquet"
    access = {"package": "shop-photographs", "version": "1.0", "member": member}
    release, shop = shop_release(tmp_path / "made", with_access("parquet", **access))
    wheel(index, member, as_table(tmp_path / "t.parquet", shop).read_bytes())
    fetcher = ImageFetcher(release, tmp_path / "to", only=["shop"], limit=10**9)
    assert [(row.got, row.missing) for row in fetcher.plan().sources] == [(SHOP, 0)]
    assert not (tmp_path / "to").exists()
    fetched = fetcher.fetch()
    assert fetched.missing == () and fetched.sources[0].got == SHOP
    assert fetched.sources[0].how == f"Python package shop-photographs 1.0, {member} inside it"
    assert not (tmp_path / "to" / ".fetching").exists()


def test_a_damaged_package_is_got_anew_the_next_time(index: Path, tmp_path: Path) -> None:
    access = {"package": "shop-photographs", "version": "1.0", "member": "images.parquet"}
    release, shop = shop_release(tmp_path / "made", with_access("parquet", **access))
    wheel(index, "other", b"")
    first = ImageFetcher(release, tmp_path / "to", only=["shop"], limit=10**9).fetch()
    assert "has no file 'images.parquet'" in first.missing[0].detail
    wheel(index, "images.parquet", as_table(tmp_path / "t.parquet", shop).read_bytes())
    assert ImageFetcher(release, tmp_path / "to", only=["shop"], limit=10**9).fetch().missing == ()


def test_what_pip_cannot_get_is_told_in_its_words(index: Path, tmp_path: Path) -> None:
    access = SourceAccess(package="shop-photographs", version="2.0")
    wheel(index, "a", b"")
    with pytest.raises(FieldguideError, match=r"photographs==2\.0: pip could not download it .*give it with --from"):
        download(access, tmp_path / "to", LIMIT)


def test_source_distributions_are_not_looked_at_for_pip_would_run_them(index: Path, tmp_path: Path) -> None:
    build = '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'
    files = {"pyproject.toml": build, "own.py": f"open({str(tmp_path / 'ran')!r}, 'w')"}
    with tarfile.open(index / "shop-photographs-1.0.tar.gz", "w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(f"shop-photographs-1.0/{name}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    with pytest.raises(FieldguideError, match="pip could not download it"):
        download(SourceAccess(package="shop-photographs", version="1.0"), tmp_path / "to", LIMIT)
    assert not (tmp_path / "ran").exists()


def test_packages_have_the_stated_size_and_sum(index: Path, tmp_path: Path) -> None:
    path = wheel(index, "a", DATA)
    right = {"package": "shop-photographs", "version": "1.0"}
    with pytest.raises(FieldguideError, match="larger than 99 bytes; --max-gb allows more"):
        download(SourceAccess(**right), tmp_path / "a", 99)
    with pytest.raises(FieldguideError, match=r"has the sha256 .*; the release says 0000"):
        download(SourceAccess(**right, sha256="0" * 64), tmp_path / "b", LIMIT)
    assert not list((tmp_path / "b").iterdir())
    found = download(SourceAccess(**right, sha256=sha256_bytes(path.read_bytes())), tmp_path / "c", LIMIT)
    path.unlink()
    assert download(SourceAccess(**right), tmp_path / "c", LIMIT) == found  # it is there already


def client(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(answer))


class Server:
    """Gives DATA, breaks off once after `breaks` bytes, and can go on."""

    def __init__(self, breaks: int | None = None, ranges: bool = True) -> None:
        self.breaks, self.ranges, self.asked = breaks, ranges, list[str | None]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        wanted = request.headers.get("range")
        self.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        if start >= len(DATA):
            return httpx.Response(416)
        headers = {"content-range": f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"}
        stop, self.breaks = self.breaks, None
        return httpx.Response(206 if start else 200, headers=headers if start else {}, content=_stream(start, stop))


def _stream(start: int, stop: int | None) -> Iterator[bytes]:
    yield DATA[start:stop]
    if stop is not None:
        raise httpx.ReadError("the line broke")


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_download_is_gone_on_with(tmp_path: Path, ranges: bool) -> None:
    server = Server(breaks=5000, ranges=ranges)
    with pytest.raises(FieldguideError, match=r"the line broke.*5,000 bytes came, run it again to go on"):
        download(ADDRESS, tmp_path, LIMIT, client(server))
    found = download(ADDRESS, tmp_path, LIMIT, client(server))
    assert found.read_bytes() == DATA and server.asked == [None, "bytes=5000-"]
    assert download(ADDRESS, tmp_path, LIMIT, client(server)) == found and len(server.asked) == 2


def test_what_came_whole_before_is_taken(tmp_path: Path) -> None:
    (tmp_path / "download.part").write_bytes(DATA)
    assert download(ADDRESS, tmp_path, LIMIT, client(Server())).read_bytes() == DATA


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda r: httpx.Response(404), "the server answers 404 Not Found"),
        (lambda r: httpx.Response(200, content=iter([DATA, b"x"])), r"has the sha256 \w+; the release says"),
        (
            lambda r: httpx.Response(200, content=iter([bytes(LIMIT), b"x"])),
            "is larger than 1,000,000 bytes; --max-gb allows more",
        ),
        (lambda r: httpx.Response(302, headers={"location": "http://example.org/a"}), "which is not https"),
        (lambda r: httpx.Response(302, headers={"location": "file:///etc/passwd"}), "cannot be downloaded|not https"),
        (lambda r: httpx.Response(302, headers={"location": URL}), "more than 10 redirects"),
    ],
)
def test_what_an_address_may_not_give(
    tmp_path: Path, answer: Callable[[httpx.Request], httpx.Response], words: str
) -> None:
    with pytest.raises(FieldguideError, match=words):
        download(ADDRESS, tmp_path, LIMIT, client(answer))
    assert not list(tmp_path.iterdir())


def test_an_address_is_followed_to_another_that_is_https(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "example.org":
            return httpx.Response(302, headers={"location": "https://cdn.example.org/b"})
        return httpx.Response(200, content=iter([DATA]))

    assert download(ADDRESS, tmp_path, LIMIT, client(answer)).read_bytes() == DATA
