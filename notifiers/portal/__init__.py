"""Authorities with a web form: a packet that a person types from; no machine fills a portal unseen."""
