"""Conversations in writing: WhatsApp and SMS, answered by the agents that answer the phone.

A message comes in at `routes/whatsapp.py` and is stored before Twilio is answered. `desk.MessageDesk`
has one worker for each contact who is owed something; the worker reads what came (`reading`), lets a text
model think about it (`turn`, around the talk of every call in text), and sends what it wrote (`sending`).
A conversation is one call record. Between messages it is nowhere but in the database: any node goes on
with it, and none has to.

    webhook, opting, statuses    what Twilio's requests mean
    reading, turn, wording       what a node decides about them, without I/O
    files, sending, session      how it is done
    contact, record              what is kept
"""
