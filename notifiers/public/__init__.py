"""The public notice: static pages that work without scripts, versioned, and withdrawn in one step."""
