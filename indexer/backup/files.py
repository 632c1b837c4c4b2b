"""Backups of a generation as Parquet files: written in row groups, whole or not at all; checked when they are read."""

# pyarrow has no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from encoders.spec import FloatArray
from indexer.backup.format import (
    CHECKSUM_KEY,
    FORMAT,
    HEADER_KEY,
    BackupChecksum,
    BackupHeader,
    BackupProduct,
    backup_row,
    backup_schema,
    backup_table,
    update_digest,
)
from indexer.errors import InvalidBackup
from indexer.records import unpack_product

GROUP_ROWS = 2_048
GROUP_BYTES = 32 * 2**20
"""A row group is what is held in memory: so many rows, or fewer when they are long."""
READ_ROWS = 512


class BackupWriter:
    """Writes a backup to FILE.part, which becomes FILE when all is in it; a context manager.

    Every method raises `InvalidBackup` when the file cannot be written.
    """

    def __init__(self, path: Path, header: BackupHeader, group_rows: int = GROUP_ROWS) -> None:
        """Args: group_rows: products in a row group at most."""
        self._group_rows = group_rows
        self._path = path
        self._part = path.with_name(path.name + ".part")
        self._schema = backup_schema(header)
        self._digest, self._count, self._bytes = hashlib.blake2b(digest_size=16), 0, 0
        self._waiting: list[dict[str, Any]] = []

    def __enter__(self) -> BackupWriter:
        with self._translated_errors():
            self._file = pq.ParquetWriter(self._part, self._schema, compression="zstd", write_page_checksum=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with self._translated_errors():
                if kind is None:
                    self._finish()
                else:
                    self._file.close()
        finally:
            self._part.unlink(missing_ok=True)

    def add(self, product: BackupProduct) -> None:
        """Add a product; they must come by ascending id."""
        row = backup_row(*product)
        update_digest(self._digest, product[0], row["state"], product[2])
        self._waiting.append(row)
        self._count += 1
        self._bytes += len(row["state"]) + len(row["fields"]) + product[2].nbytes
        if len(self._waiting) >= self._group_rows or self._bytes >= GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            with self._translated_errors():
                self._file.write_table(backup_table(self._waiting, self._schema), row_group_size=len(self._waiting))
        self._waiting, self._bytes = [], 0

    def _finish(self) -> None:
        self._flush()
        whole = BackupChecksum(self._count, self._digest.hexdigest())
        self._file.add_key_value_metadata({CHECKSUM_KEY.decode(): msgspec.json.encode(whole).decode()})
        self._file.close()
        with self._part.open("rb") as written:
            os.fsync(written.fileno())
        self._part.replace(self._path)

    @contextmanager
    def _translated_errors(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise InvalidBackup(f"{self._part} cannot be written: {error}") from error


class BackupReader:
    """Reads a backup; a context manager.

    Every method raises `InvalidBackup` for a file that is none, is not whole, or was made by a later version.
    """

    def __init__(self, path: Path, read_rows: int = READ_ROWS) -> None:
        """Args: read_rows: products read at a time."""
        self._path = path
        self._read_rows = read_rows

    def __enter__(self) -> BackupReader:
        try:
            self._file = pq.ParquetFile(self._path, page_checksum_verification=True)
        except (pa.ArrowException, OSError, ValueError) as error:
            why = str(error).partition(".")[0]
            raise InvalidBackup(f"{self._path} is no whole Parquet file ({why}): export it again") from error
        self.header = self._read_header()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def count(self) -> int:
        """How many products there are."""
        return self._file.metadata.num_rows

    def batches(self) -> Iterator[list[BackupProduct]]:
        """All products by ascending id, some hundreds at a time; nothing is checked but what is read."""
        for packed in self._packed():
            with self._translated_errors():
                yield [(product_id, unpack_product(state), vector) for product_id, state, vector in packed]

    def verify(self) -> None:
        """Read all of it, and compare the count and the digest with those that were noted when it was written."""
        raw = (self._file.metadata.metadata or {}).get(CHECKSUM_KEY)
        if raw is None:
            self._refuse("has no checksum, so it was not written to its end")
        digest, count, last = hashlib.blake2b(digest_size=16), 0, ""
        for product_id, state, vector in chain.from_iterable(self._packed()):
            if product_id <= last:
                self._refuse(f"is damaged: {product_id} comes after {last}")
            update_digest(digest, product_id, state, vector)
            count, last = count + 1, product_id
        with self._translated_errors():
            whole = msgspec.json.decode(raw, type=BackupChecksum)
        if (count, digest.hexdigest()) != (whole.count, whole.digest):
            self._refuse(f"is damaged: {count:,} products of {whole.count:,}, or not what was written")

    def _packed(self) -> Iterator[list[tuple[str, str, FloatArray]]]:
        """Products as they are in the file."""
        with self._translated_errors():
            # One group by one: going through all of them, the reader keeps what it has read.
            groups = ([group] for group in range(self._file.num_row_groups))
            columns = ["product_id", "state", "vector"]
            batches = (self._file.iter_batches(self._read_rows, group, columns) for group in groups)
            for batch in chain.from_iterable(batches):
                numbers = batch.column("vector").flatten().to_numpy(zero_copy_only=False)
                vectors = numbers.reshape(len(batch), 2 * self.header.dim)
                ids, states = batch.column("product_id").to_pylist(), batch.column("state").to_pylist()
                yield list(zip(ids, states, vectors, strict=True))

    @contextmanager
    def _translated_errors(self) -> Generator[None]:
        """Faults of the file, with its name."""
        try:
            yield
        except (pa.ArrowException, OSError, ValueError, zlib.error, msgspec.MsgspecError) as error:
            self._refuse(f"is damaged: {error}", error)

    def _read_header(self) -> BackupHeader:
        with self._translated_errors():
            schema = self._file.schema_arrow
        raw = (schema.metadata or {}).get(HEADER_KEY)
        if raw is None:
            self._refuse("is no backup of an index; `vitrine publish products` takes catalogues")
        with self._translated_errors():
            made_by = msgspec.json.decode(raw, type=dict[str, Any]).get("format")
        if made_by != FORMAT:
            self._refuse(f"has format {made_by}, this program reads {FORMAT}: import it with the version that made it")
        with self._translated_errors():
            header = msgspec.json.decode(raw, type=BackupHeader)
            same = schema == backup_schema(header)
        if not same:
            self._refuse("is damaged: it has other columns than a backup")
        return header

    def _refuse(self, fault: str, cause: BaseException | None = None) -> NoReturn:
        raise InvalidBackup(f"{self._path} {fault}") from cause
