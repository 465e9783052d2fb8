"""A prefix of a bucket that speaks S3: Amazon's, or whichever AWS_ENDPOINT_URL names."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib.util import find_spec
from typing import Any

from fieldguide.publishing.release.publish.destinations.destination import DestinationError
from fieldguide.publishing.release.publish.files import LAST, ReleaseFile
from fieldguide.publishing.release.publish.leaks.machine import hushed

_SHA256 = "sha256"
"""Under this name an object's metadata tells the sha256 of its bytes: an ETag tells none of a large object."""
_MISSING = {"404", "NoSuchKey", "NotFound"}
_SECONDS = 20


class BucketDestination:
    """Objects under a prefix, a file each. Who sends is known by what boto3 looks for: the environment, a profile."""

    note = ""

    def __init__(self, bucket: str, prefix: str) -> None:
        """Refuse where boto3, which only this needs, is not installed."""
        self.bucket, self.prefix = bucket, f"{prefix}/" if prefix else ""
        self.title = f"s3://{bucket}/{prefix}"
        if find_spec("boto3") is None:
            raise DestinationError(f"{self.title}: boto3 is not installed; `pip install 'fieldguide[s3]'`")

    def names(self) -> list[str]:
        """Names below the prefix."""
        self._sizes = {}
        with self._in_words("cannot be listed"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
            for page in pages:
                for one in page.get("Contents", ()):
                    self._sizes[one["Key"].removeprefix(self.prefix)] = one["Size"]
        return sorted(name for name in self._sizes if not name.endswith("/"))  # folders of consoles

    def read(self, name: str) -> bytes | None:
        """The bytes of an object."""
        from botocore.exceptions import ClientError

        with self._in_words(f"{name} cannot be read"):
            try:
                answer = self._client.get_object(Bucket=self.bucket, Key=self.prefix + name)
            except ClientError as error:
                if _code(error) in _MISSING:
                    return None
                raise
            return bytes(answer["Body"].read())

    def differing(self, files: Sequence[ReleaseFile]) -> list[ReleaseFile]:
        """By size, then by the sha256 that we left with the object; one without it is sent again."""
        self.names()
        return [file for file in files if self._sizes.get(file.name) != file.size or self._told(file) != file.sha256]

    def _told(self, file: ReleaseFile) -> str | None:
        with self._in_words(f"{file.name} cannot be asked for"):
            answer = self._client.head_object(Bucket=self.bucket, Key=self.prefix + file.name)
        told = answer.get("Metadata", {}).get(_SHA256)
        return str(told) if told else None

    def send(self, files: Sequence[ReleaseFile], gone: Sequence[str], message: str) -> Iterator[ReleaseFile]:
        """One by one, so that the last file is there last.

        What is gone is removed while release.json is still the older one: who comes after a kill knows it by that.
        """
        for file in files:
            if file.name in LAST:
                self._remove(gone)
                gone = ()
            with self._in_words(f"{file.name} was not taken"):
                self._client.upload_file(
                    str(file.path), self.bucket, self.prefix + file.name, ExtraArgs={"Metadata": {_SHA256: file.sha256}}
                )
            yield file

    def _remove(self, gone: Sequence[str]) -> None:
        for name in gone:
            with self._in_words(f"{name} of the older version cannot be removed"):
                self._client.delete_object(Bucket=self.bucket, Key=self.prefix + name)

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        retries = {"mode": "standard", "total_max_attempts": 3}
        with self._in_words("cannot be reached"):
            return boto3.client("s3", config=Config(retries=retries, connect_timeout=_SECONDS, read_timeout=60))

    @contextlib.contextmanager
    def _in_words(self, what: str) -> Iterator[None]:
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (Boto3Error, BotoCoreError, ClientError) as error:
            raise DestinationError(hushed(f"{self.title}: {what} ({_words(error)})", os.environ)) from None


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _words(error: Exception) -> str:
    """A service's answer, with what can be done about the usual ones."""
    code = _code(error) if hasattr(error, "response") else type(error).__name__
    advice = {
        "NoSuchBucket": "make the bucket first",
        "NoCredentialsError": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
        "InvalidAccessKeyId": "AWS_ACCESS_KEY_ID is none of this service",
        "SignatureDoesNotMatch": "AWS_SECRET_ACCESS_KEY is not that of AWS_ACCESS_KEY_ID",
        "AccessDenied": "who sends needs s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject there",
        "EndpointConnectionError": "is there a network? does AWS_ENDPOINT_URL name the right service?",
    }.get(code)
    return f"{error}; {advice}" if advice else str(error)
