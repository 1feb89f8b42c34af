"""The register in PostgreSQL: tables, migrations, and the ledger over them."""
