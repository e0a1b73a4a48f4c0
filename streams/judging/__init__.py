"""What kinds judge with: values over windows, patterns of events, and the episodes that follow."""
