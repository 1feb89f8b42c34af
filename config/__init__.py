"""How the project is set up on a machine: settings, the Temporal connection, logging."""
