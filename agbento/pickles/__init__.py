"""What pickles would import and call, read opcode by opcode without running any of it."""
