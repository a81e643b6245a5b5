"""Ports for programs that listen later."""

from __future__ import annotations

import socket

import pytest

from benchmarks import ports


def test_a_port_can_be_had() -> None:
    with socket.create_server(("127.0.0.1", ports.free_port())) as taken:
        assert taken.getsockname()[1] in ports._RANGE


def test_a_port_that_is_taken_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", ports.free_port())) as taken:
        monkeypatch.setattr(ports, "_RANGE", [taken.getsockname()[1]] * 100)
        with pytest.raises(OSError, match="all are taken"):
            ports.free_port()
