"""A sweep for people: live leaderboard, summary, report."""
