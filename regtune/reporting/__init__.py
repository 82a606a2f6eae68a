"""What people see of a run: the live table, the end of a run, the HTML report, the model card."""
