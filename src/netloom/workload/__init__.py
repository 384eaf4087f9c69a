"""What a training step asks of the machines: shapes, parameters, FLOPs, memory, operators."""
