"""Attacks: what strangers, colleagues, other organisations and senders of mail might try, each in this process."""
