"""Plans: reports in a YAML file, run side by side, past one machine and by the clock."""
