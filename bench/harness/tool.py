"""The Rust tools of bench/tools."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from .places import TOOL


def tool(command: str, *arguments: str, timeout: float = 300.0) -> dict[str, Any]:
    """Runs one to its end.

    Raises:
        RuntimeError: when it fails, with its words.
    """
    ended = subprocess.run([TOOL, command, *arguments], capture_output=True, text=True, timeout=timeout, check=False)
    if ended.returncode != 0:
        raise RuntimeError(f"stream-bench {command} failed: {ended.stderr.strip()[-2000:]}")
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer
