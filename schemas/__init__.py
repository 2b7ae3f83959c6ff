"""The declaration language: models, a loader that knows every line, and the rules across files."""

from schemas.account import Account
from schemas.agent import Agent, NumberEntry
from schemas.campaign import Campaign
from schemas.errors import TmError
from schemas.files import MissingFolder
from schemas.fleet import DeclaredNumber, Fleet
from schemas.hold import Hold
from schemas.loader import InvalidDeclarations, Loaded, load_fleet, require_fleet
from schemas.places import Diagnostic, Place
from schemas.references import UnresolvedReference
from schemas.secret import Secret
from schemas.service import Service
from schemas.voice import Voice
from schemas.whitelist import Whitelist

__all__ = [
    "Account",
    "Agent",
    "Campaign",
    "DeclaredNumber",
    "Diagnostic",
    "Fleet",
    "Hold",
    "InvalidDeclarations",
    "Loaded",
    "MissingFolder",
    "NumberEntry",
    "Place",
    "Secret",
    "Service",
    "TmError",
    "UnresolvedReference",
    "Voice",
    "Whitelist",
    "load_fleet",
    "require_fleet",
]
