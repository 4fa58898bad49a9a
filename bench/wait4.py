"""Run a command with its output thrown away and print what the kernel accounts to it: wait4.py COMMAND [ARGS] → {"exit", "seconds", "cpu_seconds", "peak_rss_mb"}.

A program of its own, and one that imports little: the peak memory that Linux reports of a process begins at its parent's.
"""

import os
import sys
import time

null = os.open(os.devnull, os.O_RDWR)
began = time.perf_counter()
pid = os.posix_spawn(
    sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1)]
)
_, status, usage = os.wait4(pid, 0)
seconds = time.perf_counter() - began
print(
    f'{{"exit": {os.waitstatus_to_exitcode(status)}, "seconds": {seconds}, '
    f'"cpu_seconds": {usage.ru_utime + usage.ru_stime}, "peak_rss_mb": {usage.ru_maxrss / 1024}}}'
)
