"""What the measurements need to know of the machine and its processes."""

from __future__ import annotations

import datetime
import os
import pathlib
import platform
import resource
import time

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def describe() -> str:
    """Returns one line: processor, cores, kernel, date, how busy it was.

    To be asked before the measurement: its own load would count as well.
    """
    model = platform.processor() or platform.machine()
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    cores = len(os.sched_getaffinity(0))
    today = datetime.date.today().isoformat()
    busy = f"load average {os.getloadavg()[0]:.1f} before"
    return f"{model}, {cores} cores, Linux {platform.release()}, {today}, {busy}"


def filesystem(folder: pathlib.Path) -> str:
    """Returns the type of the file system that holds `folder`."""
    best, kind = "", "unknown"
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        mount, mounted = line.split()[1:3]
        inside = str(folder.resolve()).startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, mounted
    return kind


def family(pid: int) -> list[int]:
    """Returns a process and all that descend from it."""
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += family(int(child))
    return found


def cpu_seconds(pids: list[int]) -> float:
    """Returns the processor time that processes and descendants have used."""
    ticks = 0
    for pid in {member for root in pids for member in family(root)}:
        # What comes after the command's name, which may hold anything.
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS_PER_SECOND


def busy_seconds() -> float:
    """Returns the processor time that all processes have used, ours and others'."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system = (int(field) for field in fields[:3])
    return (user + nice + system) / TICKS_PER_SECOND


def children_seconds() -> float:
    """Returns the processor time of the children that have ended, such as wrk."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rss_bytes(pid: int) -> int:
    """Returns the memory of a process that is resident."""
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def wait_quiet(pids: list[int], deadline_s: float = 60.0) -> None:
    """Returns when the processes use less than 4 % of a core (over 0.5 s)."""
    deadline = time.monotonic() + deadline_s
    while time.monotonic() < deadline:
        before = cpu_seconds(pids)
        time.sleep(0.5)
        if cpu_seconds(pids) - before < 0.02:
            return
    raise RuntimeError("a server did not come to rest")
