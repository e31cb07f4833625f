"""The client API's JSON, field by field, one module a folder of the domain: OpenAPI and its examples come from here.

The models check the shape of a body only; the domain decides which values it accepts.
"""
