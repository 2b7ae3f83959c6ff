"""The node's figures for Prometheus: how many calls, how they ended, how fast the agents answer.

Everything about a call is taken from its record when it is over: what is measured cannot differ from what is
kept, and costs a call nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from runtime.call_record import CallRecord

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# Seconds: people notice a pause from about 0.5 s, and talk into one of 2 s.
TURN_BUCKETS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
TOOL_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
LAG_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)

OTHER_TOOLS = "other"

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each: nobody graphs it


class Metrics:
    """The figures of one node; each has its own registry, so that several fit into one process.

    `active` returns the live calls by agent, asked at each scrape; `tools` the names of the tools that an
    agent has: what else a model asks for has names without end, and counts as one.
    """

    def __init__(
        self, active: Callable[[], Iterable[tuple[str, int]]], tools: Callable[[str], Container[str]]
    ) -> None:
        self._known = tools
        self._registry = CollectorRegistry()
        self._calls = Counter(
            "tm_calls",
            "Calls that are over; a refused one counts under the reason of its refusal.",
            ("agent", "channel", "end_reason"),
            registry=self._registry,
        )
        self._turns = Histogram(
            "tm_turn_latency_seconds",
            "From when the caller had paused to the model's first audio (model), the first frame sent (frame)"
            " and the first mark that came back (heard).",
            ("agent", "stage"),
            buckets=TURN_BUCKETS,
            registry=self._registry,
        )
        self._first_word = Histogram(
            "tm_first_word_seconds",
            "From the answer to the agent's first frame.",
            ("agent",),
            buckets=TURN_BUCKETS,
            registry=self._registry,
        )
        self._tools = Histogram(
            "tm_tool_seconds",
            "How long tools ran.",
            ("agent", "tool"),
            buckets=TOOL_BUCKETS,
            registry=self._registry,
        )
        self._lag = Histogram(
            "tm_loop_lag_seconds",
            "How late the event loop wakes: while it is, nobody on this node hears or is heard.",
            buckets=LAG_BUCKETS,
            registry=self._registry,
        )
        self._registry.register(_ActiveCalls(active))

    def ended(self, record: CallRecord) -> None:
        """Count a call that is over."""
        reason = record.reject_reason or record.end_reason or "unknown"
        self._calls.labels(record.agent, record.channel, reason).inc()
        if record.latency is not None:
            if record.latency.first_word_ms is not None:
                self._first_word.labels(record.agent).observe(record.latency.first_word_ms / 1000)
            for turn in record.latency.turns:
                stages = {"model": turn.model_ms, "frame": turn.frame_ms, "heard": turn.heard_ms}
                for stage, took_ms in stages.items():
                    if took_ms is not None:
                        self._turns.labels(record.agent, stage).observe(took_ms / 1000)
        known = self._known(record.agent) if record.tools else ()
        for use in record.tools:
            if use.ms is not None:
                name = use.name if use.name in known else OTHER_TOOLS
                self._tools.labels(record.agent, name).observe(use.ms / 1000)

    def lagged(self, seconds: float) -> None:
        """Note how late the event loop was."""
        self._lag.observe(seconds)

    def text(self) -> bytes:
        """Return the exposition format."""
        return generate_latest(self._registry)


class _ActiveCalls(Collector):
    """A gauge that is asked for, not kept: it cannot drift from the calls that there are."""

    def __init__(self, active: Callable[[], Iterable[tuple[str, int]]]) -> None:
        self._active = active

    def collect(self) -> Iterator[GaugeMetricFamily]:
        gauge = GaugeMetricFamily("tm_active_calls", "Calls that are going on.", labels=["agent"])
        for agent, calls in self._active():
            gauge.add_metric([agent], calls)
        yield gauge
