"""Conversations in writing: WhatsApp and SMS, answered by the agents that answer the phone.

A message comes in at `routes/whatsapp.py` and is stored before Twilio is answered. `desk.MessageDesk` has a
worker for each contact who is owed something; the worker finds out what is to be done (`reading`), lets a
text model answer (`session` around `turn`, around the talk of every call in text), and sends what it wrote
(`sending`). A conversation is one call record. Between two messages it is nowhere but in the database: any
node goes on with it, and none has to.

    webhook, opting, statuses        what Twilio's requests mean
    reading, turn, tools, wording    what a node decides about them, without I/O
    conversation, contact, record    the terms, what is known of a contact, what is kept
    reader, files, voice_notes       from messages to the words that an agent is to answer
    worker, session, sending         how it is done
    outbound                         what a person sends through an agent
"""
