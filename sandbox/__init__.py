"""A Twilio account, a phone network and a Realtime model server on this machine."""

from __future__ import annotations

from sandbox.box import Sandbox
from sandbox.seed import NumberSeed, Seed
from sandbox.server import SandboxError

__all__ = ["NumberSeed", "Sandbox", "SandboxError", "Seed"]
