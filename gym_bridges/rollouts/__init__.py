"""How does the bridge play whole rollouts by itself, instead of asking the trainer for every action?"""
