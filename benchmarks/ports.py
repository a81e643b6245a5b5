"""Ports of loopback for programs that take seconds to listen on theirs."""

from __future__ import annotations

import random
import socket

# Below those that Linux gives to whoever asks for any (net.ipv4.ip_local_port_range: from 32768), so that no connection
# is on it by the time the program listens.
_RANGE = range(15_000, 32_000)
_RANDOM = random.SystemRandom()  # not the module's: hypothesis seeds it, in two processes alike


def free_port() -> int:
    """Give a port that nobody listens on just now."""
    for port in _RANDOM.sample(_RANGE, 100):
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("127.0.0.1: a hundred ports from 15000 to 32000 were tried, and all are taken")
