"""What `tocsin calibrate` does: what was normal, and how rare is rare enough, from a rule's past."""
