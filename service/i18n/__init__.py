"""Words in both languages, and nothing else."""
