"""Notices to the organisation's own app: signed webhooks, one POST per person."""
