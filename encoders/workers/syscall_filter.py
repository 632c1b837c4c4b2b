"""System calls that a worker process gives up for good, where the kernel lets an ordinary user give them up (seccomp).

The filter is a program for the kernel's packet filter. It refuses what is named, and lets everything else through: a
list of all that numpy, FFmpeg and a model may call on every kernel could not be kept. What is refused fails with an
error, which libraries handle as they would in a sandbox.
Source: the kernel's Documentation/userspace-api/seccomp_filter.rst.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_SECCOMP_SET_MODE_FILTER, _FILTER_FLAG_TSYNC = 1, 1
_ALLOW: Final = 0x7FFF0000
_ERRNO: Final = 0x00050000
_LOAD, _JUMP_EQUAL, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_X32_BIT: Final = 0x40000000
_CLONE_THREAD: Final = 0x00010000


@dataclass(frozen=True, slots=True)
class _Machine:
    """What the kernel calls an architecture, and the numbers of its system calls; a call that it lacks is left out."""

    audit_code: int
    numbers: Mapping[str, int]


def _table(calls: str) -> Mapping[str, int]:
    """The numbers of `name=number` words."""
    return {name: int(number) for name, _, number in (call.partition("=") for call in calls.split())}


_X86_64: Final = _Machine(
    0xC000003E,
    _table(
        "socket=41 connect=42 accept=43 bind=49 listen=50 socketpair=53 accept4=288 "
        "clone=56 fork=57 vfork=58 execve=59 execveat=322 clone3=435 "
        "open=2 openat=257 openat2=437 creat=85 open_by_handle_at=304 "
        "truncate=76 rename=82 mkdir=83 rmdir=84 link=86 unlink=87 symlink=88 chmod=90 chown=92 "
        "mkdirat=258 mknodat=259 unlinkat=263 renameat=264 linkat=265 symlinkat=266 renameat2=316 "
        "kill=62 tkill=200 tgkill=234 ptrace=101 process_vm_readv=310 process_vm_writev=311 "
        "pidfd_open=434 pidfd_getfd=438 pidfd_send_signal=424 bpf=321 io_uring_setup=425 userfaultfd=323 "
        "mount=165 unshare=272 setns=308 keyctl=250 add_key=248 request_key=249 perf_event_open=298 "
    ),
)
_AARCH64: Final = _Machine(
    0xC00000B7,
    _table(
        "socket=198 connect=203 accept=202 bind=200 listen=201 socketpair=199 accept4=242 "
        "clone=220 execve=221 execveat=281 clone3=435 "
        "openat=56 openat2=437 open_by_handle_at=265 "
        "truncate=45 mkdirat=34 mknodat=33 unlinkat=35 renameat=38 linkat=37 symlinkat=36 renameat2=276 "
        "kill=129 tkill=130 tgkill=131 ptrace=117 process_vm_readv=270 process_vm_writev=271 "
        "pidfd_open=434 pidfd_getfd=438 pidfd_send_signal=424 bpf=280 io_uring_setup=425 userfaultfd=282 "
        "mount=40 unshare=97 setns=268 keyctl=219 add_key=217 request_key=218 perf_event_open=241 "
    ),
)
_MACHINES: Final = {"x86_64": _X86_64, "aarch64": _AARCH64}

_NETWORK: Final = ("socket", "connect", "accept", "accept4", "bind", "listen", "socketpair")
_PROCESSES: Final = ("fork", "vfork", "execve", "execveat")
_OTHER_PROCESSES: Final = (
    *("ptrace", "process_vm_readv", "process_vm_writev", "pidfd_open", "pidfd_getfd", "pidfd_send_signal"),
    "tkill",
)
_KERNEL: Final = (
    *("bpf", "io_uring_setup", "userfaultfd", "mount", "unshare", "setns", "perf_event_open"),
    *("keyctl", "add_key", "request_key"),
)
_FILES: Final = (
    *("open", "openat", "open_by_handle_at", "creat", "truncate", "rename", "renameat", "renameat2", "mkdir"),
    *("mkdirat", "rmdir", "link", "linkat", "unlink", "unlinkat", "symlink", "symlinkat", "mknodat", "chmod", "chown"),
)
_ABSENT: Final = ("clone3", "openat2")
"""Their flags are in memory, where a filter cannot see them: answered as a kernel would that does not know them, so
that libraries make the older call."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """What a process gives up beside opening connections, signalling other processes and the kernel's wider doors."""

    files: bool = True
    """Whether it opens no file any more, for reading neither."""
    programs: bool = True
    """Whether it starts no process any more."""
    threads: bool = True
    """Whether it starts no thread any more either: for root, whom no limit of processes holds."""


