"""How well what is unusual is found: made-up series with planted spikes, detectors beside ours, the table."""
