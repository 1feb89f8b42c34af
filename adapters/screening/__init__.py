"""Comparing a person with the entries of lists; its libraries are heavy, so nothing here is imported before it is used."""