def refuse_system_calls(refusals: Refusals) -> str | None:
    """Give system calls up, for all threads of this process and for good.

    Returns:
        None where it is done; else why it cannot be done here.
    """
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None:
        return f"no system call filter for {sys.platform} on {platform.machine()}"
    instructions = filter_program(machine.audit_code, machine.numbers, refusals, os.getpid())
    code = ctypes.create_string_buffer(b"".join(instructions), 8 * len(instructions))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(instructions), ctypes.addressof(code)))
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return f"prctl(PR_SET_NO_NEW_PRIVS): {os.strerror(ctypes.get_errno())}"
    seccomp = {"x86_64": 317, "aarch64": 277}[platform.machine()]
    if library.syscall(seccomp, _SECCOMP_SET_MODE_FILTER, _FILTER_FLAG_TSYNC, program) == 0:
        return None
    # Of kernels that filter, but not all threads at once: threads started from now on are filtered like this one.
    if library.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, program, 0, 0) == 0:
        return None
    return f"seccomp: {os.strerror(ctypes.get_errno())}"


def filter_program(architecture: int, numbers: Mapping[str, int], refusals: Refusals, pid: int) -> list[bytes]:
    """The filter's instructions, 8 bytes each.

    Args:
        architecture: the kernel's code of it.
        numbers: of its system calls by name.
        refusals: what is refused.
        pid: this process's; it may signal itself alone.
    """
    refused = [*_NETWORK, *_OTHER_PROCESSES, *_KERNEL]
    refused += _PROCESSES if refusals.programs else ()
    refused += _FILES if refusals.files else ()
    program = [
        _instruction(_LOAD, _ARCHITECTURE_AT),
        # Calls of another architecture's numbering are refused altogether, and so are those of x32.
        _instruction(_JUMP_EQUAL, architecture, 1, 0),
        _refuse(errno.EPERM),
        _instruction(_LOAD, _NUMBER_AT),
        _instruction(_JUMP_ANY_BIT, _X32_BIT, 0, 1),
        _refuse(errno.EPERM),
    ]
    for name in refused:
        program += _when(numbers, name, [_refuse(errno.EACCES)])
    for name in _ABSENT if refusals.programs or refusals.files else ():
        program += _when(numbers, name, [_refuse(errno.ENOSYS)])
    if refusals.threads:
        program += _when(numbers, "clone", [_refuse(errno.EAGAIN)])
    elif refusals.programs:
        # A thread is a clone that stays within the process.
        program += _when(
            numbers,
            "clone",
            [_argument(0), _instruction(_JUMP_ANY_BIT, _CLONE_THREAD, 1, 0), _refuse(errno.EACCES), _allow()],
        )
    for name in ("kill", "tgkill"):
        program += _when(
            numbers, name, [_argument(0), _instruction(_JUMP_EQUAL, pid, 1, 0), _refuse(errno.EPERM), _allow()]
        )
    return [*program, _allow()]


def _when(numbers: Mapping[str, int], name: str, then: Sequence[bytes]) -> list[bytes]:
    """Instructions for one call; none where the architecture does not have it."""
    return [_instruction(_JUMP_EQUAL, numbers[name], 0, len(then)), *then] if name in numbers else []


def _argument(index: int) -> bytes:
    """Load the low half of an argument: the architectures here are little-endian."""
    return _instruction(_LOAD, _ARGUMENTS_AT + 8 * index)


def _refuse(number: int) -> bytes:
    return _instruction(_RETURN, _ERRNO | number)


def _allow() -> bytes:
    return _instruction(_RETURN, _ALLOW)


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
