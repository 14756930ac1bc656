"""How is what a run left drawn? From figures to pictures, nothing else; a file for each subject."""
