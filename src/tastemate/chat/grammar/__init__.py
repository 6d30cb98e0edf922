"""The grammar of messages: cues, scopes, numbers, moments and states, all rules and word lists."""
