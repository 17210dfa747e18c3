"""The desks behind the pages: what residents and clerks see and say, on the state we keep."""
