"""From component failure rates to the goodput of a run."""
