"""Email addresses and telephone numbers, checked by the libraries that everybody uses."""

import phonenumbers
from email_validator import EmailNotValidError, validate_email


def email(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        return ""


def phone(text: str) -> str:
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return ""
    phonenumbers.number_type(number)  # whether it takes text messages
    return phonenumbers.format_number(number, 0) if phonenumbers.is_valid_number(number) else ""
