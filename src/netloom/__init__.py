"""netloom: which network should carry this training run?"""

__version__ = "0.1.0"
