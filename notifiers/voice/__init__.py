"""Spoken calls: Twilio dials, a machine speaks, and nothing is said before the person has pressed a key."""
