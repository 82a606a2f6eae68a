"""What each technique of a config contributes."""
