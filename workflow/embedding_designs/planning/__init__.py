"""What a study costs before it runs: time and memory."""
