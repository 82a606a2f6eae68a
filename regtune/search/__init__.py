"""Searching for better settings without fooling oneself, and taking a config apart.

sweep_file, settings, sweep_checks   what a sweep file says
sweep                                the story of a sweep; join and show are two more ways into one
space/                               what is searched
study/                               jobs, their queue inside an Optuna study, and the plan they follow
storage/                             the database the study lies in
workers/                             the processes that train, on this machine, another one or a Ray cluster
judging/                             ranking, verdict, and what else the trials say together
ablation/                            each technique off alone and on alone
repeats/                             one config on several folds or seeds, each a whole run
"""
