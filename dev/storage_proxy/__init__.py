"""A reverse proxy before Azurite that counts the app's storage requests and makes some of them fail.

It understands as much HTTP/1.1 as storage clients and Azurite speak. The faults come from the simulator's
control API, so that one call sets all faults of a run.
"""
