"""A budget that is never exceeded: before a call is sent, the most that it may cost is written down and set aside.

The ledger is a file of JSON lines, only ever appended to. A line with `most` sets money aside, one with `cost` and the
same `id` says what it came to. What was set aside by a process that died, or for an answer that never came, may have
been billed, and stays spent.
"""

from __future__ import annotations

import json
import math
import os
import threading
from pathlib import Path

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import locked

# Sums of decimal fractions miss by less than this; no price is that small.
_ROUNDING = 1e-9


class BudgetError(FieldguideError):
    """A call was not sent, since it might have cost more than is left."""


class Budget:
    """Money that all processes on one ledger may spend together.

    Invariant: what the ledger says is spent or set aside never exceeds `limit` by a call that `reserve` allowed.
    """

    def __init__(self, ledger: Path, lock: Path, limit: float) -> None:
        self.ledger, self._lock, self.limit = ledger, lock, limit
        self._held: dict[int, float] = {}
        self._read = 0
        self._own: set[int] = set()
        self._changed = threading.Condition()

    def spent(self) -> float:
        """What was spent, with what is set aside."""
        with self._changed, locked(self._lock):
            return self._total()

    def reserve(self, what: str, most: float) -> int | None:
        """Set aside the most that a call may cost; None where that is nothing.

        Where only this process's other calls, once they are settled, can make room, it waits for them.

        Args:
            what: for people: what is asked for, and where.
            most: money.

        Raises:
            BudgetError: it may not be sent.
        """
        if most <= 0:
            return None
        with self._changed:
            while True:
                with locked(self._lock):
                    total = self._total()
                    if total + most <= self.limit + _ROUNDING:
                        return self._append_reservation(what, most)
                if not self._own:
                    break
                self._changed.wait(timeout=1.0)
        raise BudgetError(
            f"{what}: not sent: it may cost up to {most:.4f}, and {total:.4f} of calls.budget {self.limit:.4f} are "
            "spent. Raise calls.budget in params.yaml to go on; what was answered is kept, and is not paid again"
        )

    def settle(self, reservation: int | None, cost: float | None) -> None:
        """Say what a call came to; None: nobody knows, so that all that was set aside counts as spent."""
        if reservation is None:
            return
        with self._changed:
            with locked(self._lock):
                self._total()
                if cost is not None:
                    self._append({"id": reservation, "cost": cost})
                    self._held[reservation] = cost
            self._own.discard(reservation)
            self._changed.notify_all()

    def _append_reservation(self, what: str, most: float) -> int:
        reservation = max(self._held, default=0) + 1
        self._append({"id": reservation, "most": most, "what": what})
        self._held[reservation] = most
        self._own.add(reservation)
        return reservation

    def _append(self, row: dict[str, object]) -> None:
        """On the disk when it returns: the money is set aside before anything is sent."""
        self.ledger.parent.mkdir(parents=True, exist_ok=True)
        with self.ledger.open("ab") as stream:
            stream.write((json.dumps(row, sort_keys=True) + "\n").encode())
            stream.flush()
            os.fsync(stream.fileno())
            self._read = stream.tell()

    def _total(self) -> float:
        """Read what others appended; the lock is held. A last line without its end was never acted upon."""
        if not self.ledger.exists():
            return 0.0
        with self.ledger.open("r+b") as stream:
            stream.seek(self._read)
            data = stream.read()
            whole = data.rfind(b"\n") + 1
            if whole != len(data):
                stream.truncate(self._read + whole)
        for number, line in enumerate(data[:whole].splitlines(), 1):
            try:
                row = json.loads(line)
                self._held[int(row["id"])] = float(row["cost"] if "cost" in row else row["most"])
            except (ValueError, KeyError, TypeError):
                where = f"{self.ledger}: line {number} after byte {self._read}"
                raise FieldguideError(
                    f"{where} is no entry; the money spent is not known. Restore the file, or delete it to count anew"
                ) from None
        self._read += whole
        return math.fsum(self._held.values())
