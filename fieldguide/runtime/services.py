"""How tasks that ask a service are tried again."""

from __future__ import annotations

from typing import Any

from prefect.tasks import exponential_backoff

from fieldguide.models.calls.caller import UnansweredError


def _is_unanswered(task: Any, task_run: Any, state: Any) -> bool:
    """Only a service that does not answer may do so later; a mistake stays one."""
    return isinstance(state.result(raise_on_failure=False), UnansweredError)


# Single calls are retried, timed and limited where they are sent (models/calls): a time limit here would cut off
# hours of drawing that go well. What was answered is kept, so that a try begins where the last one ended.
ASKS_A_SERVICE: dict[str, Any] = {
    "tags": {"service"},
    "retries": 2,
    "retry_delay_seconds": exponential_backoff(30),
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": _is_unanswered,
}
