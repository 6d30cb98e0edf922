"""Takes out of a text what must not lie in a file: addresses, numbers of phones and cards, keys."""

import re

_CARD = re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?!\d)")
_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_KEY = re.compile(
    r"\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,200}"
    r"|\bAIza[\w-]{30,60}"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,200}|\bgithub_pat_\w{20,200}"
    r"|\bxox[abeoprs]-[\w-]{10,200}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bhf_[A-Za-z0-9]{20,200}"
    r"|\beyJ[\w-]{8,2000}\.[\w-]{8,2000}\.[\w-]{0,2000}"
    r"|(?<=[Bb]earer )[\w.~+/=-]{12,2000}"
    r"|(?i:(?<=api_key=)|(?<=api-key: )|(?<=apikey=)|(?<=password=)|(?<=token=))[^\s&\"']{6,200}"
)
_PHONE = re.compile(
    r"(?<![\w+])(?:"
    r"(?:\+|00)[1-9]\d{0,2}(?:[ ./()-]{0,2}\d){6,14}"  # international
    r"|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}"  # North America
    r"|0\d(?:[ ./-]?\d){7,10}"  # national, after a zero
    r"|[6-9]\d{2}[ .-]\d{3}[ .-]\d{3}"
    r"|\d{10,12}"
    r")(?!\w)"
)


def redacted(text: str) -> str:
    """Return the text with [key], [email], [card] and [phone] where one stood; linear time."""
    text = _KEY.sub("[key]", text)
    if "@" in text:
        text = _EMAIL.sub("[email]", text)
    text = _CARD.sub(_card, text)
    return _PHONE.sub("[phone]", text)


def _card(found: re.Match[str]) -> str:
    digits = [int(one) for one in found.group() if one.isdigit()]
    return "[card]" if luhn(digits) else found.group()


def luhn(digits: list[int]) -> bool:
    """Say whether digits pass the check of card numbers (ISO/IEC 7812-1)."""
    total = 0
    for at, digit in enumerate(reversed(digits)):
        doubled = digit * 2 if at % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
