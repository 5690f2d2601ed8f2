"""The process that does the heavy work for the dashboard, and the client that talks to it."""
