"""The operators' desk: lists of alerts and cases, their stories, and what people do about them."""
