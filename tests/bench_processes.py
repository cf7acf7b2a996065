"""What Linux tells of processes: who is whose child, how much memory they take, what they have loaded."""

import os
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


def tree(root: int | None = None) -> list[int]:
    """Return a process and all its descendants, by default this one's; it alone where the system does not tell."""
    root = os.getpid() if root is None else root
    parents: dict[int, int] = {}
    for entry in PROC.glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            # The name, in brackets, may hold anything.
            parents[int(entry.parent.name)] = int(entry.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def proportional_mb(pids: list[int]) -> float:
    """Return the memory of processes in MB: pages that several processes share are shared out among them."""
    return sum(_kilobytes(pid, "smaps_rollup", "Pss:") for pid in pids) * 1024 / 1e6


def peak_mb(pids: list[int]) -> float:
    """Return the sum of the largest memory that each process has ever taken, in MB; shared pages count in each."""
    return sum(_kilobytes(pid, "status", "VmHWM:") for pid in pids) * 1024 / 1e6


def torch_in(pid: int) -> bool:
    """Tell whether a process has PyTorch's library in its memory."""
    with suppress(OSError):
        return "libtorch_cpu" in (PROC / str(pid) / "maps").read_text(encoding="utf-8")
    return False


def busy_seconds() -> float:
    """Return for how many seconds the processors have worked since the system started, all together."""
    with suppress(OSError):
        times = (PROC / "stat").read_text(encoding="utf-8").splitlines()[0].split()[1:]
        user, nice, system, _, _, *interrupts = map(int, times[:8])
        return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")
    return 0.0


def own_seconds() -> float:
    """Return for how many of them they worked for this process and those of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _kilobytes(pid: int, file: str, name: str) -> int:
    with suppress(OSError):
        for line in (PROC / str(pid) / file).read_text(encoding="utf-8").splitlines():
            if line.startswith(name):
                return int(line.split()[1])
    return 0
