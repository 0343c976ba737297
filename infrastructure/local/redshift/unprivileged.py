"""Runs a program as a given user, keeping it able to reach files below private folders.

PostgreSQL refuses to run as root. A state directory may lie below a folder that only root may enter, so the
two capabilities that let a process pass such folders are kept (Linux). The program is asked to stop when its
parent dies, so a killed endpoint leaves no server behind.
Run as a script: `python unprivileged.py UID GID PROGRAM ARGUMENT...`; UID -1 keeps the present user.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_VERSION_3 = 0x20080522
_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2


def _drop_to(uid: int, gid: int, libc: ctypes.CDLL | None) -> None:
    if libc:
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if libc:
        _keep_capabilities(libc, (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH))


def _keep_capabilities(libc: ctypes.CDLL, wanted: tuple[int, ...]) -> None:
    mask = sum(1 << capability for capability in wanted)
    header = ctypes.create_string_buffer(struct.pack("Ii", _CAP_VERSION_3, 0))
    data = ctypes.create_string_buffer(struct.pack("IIIIII", mask, mask, mask, 0, 0, 0))
    if libc.capset(header, data) == 0:
        for capability in wanted:
            libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0)


def main(arguments: list[str]) -> None:
    """Change the user and become the program; never returns."""
    uid, gid, program = int(arguments[0]), int(arguments[1]), arguments[2:]
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    if uid >= 0:
        _drop_to(uid, gid, libc)
    if libc:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
    os.umask(0o077)
    os.execv(program[0], program)  # noqa: S606 - becoming another program is the purpose


if __name__ == "__main__":
    main(sys.argv[1:])
