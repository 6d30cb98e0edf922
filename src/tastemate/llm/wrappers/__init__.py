"""What makes a model a safe guest: each wrapper is a `ChatModel` around a `ChatModel`.

`wrapped` in `tastemate.llm.wrappers.guards` puts them together in the one order that holds.
"""
