"""A simulated Microsoft Entra ID and Microsoft Graph mail, in memory, over HTTPS; it keeps Microsoft's awkward habits."""
