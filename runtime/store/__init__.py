"""Where call records are kept: one table, any database that SQLAlchemy speaks to.

Writes go through one thread with a bounded queue, behind the call and never in its way; reads go through
the same thread, so that they see every write that was asked for before them.
"""

from runtime.store.call_store import CallStore
from runtime.store.database_thread import StoreUnavailableError
from runtime.store.reading import CallFilter, CallPage, InvalidCursorError

__all__ = ["CallFilter", "CallPage", "CallStore", "InvalidCursorError", "StoreUnavailableError"]
