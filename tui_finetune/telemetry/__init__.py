"""What the machine does: GPU, host memory, this process."""
