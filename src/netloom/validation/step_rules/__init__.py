"""Rules that turn what published tables say of a run into parts of the catalogue.

Rules and not rows: an unseen row of the same tables is read the same way. What is a matter of names
and dates lies in ``data/step-*.yaml``, patterns that are tried in order.
"""
