"""The page of whoever manages: how far people are, how well they agree, what they ask; its figures also as CSV."""
