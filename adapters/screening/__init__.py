"""Comparing a person with the entries of lists. Its libraries are heavy: nothing here is imported before it is used."""
