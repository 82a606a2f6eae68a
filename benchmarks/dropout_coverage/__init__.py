"""Is dropout placed rightly in every architecture? Built small, each one is asked, and its behaviour is the answer.

small_models   every pair of architecture and auto class, and its inputs      shrink, overrides
verify         place dropout in one of them and check what it does            checks, black_box, decay
report         the table of all of them, as markdown
__main__       python -m benchmarks.dropout_coverage: all pairs, in processes of their own
"""
