"""A release as a dataset of a hub: of one in miniature, for the real one cannot be reached from here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldguide.core.files import sha256_bytes
from tests.publishing.release.publish.hub import Hub, serving
from tests.publishing.release.publish.published_files import digests, publish, refused, sign

TO = "hf://datasets/gulls/europe"
TOKEN = "token-of-a-gull-7"


def ask(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the hub's client ask there, as HF_ENDPOINT does at its import."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving() as made:
        ask(made.url, monkeypatch)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield made


def held(hub: Hub) -> dict[str, str]:
    return {name: sha256_bytes(data) for name, data in sorted(hub.files.items()) if name != ".gitattributes"}


def test_published_in_one_commit_then_nothing_is_sent_again(hub: Hub, first: Path) -> None:
    shown = publish(first, TO, "--dry-run")
    assert f"{len(digests(first))} to send" in shown
    assert held(hub) == {}
    publish(first, TO)
    assert held(hub) == digests(first)
    assert hub.commits == ["fieldguide-fruit 0.1.0"]
    assert "nothing was sent" in publish(first, TO)
    assert len(hub.commits) == 1
    assert hub.tokens == {f"Bearer {TOKEN}"}


def test_a_new_version_takes_the_place_of_the_old_one(hub: Hub, folder: Path, second: Path) -> None:
    (folder / "OLD[1].md").write_text("Of yesterday.\n")
    sign(folder)
    hub.files |= {name: (folder / name).read_bytes() for name in digests(folder)}
    publish(second, TO)
    assert held(hub) == digests(second)
    assert hub.commits == ["fieldguide-fruit 0.2.0"]
    assert ".gitattributes" in hub.files


def test_changed_qrels_under_an_old_version_are_refused(hub: Hub, folder: Path) -> None:
    publish(folder, TO)
    text = (folder / "qrels" / "qrels.trec").read_text()
    (folder / "qrels" / "qrels.trec").write_text(text.replace(" 1\n", " 0\n", 1))
    sign(folder)
    assert f"{TO}: qrels were changed under an old version" in refused(folder, TO)
    assert len(hub.commits) == 1


def test_a_dataset_of_somebody_else_is_not_replaced(hub: Hub, first: Path) -> None:
    hub.files["train.csv"] = b"theirs"
    assert "holds train.csv, which no release there lists" in refused(first, TO)


def test_without_a_token_it_can_be_asked_and_not_sent(hub: Hub, first: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    publish(first, TO, "--dry-run")
    assert "$HF_TOKEN is not set" in refused(first, TO)
    assert hub.commits == []
    assert hub.tokens == {""}


@pytest.mark.parametrize("asked", ["preupload", "commit"])
def test_a_hub_that_refuses_is_told_without_the_token(hub: Hub, first: Path, asked: str) -> None:
    hub.refuses = asked
    told = refused(first, TO)
    assert told.startswith(f"{TO}: cannot be asked or did not take it: ")
    assert "403" in told
    assert "nothing had been sent" in told
    assert TOKEN not in told
    assert held(hub) == {}


def test_a_dataset_that_is_not_there_is_told(hub: Hub, first: Path) -> None:
    told = refused(first, "hf://datasets/gulls/none")
    assert "is not there, or $HF_TOKEN may not see it; make the dataset on the hub" in told
    assert "nothing had been sent" in told


@pytest.mark.parametrize("dataset", ["a--b/c", "a/b..c", "a/c.git"])
def test_names_that_the_hub_refuses_are_told(hub: Hub, first: Path, dataset: str) -> None:
    assert refused(first, f"hf://datasets/{dataset}").startswith(f"hf://datasets/{dataset}: ")


def test_nobody_answers(first: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask("http://127.0.0.1:9", monkeypatch)
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)  # it tries again five times
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    told = refused(first, TO)
    assert "Connection refused" in told
    assert "nothing had been sent" in told
    assert TOKEN not in told
    shown = publish(first, TO, "--dry-run")
    assert "what is there was not asked" in shown
    assert f"{len(digests(first))} to send" in shown


def test_where_the_network_is_switched_off_it_says_so(first: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE" in refused(first, TO)
