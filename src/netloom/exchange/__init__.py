"""Networks and traffic from and for other programs: one module per file format.

`graph_file` reads graphs that others have drawn, in the formats of `readers`; `writers` holds what
other simulators run, `flows` traffic as a table, `patterns` traffic by name.
"""
