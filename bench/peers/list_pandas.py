"""pandas: reads the list in pieces, cleans it with the usual libraries, keeps the first row of each id, in clear."""

import sqlite3
import sys

import pandas as pd
from checking import email, phone

people, out = sys.argv[1:]
seen: set[str] = set()
with sqlite3.connect(out) as database:
    for piece in pd.read_csv(people, dtype=str, keep_default_na=False, on_bad_lines="skip", chunksize=50_000):
        piece = piece[~piece["id"].isin(seen)].drop_duplicates("id")
        seen.update(piece["id"])
        piece = piece.assign(email=piece["email"].map(email), phone=piece["phone"].map(phone))
        piece.to_sql("people", database, if_exists="append", index=False)
print(len(seen))
