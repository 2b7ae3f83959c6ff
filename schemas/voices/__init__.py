"""Which voices and languages Twilio has: a table made from its own declarations, read when it is needed.

Twilio adds voices all the time and publishes no list that a program could ask for. So the table tells what
was there on its day: a name that it lacks is worth a warning and a suggestion, never a refusal.
"""
