"""detect: the fold over one partition of tocsin.work: keys kept true to what is known, findings out; pure."""
