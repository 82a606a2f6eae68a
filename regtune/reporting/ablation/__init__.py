"""An ablation for people: tables, sentences, report."""
