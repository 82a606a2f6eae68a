"""A study: the jobs of a sweep or an ablation, who has them, what became of them, and which come next."""
