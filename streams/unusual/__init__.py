"""What is normal, and how rare what was seen is: baselines, tails of distributions, spatial scans; pure arithmetic."""
