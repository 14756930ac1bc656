"""How does hypothesis look for counterexamples? Without a time limit for one example: a busy machine is no defect."""

from hypothesis import settings

settings.register_profile("project", deadline=None)
settings.load_profile("project")
