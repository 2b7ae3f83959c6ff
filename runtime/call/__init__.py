"""A call's logic as values: events and a clock go in, actions come out, and nothing here does I/O.

`machine.CallMachine` is the whole of it for a reader in a hurry; around it stand the playback ledger
(what has the caller heard?), the transcript, the turn-taking with the model, and the pure function from
recorded facts to the way in which a call ended. Shells own sockets, timers and databases.
"""
