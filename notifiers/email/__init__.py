"""Email over SMTP: one recipient per transaction, phases known on failure, bounces matched and classified.

Statutory mail: no tracking, no redirects, and no List-Unsubscribe, since nobody can opt out of a notice that law owes
them. Sources: RFC 5321 (SMTP), 3461 (DSN), 3463 (enhanced codes), 3464 (delivery status), 3834 (automatic replies),
5965 (ARF).
"""
