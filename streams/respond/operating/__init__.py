"""What operators make of alerts: seen, put aside, out of service; after ISA-18.2, beside what detection says."""
