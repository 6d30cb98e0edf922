"""The service: REST, chat, live feedback, jobs, a page."""
