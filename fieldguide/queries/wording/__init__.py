"""What the stages share that put texts together; it holds no default and no prompt of any of them."""
