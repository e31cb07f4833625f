"""The outside world as this service needs it. Adapters implement these protocols; fakes stand in for them.

Every method may raise TransientError (try later) or PermanentError (do not).
"""
