"""SMS through Twilio's Messages resource. Source: its OpenAPI description (twilio-oai, 2010-04-01) and error pages.

There is no idempotency key: a request whose answer was lost is unknown, and is looked up before anything is repeated.
"""
