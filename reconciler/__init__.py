"""Makes a Twilio account equal to the declarations: read, diff, plan, apply, report."""
