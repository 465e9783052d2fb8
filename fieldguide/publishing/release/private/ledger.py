"""The ledger of a private folder: who had which run scored, with what result. Lines are added and never changed."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import append_lines, canonical_json, locked, open_input
from fieldguide.evaluation.judged import shaped

LEDGER = "ledger.jsonl"
VERSION = 1
_LONGEST_NAME = 100


@dataclass(frozen=True)
class MeasuredMean:
    """A mean over the private subtopics, with its interval over topics; all that is ever said."""

    measure: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class LedgerEntry:
    """One try.

    Attributes:
        team: who had it scored, as `team_name` writes it.
        run: sha256 of what it ranks for private subtopics.
        commitment: to the qrels that it was scored by.
        missing: private subtopics that it ranks nothing for.
        means: what was said.
    """

    team: str
    run: str
    commitment: str
    missing: int
    means: list[MeasuredMean]


class Ledger:
    """The tries in a private folder; to be used while it is locked."""

    def __init__(self, folder: Path) -> None:
        """Read what there is.

        Raises:
            FieldguideError: a line is none of a ledger; tries are not forgotten because a file is damaged.
        """
        self.path = folder / LEDGER
        self._data = b""
        if self.path.exists():
            with open_input(self.path) as stream:
                self._data = stream.read()
        # A line without its end is of a process that died before it said anything.
        self._whole = self._data.rfind(b"\n") + 1
        self.entries = list(self._read())

    def answer(self, run: str, commitment: str) -> LedgerEntry | None:
        """What was said of a run that was scored by the same qrels before."""
        return next((e for e in self.entries if (e.run, e.commitment) == (run, commitment)), None)

    def used(self, team: str, commitment: str) -> int:
        """How many runs of a team were scored by these qrels."""
        return sum((e.team, e.commitment) == (team, commitment) for e in self.entries)

    def add(self, entry: LedgerEntry) -> None:
        """Write down a try; it is on the disk when this returns, so nothing is said that is not written down."""
        line = canonical_json(asdict(entry) | {"schema_version": VERSION})
        with self.path.open("r+b") as stream:
            append_lines(stream, self._data, self._whole, [line])
        self.entries.append(entry)

    def _read(self) -> Iterator[LedgerEntry]:
        for number, line in enumerate(self._data[: self._whole].splitlines(), 1):
            where = Path(f"{self.path}:{number}")
            try:
                values = json.loads(line)
            except (ValueError, RecursionError):
                values = None
            if not isinstance(values, dict) or values.pop("schema_version", None) != VERSION:
                raise FieldguideError(
                    f"{where}: is no line of a ledger of version {VERSION}; restore the file as it was"
                )
            try:
                shaped(values, where, LedgerEntry, "release")
            except FieldguideError:
                raise FieldguideError(f"{where}: is no line of a ledger; restore the file as it was") from None
            yield LedgerEntry(**values | {"means": [MeasuredMean(**mean) for mean in values["means"]]})


@contextmanager
def ledger_locked(folder: Path) -> Iterator[Ledger]:
    """The ledger of a private folder, nobody else's until the block ends; whoever is second waits."""
    with locked(folder / "ledger.lock"):
        (folder / LEDGER).touch(mode=0o600)
        yield Ledger(folder)


def team_name(text: str) -> str:
    """A team's name as it is counted: small letters, one space between words.

    Raises:
        FieldguideError: it is empty, too long, or holds what cannot be printed.
    """
    name = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        shown = text[:_LONGEST_NAME]
        raise FieldguideError(f"--as: {shown!r} is no name; expected 1 to {_LONGEST_NAME} printable characters")
    return name
