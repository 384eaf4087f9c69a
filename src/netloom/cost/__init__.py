"""From parts and a price book to a bill of materials, capex, power and the cost of a run."""
