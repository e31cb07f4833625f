"""Mail as it goes over the wire (RFC 5322, RFC 2045 to 2049), read from its bytes, whatever state it is in."""
