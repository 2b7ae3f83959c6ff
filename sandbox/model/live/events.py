"""The server's events of a GPT-Live session as they are sent. No I/O."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from sandbox.model.config import JsonObject


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """One event. Audio has no `event_id`; `begins_turn` marks the first words of something that is said."""

    type: str
    fields: JsonObject = field(default_factory=dict)
    has_id: bool = True
    begins_turn: bool = False

    def json(self, event_id: str) -> JsonObject:
        """Return the event as an object."""
        return {"type": self.type, **({"event_id": event_id} if self.has_id else {}), **self.fields}

    def encode(self, event_id: str) -> str:
        """Return the event as a frame."""
        return json.dumps(self.json(event_id))
