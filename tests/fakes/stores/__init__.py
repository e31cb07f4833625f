"""Fakes of the stores, a module for one of `shared/ports/stores`."""
