"""Notice in, Letter out: pure rendering, no I/O but the first reading of each template."""
