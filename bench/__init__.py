"""What an event costs: the fixed workload, its truth, and how it is measured."""
