"""Published lists of people, read as they come: one entry at a time, whatever their size."""
