"""Kinds of mail that people have reported publicly as going wrong elsewhere, each with what is right.

A test runs over mails of our own making, and over the reported ones where they lie beside the repository.
"""
