"""What a load generator measured: a histogram of latencies."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Measured:
    """What one or several runs against one server gave."""

    latencies: Counter[int] = field(default_factory=Counter)
    """How many answers of 200 took how many microseconds."""
    seconds: float = 0.0
    failures: int = 0
    """Answers that are not 200, or have no body, and connections that broke."""
    generator_seconds: float = 0.0
    """Processor time of the load generator."""

    def __add__(self, other: Measured) -> Measured:
        return Measured(
            self.latencies + other.latencies,
            self.seconds + other.seconds,
            self.failures + other.failures,
            self.generator_seconds + other.generator_seconds,
        )

    @property
    def answers(self) -> int:
        """How many answers of 200 there were."""
        return self.latencies.total()

    @property
    def rate(self) -> float:
        """Answers of 200 a second."""
        return self.answers / self.seconds if self.seconds else 0.0

    @property
    def generator_share(self) -> float:
        """The share of one core that the load generator used."""
        return self.generator_seconds / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """The latency in milliseconds that ``share`` (0 to 1) of the answers keep within; NaN if there are none."""
        left = min(int(share * self.answers), self.answers - 1)
        for microseconds in sorted(self.latencies):
            if (left := left - self.latencies[microseconds]) < 0:
                return microseconds / 1000
        return float("nan")
