"""The study file: its models, its loading, and what is wrong with it in plain words."""
