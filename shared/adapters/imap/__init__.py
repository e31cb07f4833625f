"""Mail of servers that speak IMAP4rev1 (RFC 3501, RFC 9051), read and never changed."""
