"""What one collective costs on one network, as nccl-tests prints it: from a question to a table.

`machine` takes the network from a study or builds it, `allocation` puts ranks on accelerators,
`table` prices the sizes, and `answer` adds what stands beside: the fabric without its losses, and
other jobs on it.
"""
