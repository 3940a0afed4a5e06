"""Teachers and expert trajectories: trained once, kept one by one, shared between runs."""
