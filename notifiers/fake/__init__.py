"""Stand-ins for carriers, over real sockets on loopback: for tests, exercises and the demo.

They answer as the real ones do, misbehave on request by marks in the recipient's address, and keep an fsynced log of
what they ACCEPTED, so that a ledger can be compared with it person by person.
"""
