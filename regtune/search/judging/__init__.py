"""What the trials of a sweep say together: ranking, verdict, importances, what less patience would have cost."""
