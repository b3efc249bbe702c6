"""`python tether.py PARENT COMMAND...` becomes COMMAND, and the kernel ends it when the process PARENT is gone: for a
worker that is stuck, or too busy to see that its gateway hung up. Needs Linux; elsewhere it only becomes COMMAND."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # prctl(2); kept over execve, and about the thread that started us: the gateway's main one


def main(arguments: list[str]) -> None:
    """Does not return. Raises OSError when the kernel refuses or there is no such command."""
    parent, command = int(arguments[0]), arguments[1:]
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
        if os.getppid() != parent:  # it went before the kernel knew
            sys.exit(f"expected to be started by process {parent}, which is gone")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
