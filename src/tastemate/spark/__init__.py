"""The distributed engine behind the same seams; needs the extra `spark`."""
