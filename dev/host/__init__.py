"""A local host for a Python Azure Functions app: HTTP routes, queue triggers and timers.

It serves any app that `function_app.py` declares, by the real host's rules (Microsoft's documentation and the
source of its extensions), and knows nothing of this product. Not emulated: function keys (asking for one
answers 401), `functionTimeout`, scaling, other triggers, bindings, retry policies, route constraints.
"""
