"""A simulated Microsoft Entra ID and Graph mail, in memory, over HTTPS.

It keeps Microsoft's awkward habits.
"""
