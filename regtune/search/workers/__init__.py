"""The processes that train, and who starts them."""
