"""The only third-party input and output: the database, the mail server, the embedded parts."""
