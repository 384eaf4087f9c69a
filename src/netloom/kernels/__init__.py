"""Compiled inner loops: arrays and named tuples in, arrays out; imports nothing of ours."""
