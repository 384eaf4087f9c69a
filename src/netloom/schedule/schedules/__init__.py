"""Pipeline schedules, one module each."""
