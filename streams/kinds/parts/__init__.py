"""What several kinds are made of: conditions and windows, circles of `near`, exceedance of a baseline, indicators."""
