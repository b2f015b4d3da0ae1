"""Numbers in words: what measures are called, how many digits they deserve, what else there is to say of them."""
