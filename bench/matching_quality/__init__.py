"""How well mail is matched: a made-up organisation, its mail with the truth about each, and the product's verdict."""
