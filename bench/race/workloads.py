"""What the contenders have to carry, and what Headroom is meant to reach on it.

Not here: how it is measured (rounds.py).
"""
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Workload:
    """One row of the race; CPU time is counted per request, or per event when it streams."""
    name: str
    title: str
    connections: int
    body_bytes: int
    rate: int = 0              # of the fixed-rate phase, requests per second
    chunks: int = 0            # of one stream; 0: a JSON answer
    interval_ms: int = 0       # between two chunks
    step_ms: int = 0           # events of all streams leave at multiples of it; 0: each in its own time
    tls: bool = False          # to the backend
    targets: dict = field(default_factory=dict)  # rival: highest ratio of CPU time

    @property
    def streams(self):
        return self.chunks > 0

    @property
    def phases(self):
        return ("streams",) if self.streams else ("saturated", "paced")

    def shortened(self):
        """With streams of ten events, for smoke tests."""
        return replace(self, chunks=min(self.chunks, 10))

    @property
    def unit(self):
        return "event" if self.streams else "request"

    @property
    def answer(self):
        """How mock_azure is told to answer."""
        return ["--fixed-sse", f"{self.chunks}:{self.interval_ms}:{self.step_ms}"] if self.streams else ["--fixed-bytes", str(ANSWER_BYTES)]


ANSWER_BYTES = 1536
PATH = "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"

WORKLOADS = (
    Workload("small", "POST 2 KB -> 1.5 KB JSON, 64 connections", 64, 2048, 10_000,
             targets={"nginx": 0.60, "haproxy": 0.70}),
    Workload("large", "POST 64 KB -> 1.5 KB JSON, 64 connections", 64, 65_536, 5_000, targets={"nginx": 0.90}),
    Workload("sse40", "40 streams, an event every 1 ms, in steps of 1 ms", 40, 2048, chunks=500, interval_ms=1, step_ms=1,
             targets={"nginx": 0.80}),
    Workload("sse600", "600 streams, an event every 20 ms, in steps of 1 ms", 600, 2048, chunks=100, interval_ms=20, step_ms=1,
             targets={"nginx": 0.70}),
    Workload("sse40-apart", "40 streams, an event every 1 ms, each in its own time", 40, 2048, chunks=500, interval_ms=1),
    Workload("sse600-apart", "600 streams, an event every 20 ms, each in its own time", 600, 2048, chunks=100, interval_ms=20),
    Workload("tls-small", "as small, TLS 1.3 to the backend", 64, 2048, 10_000, tls=True, targets={"nginx": 0.80}),
    Workload("tls-large", "as large, TLS 1.3 to the backend", 64, 65_536, 2_000, tls=True, targets={"nginx": 0.80}),
)
