"""Section `task_runner`: what the tasks of a step run on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from fieldguide.core.section import Positive, Section


class TaskRunner(Section):
    """Where steps that fan out run their tasks. The outputs are the same bytes either way.

    `threads`: of this process. `processes`: of this machine, `workers` of them, for many small photographs, of which
    Python's lock lets threads inspect one at a time. `dask`: a Dask cluster, at `address` (tcp://HOST:PORT) or started
    for the step with `workers` processes. Its workers see the repository at the same path, and run what they are sent:
    trust all that can reach them.
    """

    kind: Literal["threads", "processes", "dask"] = "threads"
    workers: Positive | None = None
    address: Annotated[str, Field(pattern=r"^(tcp|tls)://[\w.\[\]:-]+:[0-9]{1,5}$")] | None = None

    @model_validator(mode="after")
    def _address_is_dasks(self) -> TaskRunner:
        if self.address is not None and (self.kind != "dask" or self.workers is not None):
            raise ValueError("address belongs to kind dask, and says instead of `workers` what there is")
        return self
