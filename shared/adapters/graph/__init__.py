"""Microsoft Graph v1.0: mail and change notifications. Graph's JSON and URLs do not leave this folder."""
