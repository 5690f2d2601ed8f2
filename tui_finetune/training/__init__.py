"""The worker that trains, and the supervisor that keeps the run directory true."""
