"""The pages, one file each: `layout` returns the content, `register` adds what it answers to."""
