"""What a sweep searches: keys, their values, and the Optuna parameters that stand for them."""
