"""The storage calls of the hot path over urllib3: own JSON, own transactions, nothing of Azure's packages.

Measured against them in `docs/decisions/0018-direct-storage.md`.
"""
