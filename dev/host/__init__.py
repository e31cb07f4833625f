"""A local host for a Python Azure Functions app: HTTP routes, queue triggers and timers.

It serves any app that `function_app.py` declares, by the real host's rules (Microsoft's documentation, the source of
its extensions, and what was measured of them), and knows nothing of this product. Host and Python worker are one
process here: a worker that dies is told from an instance that is lost by how the process ended (`dev.hosts`). A
function on a poison queue is called as any other, where the real host looks each second and after each copy of its
own. Not emulated: function keys (asking for one answers 401), `functionTimeout`, scaling, other triggers, bindings,
retry policies, route constraints.
"""
