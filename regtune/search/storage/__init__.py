"""The database that holds a study: opened with every fault in one line, and waited for while it is away."""
