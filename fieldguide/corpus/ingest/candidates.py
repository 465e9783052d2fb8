"""All files of all sources as columns, in the order in which the sources give them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fieldguide.corpus.ingest.inspected import INSPECTED
from fieldguide.corpus.ingest.packing.numbers import Codes, Ints, Numbers, numbers_of_column


@dataclass(frozen=True)
class Words:
    """A column of few different texts: places in `texts`; -1 is null."""

    texts: list[str]
    codes: Codes

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> Words:
        """A column of strings."""
        encoded = pc.dictionary_encode(column).combine_chunks()
        return cls(encoded.dictionary.to_pylist(), encoded.indices.fill_null(-1).to_numpy().astype(np.int32))

    def at(self, rows: Ints) -> pa.Array:
        """The texts of these rows."""
        codes = pa.array(self.codes[rows], mask=self.codes[rows] < 0)
        return pa.DictionaryArray.from_arrays(codes, pa.array(self.texts, pa.string())).cast(pa.string())


class Candidates:
    """A row for each file. Some 100 bytes of memory a row, and the length of its key."""

    def __init__(self, tables: Sequence[pa.Table], sources: Sequence[int]) -> None:
        """`tables` of INSPECTED in order, and the number of the source of each."""
        whole = pa.concat_tables([INSPECTED.empty_table(), *tables])
        self._table = whole
        self.source = np.repeat(np.array(sources, np.int32), [len(table) for table in tables])
        self.keys = whole["key"].cast(pa.large_string()).combine_chunks()
        self.hashes = whole["sha256"].combine_chunks()
        self.numbers: Numbers = numbers_of_column(whole["sha256"])
        self.size, self.phash, self.width, self.height = (
            whole[name].to_numpy() for name in ("size", "phash", "width", "height")
        )
        self.entity, self.split, self.licence, self.attribution, self.format = (
            Words.of(whole[name]) for name in ("entity", "split", "licence", "attribution", "format")
        )
        self.is_good: npt.NDArray[np.bool_] = pc.and_(
            pc.is_null(whole["reason"]), pc.is_null(whole["misnamed"])
        ).to_numpy()

    def __len__(self) -> int:
        return len(self.source)

    def key(self, row: int) -> str:
        """The name of a file inside its source."""
        key: str = self.keys[int(row)].as_py()
        return key

    def refused(self) -> tuple[Ints, pa.Table]:
        """The rows of files that are refused, and why: `reason`, `detail`."""
        rows = np.flatnonzero(~self.is_good)
        why = self._table.select(["reason", "detail", "misnamed"]).filter(pa.array(~self.is_good))
        reason = pc.fill_null(why["reason"], "misnamed")
        detail = pc.if_else(pc.is_null(why["reason"]), why["misnamed"], why["detail"])
        return rows, pa.table({"reason": reason, "detail": detail})
