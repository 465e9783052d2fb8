"""A release in a bucket that speaks S3: moto's, which runs in this process."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fieldguide.core.files import sha256_bytes
from fieldguide.publishing.release.publish.destinations import bucket
from fieldguide.publishing.release.publish.destinations.bucket import BucketDestination
from fieldguide.publishing.release.publish.destinations.destination import DestinationError
from fieldguide.publishing.release.publish.files import release_files
from fieldguide.publishing.release.publish.publishing import plan_publishing, published_at
from fieldguide.publishing.release.publish.publishing import publish as send
from tests.publishing.release.publish.published_files import digests, publish, refused, sign

TO = "s3://gulls/benchmarks/gulls"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of an empty bucket `gulls`."""
    moto = pytest.importorskip("moto", reason="moto[s3] is not installed")
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing-testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with moto.mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="gulls")
        yield client


def held(s3: Any) -> dict[str, str]:
    """sha256 of every object, by what follows the prefix."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="gulls")
    keys = [one["Key"] for page in pages for one in page.get("Contents", ())]
    return {
        key.removeprefix("benchmarks/gulls/"): sha256_bytes(s3.get_object(Bucket="gulls", Key=key)["Body"].read())
        for key in keys
    }


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, s3: Any) -> list[str]:
    """Names of what is sent, in order, by whatever client."""
    names: list[str] = []

    def noting(event_name: str = "", params: Any = None, **_: Any) -> None:
        names.append(params["Key"].removeprefix("benchmarks/gulls/"))

    import boto3

    client = boto3.client("s3")
    client.meta.events.register("provide-client-params.s3.PutObject", noting)
    monkeypatch.setattr(BucketDestination, "_client", client)
    return names


def test_published_then_nothing_is_sent_again(s3: Any, sent: list[str], first: Path) -> None:
    publish(first, TO)
    assert held(s3) == digests(first)
    assert sent[-2:] == ["release.json", "SHA256SUMS"]
    sent.clear()
    assert "all " in (shown := publish(first, TO))
    assert "nothing was sent" in shown
    assert sent == []


def test_only_what_differs_is_sent(s3: Any, sent: list[str], first: Path) -> None:
    publish(first, TO)
    key = "benchmarks/gulls/topics.jsonl"
    s3.put_object(Bucket="gulls", Key=key, Body=bytes((first / "topics.jsonl").stat().st_size))  # as long
    s3.delete_object(Bucket="gulls", Key="benchmarks/gulls/pools.parquet")
    sent.clear()
    publish(first, TO)
    assert sent == ["pools.parquet", "topics.jsonl"]
    assert held(s3) == digests(first)


def test_changed_qrels_under_an_old_version_are_refused(s3: Any, sent: list[str], folder: Path) -> None:
    publish(folder, TO)
    before = held(s3)
    text = (folder / "qrels" / "qrels.trec").read_text()
    (folder / "qrels" / "qrels.trec").write_text(text.replace(" 1\n", " 0\n", 1))
    sign(folder)
    sent.clear()
    told = refused(folder, TO)
    assert f"{TO}: qrels were changed under an old version: 0.1.0 is published there" in told
    assert (sent, held(s3)) == ([], before)


def test_a_new_version_takes_the_place_of_the_old_one(s3: Any, sent: list[str], folder: Path, second: Path) -> None:
    (folder / "OLD.md").write_text("Of yesterday.\n")
    sign(folder)
    place = BucketDestination("gulls", "benchmarks/gulls")
    list(place.send(release_files(folder), (), ""))
    assert "OLD.md" in held(s3)
    publish(second, TO)
    assert held(s3) == digests(second)


@contextlib.contextmanager
def cut_off(after: int, error: BaseException) -> Iterator[None]:
    """What writes to the bucket does so `after` times, then raises."""
    client, done = BucketDestination._client, []  # type: ignore[attr-defined]

    def cutting(write: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if len(done) == after:
                raise error
            done.append(arguments)
            return write(*arguments, **options)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in ("upload_file", "delete_object"):
            patch.setattr(client, name, cutting(getattr(client, name)))
        yield


def sending(folder: Path) -> None:
    """As the command sends what was found in order."""
    place = BucketDestination("gulls", "benchmarks/gulls")
    plan = plan_publishing(release_files(folder), place)
    assert (plan.refused, plan.unasked) == ((), "")
    send(plan, place)


@pytest.mark.parametrize("after", [0, 1, 7, -1])
def test_killed_half_way_then_resumed(s3: Any, sent: list[str], first: Path, after: int) -> None:
    """What is left is seen as incomplete, and the same command sends the rest alone."""
    names = [file.name for file in release_files(first)]
    after %= len(names)
    with cut_off(after, KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
        sending(first)
    assert sent == names[:after]
    assert published_at(BucketDestination("gulls", "benchmarks/gulls")) is None
    sent.clear()
    sending(first)
    assert sent == names[after:]
    assert held(s3) == digests(first)


def test_an_update_killed_anywhere_goes_on(s3: Any, sent: list[str], folder: Path, second: Path) -> None:
    """Wherever a new version was cut off, it can be published again, and nothing of the old one stays."""
    (folder / "OLD.md").write_text("Of yesterday.\n")
    sign(folder)
    sending(folder)
    writes = len(plan_publishing(release_files(second), BucketDestination("gulls", "benchmarks/gulls")).to_send) + 1
    for after in (0, writes // 2, writes - 3, writes - 2, writes - 1):
        reset(s3, folder)
        with cut_off(after, KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
            sending(second)
        sending(second)
        assert held(s3) == digests(second), after


def reset(s3: Any, folder: Path) -> None:
    """Put a release there, whatever was."""
    for name in held(s3):
        s3.delete_object(Bucket="gulls", Key=f"benchmarks/gulls/{name}")
    sending(folder)


def test_a_lost_connection_ends_in_words(s3: Any, sent: list[str], first: Path) -> None:
    from botocore.exceptions import EndpointConnectionError

    with cut_off(3, EndpointConnectionError(endpoint_url="https://gulls.example")):
        told = refused(first, TO)
    assert told.startswith(f"{TO}: {release_files(first)[3].name} was not taken (Could not connect")
    assert "is there a network?" in told
    assert f"3 of {len(digests(first))} files had been sent" in told


def test_a_bucket_that_is_not_there_is_told(s3: Any, first: Path) -> None:
    told = refused(first, "s3://none/x")
    assert told.startswith("s3://none/x: ")
    assert "make the bucket first" in told
    assert "nothing had been sent" in told


def test_nobody_answers(first: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without moto: a port at which nobody listens, and a secret that must not be repeated."""
    pytest.importorskip("boto3", reason="boto3 is not installed")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "some-key-of-mine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "some-secret-of-mine")
    told = refused(first, TO)
    assert told.startswith(f"{TO}: SHA256SUMS cannot be read (Could not connect")
    assert "nothing had been sent" in told
    assert "of-mine" not in told
    shown = publish(first, TO, "--dry-run")
    assert "what is there was not asked" in shown
    assert "of the release itself nothing would be refused" in shown


def test_without_boto3_it_says_what_to_install(first: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket, "find_spec", lambda name: None)
    with pytest.raises(DestinationError, match=r"pip install 'fieldguide\[s3\]'"):
        publish(first, TO)
