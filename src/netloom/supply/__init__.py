"""Who supplies a network: a bill's dollars by component and company, now and in scenarios."""
