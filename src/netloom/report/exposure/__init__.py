"""Who supplies a design, or a build-out of many: a page in sentences and tables, and as JSON."""
