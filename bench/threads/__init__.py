"""Do all mails of a thread reach its records, in whatever order and company they are taken in?"""
