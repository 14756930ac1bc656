"""How does a policy learn?"""
