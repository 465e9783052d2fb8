"""What an ingest tells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class IngestSummary:
    """Counts of one ingest, and how its sources were understood. `read` = `kept` + `merged` + sum of `rejected`."""

    read: int
    kept: int
    merged: int
    rejected: dict[str, int]
    decoded: int
    kept_by_split: dict[str, int]
    exact_across_splits: int
    near: int
    near_across_splits: int
    notes: tuple[str, ...]

    def lines(self) -> list[str]:
        """For people."""
        splits = ", ".join(f"{count} {split}" for split, count in self.kept_by_split.items())
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.rejected.items()) or "none"
        return [
            *self.notes,
            f"read {self.read} files, decoded {self.decoded} that were not known: {self.kept} images ({splits})",
            f"merged {self.merged} exact duplicates ({self.exact_across_splits} across splits, kept in train only)",
            f"linked {self.near} near duplicates ({self.near_across_splits} across splits)",
            f"refused {sum(self.rejected.values())} files: {reasons}",
        ]
