"""A case's life as one timeline, each line with who or what caused it: for `explain`."""
