"""Values: what each means for a column, what can be off with one, and what is done about it."""
