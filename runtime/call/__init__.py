"""A call's logic as values: events and a clock go in, actions come out, and nothing here does I/O.

`machine.CallMachine` is a call of realtime mode from its webhook to its end, `conversation.Conversation` what
is said in it. Around them:

    hearing/    what the caller says, presses and means, and who has the floor
    thinking/   the model's sessions, one after another, and its turns
    playback/   what the caller is played, and how far they have heard it
    tools/      what the agent does besides talking
    text/       calls of gather and relay mode, where the carrier hears and speaks

`transfer.Transfer` hands a caller on, and `ending.conclude` turns what was recorded into how a call ended.
Shells own sockets, timers and databases.
"""
