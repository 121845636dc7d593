"""Postal addresses as each country writes them, at home and abroad."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from models.postal import compose, country_in, fewer, format_of, names_country, on_envelope, street_and_town, zip_code

CORPUS = Path(__file__).parents[3] / "shared/corpora/addresses/countryinfo.txt"

# country of the address, of the sender; addressee and lines as intake has them; lines on the envelope
ON_ENVELOPE = [
    ("DE", "DE", "Mara | Lindenweg 4 | 50667 Köln | GERMANY",
     "Mara | Lindenweg 4 | 50667 Köln"),
    ("DE", "FR", "Mara | Lindenweg 4 | 50667 Köln | GERMANY",
     "Mara | Lindenweg 4 | 50667 KÖLN | ALLEMAGNE"),
    ("DE", "US", "Mara | Lindenweg 4 | 50667 Köln",
     "Mara | Lindenweg 4 | 50667 KÖLN | GERMANY"),
    ("DE", "DE", "Mara | Lindenweg 4 | 50667 Köln | Deutschland",
     "Mara | Lindenweg 4 | 50667 Köln"),
    ("FR", "FR", "Jean | 12 rue de l’Église | 75001 Paris | FRANCE",
     "Jean | 12 rue de l’Église | 75001 PARIS"),
    ("GB", "GB", "Ann | 1 High St | Leeds | ls1 4ap | UNITED KINGDOM",
     "Ann | 1 High St | LEEDS | LS1 4AP"),
    ("US", "US", "Ann | 5 Oak St | Reno, NV 89501 | UNITED STATES",
     "Ann | 5 Oak St | RENO, NV 89501"),
    ("CA", "CA", "Ann | 5 Oak St | Ottawa ON K1A 0B1 | CANADA",
     "Ann | 5 Oak St | OTTAWA ON K1A 0B1"),
    ("JP", "JP", "山田 花子 | 〒100-8798 | 東京都千代田区 | 霞が関1-3-2 | JAPAN",
     "〒100-8798 | 東京都千代田区 | 霞が関1-3-2 | 山田 花子"),
    ("JP", "US", "山田 花子 | 〒100-8798 | 東京都 | 霞が関1-3-2 | JAPAN",
     "〒100-8798 | 東京都 | 霞が関1-3-2 | 山田 花子 | JAPAN"),
    ("JP", "DE", "H. Yamada | 1-3-2 Kasumi | Tokyo 100-8798 | JAPAN",
     "H. Yamada | 1-3-2 Kasumi | TOKYO 100-8798 | JAPAN"),
    ("CN", "CN", "陈小明 | 200120 上海 | 世纪大道100号 | CHINA",
     "200120 上海 | 世纪大道100号 | 陈小明"),
    ("DE", "CN", "Mara | Lindenweg 4 | 50667 Köln | GERMANY",
     "Mara | Lindenweg 4 | 50667 KÖLN | 德国 GERMANY"),
    ("KR", "KR", "홍길동 | 서울특별시 중구 | 세종대로 110 | 04524 | SOUTH KOREA",
     "서울특별시 중구 | 세종대로 110 | 홍길동 | 04524"),
    ("SA", "DE", "محمد | شارع 15 | الرياض 12345 | SAUDI ARABIA",
     "محمد | شارع 15 | الرياض 12345 | SAUDI-ARABIEN"),
]  # fmt: skip


@pytest.mark.parametrize(("country", "sender", "given", "shown"), ON_ENVELOPE)
def test_an_address_stands_on_the_envelope_as_its_country_wants(
    country: str, sender: str, given: str, shown: str
) -> None:
    addressee, *lines = given.split(" | ")
    made = on_envelope(addressee, lines, country, sender)
    assert (" | ".join(made.lines), made.warnings) == (shown, ())


@pytest.mark.parametrize(("country", "said"), [("", "names no country"), ("XX", "'XX' has no postal format")])
def test_an_unknown_country_leaves_the_address_as_it_is_given_and_says_so(country: str, said: str) -> None:
    made = on_envelope("Ann", ["5 Oak St", "Smallville 123"], country, "US")
    assert made.lines == ("Ann", "5 Oak St", "Smallville 123")
    assert len(made.warnings) == 1 and said in made.warnings[0]


STREET = {"street": "霞が関1-3-2", "city": "千代田区", "region": "東京都", "postal_code": "100-8798"}
COMPOSED = [
    ("US", {"city": "Reno", "region": "NV", "postal_code": "89501"}, ["1 Main St", "Apt 5", "Reno, NV 89501"]),
    ("DE", {"city": "Köln", "region": "NW", "postal_code": "50667"}, ["1 Main St", "Apt 5", "50667 Köln"]),
    ("GB", {"city": "Leeds", "postal_code": "LS1 4AP"}, ["1 Main St", "Apt 5", "Leeds", "LS1 4AP"]),
    ("IT", {"city": "Roma", "region": "RM", "postal_code": "00144"}, ["1 Main St", "Apt 5", "00144 Roma RM"]),
    ("BR", {"city": "Rio", "region": "RJ", "postal_code": "11010-000"}, ["1 Main St", "Apt 5", "Rio-RJ", "11010-000"]),
    ("BR", {"city": "Santos", "postal_code": "11010-000"}, ["1 Main St", "Apt 5", "Santos", "11010-000"]),
    ("SG", {"city": "Singapore", "postal_code": "123456"}, ["1 Main St", "Apt 5", "SINGAPORE 123456"]),
    ("AE", {"city": "Dubai"}, ["1 Main St", "Apt 5", "Dubai"]),
    ("XX", {"city": "Town", "postal_code": "1"}, ["1 Main St", "Apt 5", "Town 1"]),
]  # fmt: skip


@pytest.mark.parametrize(("country", "parts", "lines"), COMPOSED)
def test_parts_become_lines_in_the_order_of_their_country(
    country: str, parts: dict[str, str], lines: list[str]
) -> None:
    assert compose({"street": "1 Main St\nApt 5"} | parts, country) == lines


def test_in_its_own_script_japan_writes_from_large_to_small_and_in_latin_from_small_to_large() -> None:
    assert compose(STREET, "JP") == ["〒100-8798", "東京都千代田区", "霞が関1-3-2"]
    latin = {"street": "1-3-2 Kasumi", "city": "Chiyoda", "region": "Tokyo", "postal_code": "100-8798"}
    assert compose(latin, "JP") == ["1-3-2 Kasumi, Chiyoda, Tokyo", "100-8798"]


@pytest.mark.parametrize("country", ["US", "DE", "GB", "JP", "CN", "KR", "BR", "SG", "HK", "AE", "XX"])
@pytest.mark.parametrize(("streets", "city"), [(("1 Main St", "Apt 5"), "Reno"), (("中山街1号", ""), "街市")])
def test_the_quick_way_for_many_addresses_gives_the_same_lines(
    country: str, streets: tuple[str, str], city: str
) -> None:
    parts = {"street": "\n".join(filter(None, streets)), "city": city, "region": "NV", "postal_code": "89501"}
    assert list(street_and_town(streets, city, "NV", "89501", country)) == compose(parts, country)


@pytest.mark.skipif(not CORPUS.exists(), reason="the shared corpora are not beside this checkout")
def test_no_part_of_an_address_is_lost_in_any_of_the_countries_that_have_a_format() -> None:
    codes = re.findall(r"^data/([A-Z]{2})=", CORPUS.read_text("utf-8"), re.M)
    parts = {"street": "12 Streetword", "city": "Townword", "region": "Regionword", "postal_code": "98765"}
    lost = []
    for code in codes:
        whole = " ".join(compose(parts, code))
        lost += [code for word in ("12 Streetword", "Townword", "98765") if word not in whole]
    assert len(codes) > 240 and lost == []


@pytest.mark.skipif(not CORPUS.exists(), reason="the shared corpora are not beside this checkout")
def test_our_formats_are_mostly_those_of_the_newer_corpus() -> None:
    """The library's data are of 2024: where many more than now differ, it is time for a newer one."""
    rows = (line.partition("=") for line in CORPUS.read_text("utf-8").splitlines())
    found = {key[5:]: json.loads(value) for key, _, value in rows if re.fullmatch("data/[A-Z]{2}", key)}
    known = {code: format_of(code) for code in found}
    ours = {code: known[code].native for code in found if known[code] and "fmt" in found[code]}
    differing = [code for code, native in ours.items() if native != found[code]["fmt"]]
    assert len(ours) > 150 and len(differing) < 55, differing


