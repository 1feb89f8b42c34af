"""The keys under which personal data lies: kept apart from the register, wrapped by a master key."""
