"""The pages themselves: templates, styles, scripts, and what fills them."""
