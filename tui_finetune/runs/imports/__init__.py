"""Runs of others, translated into run directories: Trainer folders and TensorBoard event files."""
