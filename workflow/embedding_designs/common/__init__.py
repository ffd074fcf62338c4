"""What every stage shares: the command line, errors, atomic writes, progress, names."""
