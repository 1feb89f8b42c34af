"""The way from an empty database to the present tables, one revision after another."""
