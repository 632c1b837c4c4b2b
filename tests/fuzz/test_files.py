"""Files that `vitrine publish` is given: each row comes out or is rejected, or the file is refused by name."""

from __future__ import annotations

import gzip
import io
import json
import random
import time
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streams.errors import UnreadableFile
from streams.files.catalogue import Catalogue
from streams.files.conventions.survey import Conventions
from streams.files.local_media import LocalMedia
from streams.files.prepared_events import EventClock
from tests.fuzz.budget import FILES, SEED
from tests.fuzz.mutation import mutate_bytes
from tests.unit.streams.files.catalogues import workbook

MOST_S = 5.0
_HEADER = b"sku,title,price,colour,image,category\n"
_CSV = _HEADER + b'a1,"Red, dress","1.299,00 \xe2\x82\xac",red,a.jpg,Women/Dresses\n' * 20
_JSON = b"".join(
    json.dumps({"id": f"j{n}", "title": "Dress", "price": n, "tags": ["a"]}).encode() + b"\n" for n in range(20)
)
_XML = (
    b"<rss><channel>" + b"<item><id>a</id><title>b &amp; c</title><price>5 EUR</price></item>" * 9 + b"</channel></rss>"
)
SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".xml", ".xlsx", ".csv.gz", ".jsonl.gz", ".csv.zip", ".parquet")


def _seed(suffix: str, directory: Path) -> bytes:
    if suffix == ".parquet":
        path = directory / "seed.parquet"
        pq.write_table(pa.table({"sku": ["a", "b"], "price": [1.0, 2.0], "tags": [["x"], []]}), path)
        return path.read_bytes()
    if suffix == ".xlsx":
        workbook(directory / "seed.xlsx", ["sku", "title", "price"], ["a", "b", 1.5], ["c", "d", 2])
        return (directory / "seed.xlsx").read_bytes()
    seeds = {".json": b"[" + b",".join(_JSON.splitlines()) + b"]", ".xml": _XML}
    return seeds.get(suffix) or (_JSON if suffix.startswith(".jsonl") else _CSV)


def _packed(suffix: str, data: bytes) -> bytes:
    if suffix.endswith(".gz"):
        return gzip.compress(data, 1)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.csv", data)
    return packed.getvalue()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_broken_file_is_read_or_refused(suffix: str, tmp_path: Path) -> None:
    rng, seed = random.Random(f"{SEED} {suffix}"), _seed(suffix, tmp_path)
    path = tmp_path / f"file{suffix}"
    resolve = LocalMedia(None).resolve
    for _ in range(FILES // len(SUFFIXES)):
        data = mutate_bytes(seed, rng, (_CSV, _JSON, seed))
        if suffix.endswith((".gz", ".zip")):
            data = _packed(suffix, data)
            data = mutate_bytes(data, rng) if rng.random() < 0.3 else data
        path.write_bytes(data)
        began = time.thread_time()
        try:
            catalogue = Catalogue(path, None, {}, Conventions(), lambda _line: None)
            for outcome in catalogue.events(resolve, EventClock()):
                assert outcome.line >= 0
        except UnreadableFile as refusal:
            assert path.name in str(refusal)
        except Exception as error:
            raise AssertionError(f"{type(error).__name__}: {error} for {data[:2_000]!r}") from error
        assert time.thread_time() - began < MOST_S, f"{data[:2_000]!r}"
