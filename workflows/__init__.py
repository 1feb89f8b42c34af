"""The procedure: one file per type of case, thin over the law in ``domain``."""
