"""Mail that leaves by submission to a server that speaks SMTP (RFC 5321, RFC 6409)."""
