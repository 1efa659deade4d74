"""What processes use, measured on real ones."""

import subprocess
import sys

from harness import processes


def test_usage_counts_children_that_run_and_that_ended() -> None:
    busy = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"
    parent = (
        "import subprocess, sys\n"
        f"subprocess.run([sys.executable, '-c', {busy!r}], check=True)\n"
        f"child = subprocess.Popen([sys.executable, '-c', {busy + 'print(1, flush=True); input()'!r}], stdin=subprocess.PIPE,"
        " stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print('ready', flush=True)\n"
        "input()\n"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        found = processes.usage(process.pid)
        assert len(processes.descendants(process.pid)) == 1
        process.kill()
    assert found.cpu >= 0.55
    # Two Pythons.
    assert found.peak_bytes > 10e6


def test_a_process_that_is_gone_uses_nothing() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert processes.usage(process.pid) == processes.Usage(0.0, 0)


def test_what_is_held_is_counted() -> None:
    files = "files = [open('/dev/null') for _ in range(10)]"
    child = f"import threading; {files}; threading.Thread(target=input).start(); print(1, flush=True)"
    with subprocess.Popen([sys.executable, "-c", child], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        found = processes.held(process.pid)
        process.kill()
    # Ten files beside the three that each process has.
    assert found.files >= 13 and found.threads == 2
    assert found.resident_bytes > 5e6
