"""What can be done at the page, without a line of layout: uploads in, a sitting, the view, and what is forgotten."""
