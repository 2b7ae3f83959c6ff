"""CPU seconds of validating 1,000 agents in a file each, and the budget: `python -m bench.validate [N]`."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from schemas import load_fleet

BUDGET_SECONDS_PER_1000 = 1.0
ENVIRONMENT = {
    "TM_PUBLIC_URL": "https://phones.example.com",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "secret",
}

SERVICE = """\
kind: Service
name: bench
public_url: ${env:TM_PUBLIC_URL}
defaults:
  max_call_seconds: 900
  voice:
    model: gpt-realtime-2.1
---
kind: Hold
name: wait
strategy: text
text: One moment, please.
---
kind: Whitelist
name: friends
callers: [+14155550100, "+1415*"]
"""

AGENT = """\
kind: Agent
name: agent-{index}
description: The line of branch {index}
numbers:
  - +1415{number}
  - number: "+1628{number}"
    friendly_name: Branch {index}
    region: us1
greeting: Branch {index}, how can I help you?
instructions: |
  You answer the calls of branch {index}.
  Say the opening hours when asked, and take messages for everybody else.
  Keep it short: people are on the phone.
hold: wait
allow_callers: [friends, +14155550199]
voice:
  name: cedar
max_concurrent_calls: 4
when_full: message
fallback_message: Please call again.
"""


def write_fleet(folder: Path, agents: int) -> None:
    (folder / "service.yaml").write_text(SERVICE)
    for index in range(agents):
        number = f"{index + 2_000_000:07d}"
        (folder / f"agent-{index}.yaml").write_text(AGENT.format(index=index, number=number))


def main() -> None:
    agents = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_fleet(folder, agents)
        started = time.process_time()
        loaded = load_fleet(folder, ENVIRONMENT)
        spent = time.process_time() - started
    assert loaded.fleet is not None, loaded.diagnostics
    budget = BUDGET_SECONDS_PER_1000 * agents / 1000
    verdict = "ok" if spent <= budget else "OVER"
    print(f"validate of {agents} agents, {len(loaded.fleet.numbers())} numbers")
    print(f"  {'total':<18} {spent:7.3f} s CPU   budget {budget:.1f} s   {verdict}")


if __name__ == "__main__":
    main()
