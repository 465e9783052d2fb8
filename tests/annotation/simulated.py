"""Simulated annotators: they sign in with their own tokens and judge whatever the server serves them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np

from fieldguide.annotation.form.task import result_of
from fieldguide.annotation.label_studio.accounts import Accounts
from fieldguide.core.files import sha256_bytes

Confusion = Mapping[str, Mapping[str, float]]
"""For each true choice, how probably each choice is given."""


def evenly_wrong(choices: Sequence[str], rate: float) -> Confusion:
    """Right with probability 1 - rate, else any of the other choices, equally."""
    rest = rate / (len(choices) - 1)
    return {true: {given: 1 - rate if given == true else rest for given in choices} for true in choices}


def at_random(choices: Sequence[str]) -> Confusion:
    """A random clicker."""
    return {true: dict.fromkeys(choices, 1 / len(choices)) for true in choices}


@dataclass
class Annotator:
    """One person at work.

    Attributes:
        truth: the true choice by task_key.
        sent: what was posted, by task_key; `given`: of that, what the server said it has taken.
        annotations: numbers of the annotations that the server said it has taken, by page_key.
    """

    name: str
    accounts: Accounts
    confusion: Confusion
    truth: Mapping[str, str]
    seed: int = 0
    seconds: float = 2.0
    sent: dict[str, str] = field(default_factory=dict)
    given: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        token = self.accounts.people[self.name].token
        assert token is not None
        headers = {"Authorization": f"Token {token.get_secret_value()}"}
        self.http = httpx.Client(base_url=self.accounts.url, headers=headers, timeout=20, trust_env=False)

    def choose(self, task_key: str) -> str:
        """The same choice whenever the same is asked: a function of seed, person and task."""
        digest = sha256_bytes(f"{self.seed} {self.name} {task_key}".encode())
        row = self.confusion[self.truth[task_key]]
        rng = np.random.default_rng(int(digest[:16], 16))
        return str(rng.choice(list(row), p=list(row.values())))

    def judge(self, project: int, pages: int | None = None) -> int:
        """Judge what is served until nothing is, or so many pages; gives how many.

        Raises:
            httpx.HTTPError: the server is away, or refused.
        """
        done = 0
        while pages is None or done < pages:
            task = self.next(project)
            if task is None:
                break
            self.answer(task)
            done += 1
        return done

    def next(self, project: int) -> dict[str, Any] | None:
        """The task that the server serves next; None where there is none left."""
        reply = self.http.get(f"/api/projects/{project}/next")
        if reply.status_code == 404:
            return None
        reply.raise_for_status()
        found: dict[str, Any] = reply.json()
        return found

    def answer(self, task: Mapping[str, Any], choices: Mapping[int, str] | None = None) -> int:
        """Post an answer to every image of a page, as the form does; gives the annotation's number."""
        keys = [item["task_key"] for item in task["data"]["items"]]
        chosen = dict(choices or {n: self.choose(key) for n, key in enumerate(keys, 1)})
        said = {keys[n - 1]: choice for n, choice in chosen.items()}
        self.sent |= said
        body = {"result": result_of(chosen), "lead_time": self.seconds * len(keys)}
        reply = self.http.post(f"/api/tasks/{task['id']}/annotations/", json=body)
        reply.raise_for_status()
        self.given |= said
        number: int = reply.json()["id"]
        self.annotations[task["data"]["page_key"]] = number
        return number

    def change(self, annotation: int, **fields: Any) -> None:
        """Edit any annotation by its number, as the community server lets anybody do."""
        self.http.patch(f"/api/annotations/{annotation}/", json=fields).raise_for_status()

    def delete(self, annotation: int) -> None:
        """Delete any annotation by its number."""
        self.http.delete(f"/api/annotations/{annotation}/").raise_for_status()
