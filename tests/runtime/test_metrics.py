"""What a scrape of a node tells."""

from __future__ import annotations

from dataclasses import replace

from runtime.call_record import CallRecord, Latency, ToolUse, TurnLatency
from runtime.figures.metrics import Metrics

RECORD = CallRecord("c1", "front-desk", "inbound", "completed", 0, end_reason="caller_hangup")
TURNS = (TurnLatency(500, 300, 600, 710), TurnLatency(500, 2400, 2500, None))


def test_a_scrape_tells_how_calls_ended_and_how_fast_agents_answer() -> None:
    metrics = Metrics(lambda: [("front-desk", 3)], lambda agent: {"find"})
    metrics.ended(
        replace(
            RECORD,
            latency=Latency(400, TURNS),
            tools=(ToolUse("find", {}, None, 80),),
        )
    )
    metrics.ended(replace(RECORD, status="rejected", end_reason=None, reject_reason="not_allowed"))
    metrics.lagged(0.004)
    told = metrics.text().decode().splitlines()
    for line in (
        'tm_active_calls{agent="front-desk"} 3.0',
        'tm_calls_total{agent="front-desk",channel="twilio",end_reason="caller_hangup"} 1.0',
        'tm_calls_total{agent="front-desk",channel="twilio",end_reason="not_allowed"} 1.0',
        'tm_turn_latency_seconds_bucket{agent="front-desk",le="0.75",stage="frame"} 1.0',
        'tm_turn_latency_seconds_count{agent="front-desk",stage="model"} 2.0',
        'tm_turn_latency_seconds_count{agent="front-desk",stage="heard"} 1.0',
        'tm_first_word_seconds_bucket{agent="front-desk",le="0.4"} 1.0',
        'tm_tool_seconds_count{agent="front-desk",tool="find"} 1.0',
        "tm_loop_lag_seconds_count 1.0",
    ):
        assert line in told


def test_two_nodes_in_one_process_do_not_share_figures() -> None:
    first, second = Metrics(list, lambda agent: ()), Metrics(list, lambda agent: ())
    first.ended(RECORD)
    assert b"caller_hangup" in first.text()
    assert b"caller_hangup" not in second.text()


def test_tools_that_a_model_makes_up_are_one_series() -> None:
    metrics = Metrics(list, lambda agent: {"find"} if agent == "front-desk" else ())
    invented = tuple(ToolUse(f"fly_{number}", {}, None, 0) for number in range(100))
    metrics.ended(replace(RECORD, tools=(*invented, ToolUse("find", {}, None, 80))))
    metrics.ended(replace(RECORD, agent="bar", tools=(ToolUse("find", {}, None, 80),)))
    counts = [
        line for line in metrics.text().decode().splitlines() if line.startswith("tm_tool_seconds_count")
    ]
    assert sorted(counts) == [
        'tm_tool_seconds_count{agent="bar",tool="other"} 1.0',
        'tm_tool_seconds_count{agent="front-desk",tool="find"} 1.0',
        'tm_tool_seconds_count{agent="front-desk",tool="other"} 100.0',
    ]
