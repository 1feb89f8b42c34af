"""The words and the law: pure models, tables and functions. No I/O and no clock of its own."""
