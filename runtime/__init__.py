"""Answers, bridges and records the calls of the declared agents.

A call comes in at `routes/voice.py`, is taken or refused in `reception.py` (`gather/desk.py`, `relay/desk.py`
in the modes where Twilio speaks), runs in `session.py` around its machine in `call/`, and leaves through
`calls.py` into `store/`. The modes where Twilio speaks share `text_desk.py` and `text_session.py`. `node.py`
holds what one process has.

    routes/ legs/ engines/     what comes in and goes out: HTTP, Twilio's and the models' messages
    call/                      what a call decides, without I/O
    model/ audio/ tools/       the ways to models, sound, the tools' requests
    gather/ relay/ transfers/  the modes without a speech model, and handing callers on
    messages/                  the same agents in writing: WhatsApp and SMS
    outbound/                  calls that agents place: ordered, dialled, answered, reported
    recording/ store/ figures/ what is kept, and what a node tells about itself
"""
