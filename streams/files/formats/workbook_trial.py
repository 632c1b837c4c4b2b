"""Whether a workbook can be held in memory, found out by a process that may die of it.

A sheet is held as the rectangle around its cells: one far cell, or one cell that is repeated, makes gigabytes of a
small file. The reader of workbooks ends its process where it gets no memory; no exception can be caught.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import BinaryIO, Final

import python_calamine

from streams.errors import UnreadableFile

TRIAL_BYTES: Final = 768 * 2**20
"""What a workbook may take: less than what reading a file may (`READING_BYTES`), as rows are made of it."""
TRIAL_S: Final = 600.0
_PACKAGES: Final = str(Path(python_calamine.__file__).parents[1])
# The file is opened anew, as its place is shared with who reads it afterwards. What is no workbook is theirs to say.
_TRIAL: Final = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from python_calamine import CalamineError, CalamineWorkbook
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[2]), int(sys.argv[2])))
try:
    workbook = CalamineWorkbook.from_filelike(open("/proc/self/fd/0", "rb"))
    any(workbook.get_sheet_by_name(name).height > 1 for name in workbook.sheet_names)
except (CalamineError, ValueError):
    pass
"""


def check_memory(path: Path, raw: BinaryIO) -> None:
    """Refuse a workbook that takes too much memory, on Linux, or too long. Raises `UnreadableFile`."""
    if sys.platform == "linux" and not _is_read(raw):
        raise UnreadableFile(
            f"{path} takes more than the {TRIAL_BYTES // 2**20} MiB that a workbook may: has it a cell far below or"
            " beside the others? Save it as CSV"
        )


def _is_read(raw: BinaryIO) -> bool:
    command = [sys.executable, "-I", "-S", "-c", _TRIAL, _PACKAGES, str(TRIAL_BYTES)]
    try:
        ended = subprocess.run(command, stdin=raw, capture_output=True, timeout=TRIAL_S)
    except subprocess.TimeoutExpired:
        return False
    return ended.returncode == 0
