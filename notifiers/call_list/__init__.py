"""Telephone: a list that people dial from, and the outcomes that they type in."""
