"""The desk's command line: parse, call once, print."""
