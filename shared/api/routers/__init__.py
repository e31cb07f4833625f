"""The routes of the client API, one module a capability. A route translates, calls one use case, answers."""