def test_a_country_is_known_by_its_name_in_several_languages_and_by_nothing_else() -> None:
    assert all(names_country(name, "DE") for name in ("GERMANY", "Deutschland", "allemagne", "德国", "DE"))
    assert not names_country("Germantown", "DE") and not names_country("AUSTRIA", "DE")
    assert (country_in("US", "DE"), country_in("US", "JP")) == ("VEREINIGTE STAATEN", "アメリカ合衆国 UNITED STATES")


@pytest.mark.parametrize(
    ("lines", "most", "shown"),
    [
        (("A", "b", "c", "d", "Town", "LAND"), 6, ("A", "b", "c", "d", "Town", "LAND")),
        (("A", "b", "c", "d", "Town", "LAND"), 5, ("A", "b, c", "d", "Town", "LAND")),
        (("A", "b", "c", "d", "Town", "LAND"), 4, ("A", "b, c, d", "Town", "LAND")),
        (("A", "b", "Town", "LAND"), 3, ("A", "b", "Town", "LAND")),
        (("A", "b" * 30, "c" * 30, "Town", "LAND"), 4, ("A", "b" * 30, "c" * 30, "Town", "LAND")),
    ],
)
def test_lines_are_joined_in_the_middle_and_never_at_the_ends(
    lines: tuple[str, ...], most: int, shown: tuple[str, ...]
) -> None:
    assert fewer(lines, most, 40) == shown


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("Reno, NV 89501", "89501"),
        ("Reno, NV 89501-1234", "895011234"),
        ("Reno, NV", ""),
        ("Box 123456", ""),
        ("K1A 0B1", ""),
    ],
)
def test_the_zip_is_read_from_the_end_of_a_line(line: str, code: str) -> None:
    assert zip_code(["Ann", "5 Oak St", line]) == code
