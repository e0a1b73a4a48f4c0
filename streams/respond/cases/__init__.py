"""Cases: from discovered to closed, who may move them, how long each stage may take, who is called on next."""
