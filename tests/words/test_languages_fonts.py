"""Names in the scripts of the world print in a letter; what no font has is named, never printed as a box."""

from __future__ import annotations

from datetime import date

import pytest

from models.values import BadInput
from templates.press import SCRIPTS, Report, press_document, unprintable

NAMES = {
    "Arabic": "ليلى حسن",
    "Devanagari": "अनन्या शर्मा",
    "Armenian": "Արմեն Սարգսյան",
    "Bengali": "অনন্যা বন্দ্যোপাধ্যায়",
    "Ethiopic": "ሰላማዊት ተስፋዬ",
    "Georgian": "ნინო ბერიძე",
    "Gujarati": "પ્રિયા પટેલ",
    "Gurmukhi": "ਹਰਪ੍ਰੀਤ ਸਿੰਘ",
    "Hebrew": "יוסי כהן",
    "Kannada": "ಲಕ್ಷ್ಮಿ ಗೌಡ",
    "Khmer": "សុខា ចាន់",
    "Lao": "ສົມພອນ ວົງສາ",
    "Malayalam": "ലക്ഷ്മി നായർ",
    "Myanmar": "အောင်ဆန်း",
    "Oriya": "ପ୍ରିୟା ଦାସ",
    "Sinhala": "නිමාලි ද සිල්වා",
    "Tamil": "தமிழ்ச்செல்வி முருகன்",
    "Telugu": "శ్రీనివాస్ రావు",
    "Thai": "ณัฐวุฒิ ศรีสุข",
}


def test_every_script_that_is_named_has_a_name_here():
    assert set(SCRIPTS) == NAMES.keys()


def test_names_in_these_scripts_are_printable():
    assert unprintable(NAMES.values()) == frozenset()


@pytest.mark.parametrize("language", ["en", "ar", "ja", "hi"])
def test_they_print_in_a_paper_of_any_language(language):
    report = Report(facts=tuple((script, name) for script, name in NAMES.items()))
    assert press_document(report, "Names", language, date=date(2026, 3, 20)).startswith(b"%PDF")


@pytest.mark.parametrize(("text", "code"), [("ᏣᎳᎩ", "U+13E3"), ("ᠮᠣᠩ", "U+182E")])
def test_a_script_without_a_font_is_named_by_its_code(text, code):
    assert unprintable([text, "Ada"]) == frozenset(text)
    with pytest.raises(BadInput, match=code.replace("+", r"\+")):
        press_document(Report(facts=(("Name", text),)), "Names", "en", date=date(2026, 3, 20))
