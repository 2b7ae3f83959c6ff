"""What `tm doctor` examines, and apply before a number is first pointed anywhere.

Each check ends in a `Finding`: ok, a warning, or failed with what to do. What an answer means is decided
by functions of values; what goes over a wire goes through an `Asker`, which bounds it in size, time and
number. Nothing that is asked begins a call, changes the account or leaves a record.
"""
