"""The first tables, and the triggers that keep what happened from being rewritten.

Revision ID: 0001
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# The closed words as they stood at this step.
SEAT = "lead preparer legal dpo comms sender observer auditor"
EVIDENCE = "delivered hard soft policy complaint auto_reply returned"
SUPPRESSION_REASON = "deceased protected withdrawn changed leaf_mismatch window_over superseded directed"
HOLD_SCOPE = "incident wave channel recipient_kind person"
CONFIDENCE = "corpus memory conflict"
DUTY = "individuals regulator media cra public processor_to_controller contract insurer register"
RECIPIENT = "individuals regulator consumer_reporting_agencies media public controller insurer other"
STAGE = "possibility assessment early_warning initial supplement intermediate final annual"
OBLIGATION_STATE = "owed not_owed undetermined"
ROLE = "self guardian next_of_kin customer_organisation"
WAVE_KIND = "first follow_up supplementary correction"
CHANNEL = "email sms letter call_list voice push public"
DELIVERY_STATE = "planned ready claimed handing_off accepted delivered undeliverable unknown suppressed"


_KINDS: dict[str, type[sa.types.TypeEngine[Any]]] = {
    "text": sa.Text,
    "string": sa.String,
    "instant": sa.BigInteger,  # microseconds since 1970, UTC
    "integer": sa.Integer,
    "flag": sa.Boolean,
    "float": sa.Float,
    "bytes": sa.LargeBinary,
}


def _columns(listed: str) -> Iterator[sa.Column[Any]]:
    """Columns from "name kind; name kind null"."""
    for column in listed.split("; "):
        name, kind, *null = column.split()
        yield sa.Column(name, _KINDS[kind](), nullable=null == ["null"])


def _word(table: str, column: str, words: str, *, nullable: bool = False) -> sa.CheckConstraint:
    """A column that holds one word of a closed list."""
    rule = f"{column} IN ({', '.join(repr(w) for w in words.split())})"
    return sa.CheckConstraint(
        f"{column} IS NULL OR {rule}" if nullable else rule, name=op.f(f"ck_{table}_{column}_word")
    )


def upgrade() -> None:
    for table in _TABLES:
        table()
    for guard in _GUARDS[op.get_context().dialect.name]:
        op.execute(guard)


def _approver() -> None:
    op.create_table(
        "approver",
        *_columns(
            "id string; name string; seat text; public_key string; enrolled_at instant; enrolled_by string; "
            "retired_at instant null"
        ),
        _word("approver", "seat", SEAT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approver")),
        sa.UniqueConstraint("name", name=op.f("uq_approver_name")),
    )


def _event() -> None:
    op.create_table(
        "event",
        *_columns(
            "incident_id string; lane string; seq integer; at instant; kind string; subject string; body text; "
            "previous string; hash string"
        ),
        sa.PrimaryKeyConstraint("incident_id", "lane", "seq", name=op.f("pk_event")),
    )
    op.create_index(op.f("ix_event_kind"), "event", ["kind"])


def _incident() -> None:
    op.create_table(
        "incident",
        *_columns(
            "id string; slug string; title string; opened_at instant; closed_at instant null; "
            "erased_at instant null; key_id string; wrapped_key bytes null"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
        sa.UniqueConstraint("slug", name=op.f("uq_incident_slug")),
    )


def _receipt() -> None:
    op.create_table(
        "receipt",
        *_columns(
            "id string; incident_id string; delivery_id string; source string; evidence text; code string; "
            "digest string; at instant; applied_at instant null"
        ),
        _word("receipt", "evidence", EVIDENCE),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
        sa.UniqueConstraint("source", "digest", name=op.f("uq_receipt_source_digest")),
    )
    op.create_index(op.f("ix_receipt_delivery_id"), "receipt", ["delivery_id"])
    op.create_index(op.f("ix_receipt_incident_id"), "receipt", ["incident_id"])


def _setting() -> None:
    op.create_table(
        "setting",
        *_columns("name string; value text"),
        sa.CheckConstraint("name <> 'mode' OR value IN ('live', 'exercise')", name=op.f("ck_setting_mode_word")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_setting")),
    )


def _send_limit() -> None:
    op.create_table(
        "send_limit",
        *_columns("name string; used float; at instant"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_send_limit")),
    )


def _suppression() -> None:
    op.create_table(
        "suppression",
        *_columns("id string; contact_index string; reason text; since instant; until instant null; note string"),
        _word("suppression", "reason", SUPPRESSION_REASON),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression")),
        sa.UniqueConstraint("contact_index", "reason", name=op.f("uq_suppression_contact_index_reason")),
    )


def _approval() -> None:
    op.create_table(
        "approval",
        *_columns(
            "id string; incident_id string; subject_kind string; subject_id string; digest string; "
            "approver_id string; signature string; at instant; reason string; voided_at instant null; "
            "voided_why string"
        ),
        sa.ForeignKeyConstraint(["approver_id"], ["approver.id"], name=op.f("fk_approval_approver_id")),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_approval_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
        sa.UniqueConstraint(
            "subject_id", "digest", "approver_id", name=op.f("uq_approval_subject_id_digest_approver_id")
        ),
    )
    op.create_index(op.f("ix_approval_subject_id"), "approval", ["subject_id"])


def _facts_revision() -> None:
    op.create_table(
        "facts_revision",
        *_columns(
            "id string; incident_id string; number integer; body text; sources text; digest string; "
            "source string; author string; at instant"
        ),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_facts_revision_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facts_revision")),
        sa.UniqueConstraint("incident_id", "number", name=op.f("uq_facts_revision_incident_id_number")),
    )


def _filing() -> None:
    op.create_table(
        "filing",
        *_columns(
            "id string; incident_id string; obligation_key string; form string; version integer; "
            "prepared_at instant; prepared_by string; facts_number integer; body text; digest string; "
            "unknown integer; late_reasons string; filed_at instant null; receipt_number string; "
            "receipt_by string; receipt_confirmed_by string; superseded_at instant null"
        ),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_filing_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_filing")),
        sa.UniqueConstraint(
            "incident_id", "obligation_key", "version", name=op.f("uq_filing_incident_id_obligation_key_version")
        ),
    )
    op.create_index(op.f("ix_filing_incident_id"), "filing", ["incident_id"])


def _hold() -> None:
    op.create_table(
        "hold",
        *_columns(
            "id string; incident_id string; scope text; target string; reason string; placed_by string; "
            "placed_at instant; until instant null; released_by string; released_at instant null"
        ),
        _word("hold", "scope", HOLD_SCOPE),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_hold_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
    )
    op.create_index(op.f("ix_hold_incident_id"), "hold", ["incident_id"])


def _judgement() -> None:
    op.create_table(
        "judgement",
        *_columns(
            "id string; incident_id string; number integer; kind string; body text; digest string; "
            "facts_number integer; author string; at instant"
        ),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_judgement_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judgement")),
        sa.UniqueConstraint("incident_id", "number", name=op.f("uq_judgement_incident_id_number")),
    )


def _letter_batch() -> None:
    op.create_table(
        "letter_batch",
        *_columns(
            "id string; incident_id string; wave_id string; sealed_at instant; letters integer; pages integer; "
            "folder string; handed_at instant null; printer_id string; print_state string; print_state_at instant null"
        ),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_letter_batch_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter_batch")),
    )
    op.create_index(op.f("ix_letter_batch_incident_id"), "letter_batch", ["incident_id"])


def _obligation() -> None:
    op.create_table(
        "obligation",
        *_columns(
            "id string; incident_id string; key string; state text; regime string; law_version string; duty text; "
            "recipient text; authority string null; jurisdiction string null; stage text; due instant null; "
            "due_safe instant null; confidence text; body text; facts_number integer; assessed_at instant; "
            "superseded_at instant null; met_at instant null; met_by string"
        ),
        _word("obligation", "confidence", CONFIDENCE),
        _word("obligation", "duty", DUTY),
        _word("obligation", "recipient", RECIPIENT),
        _word("obligation", "stage", STAGE),
        _word("obligation", "state", OBLIGATION_STATE),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_obligation_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_obligation")),
    )
    op.create_index(op.f("ix_obligation_incident_id"), "obligation", ["incident_id"])


def _public_notice() -> None:
    op.create_table(
        "public_notice",
        *_columns(
            "id string; incident_id string; kind string; version integer; obligation_keys text; wordings text; "
            "digest string; prepared_at instant; published_at instant null; until instant null; "
            "withdrawn_at instant null; reason text"
        ),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_public_notice_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_public_notice")),
        sa.UniqueConstraint("incident_id", "kind", "version", name=op.f("uq_public_notice_incident_id_kind_version")),
    )
    op.create_index(op.f("ix_public_notice_incident_id"), "public_notice", ["incident_id"])


def _scope_run() -> None:
    op.create_table(
        "scope_run",
        *_columns(
            "id string; incident_id string; number integer; source string; source_digest string; "
            "mapping_digest string; waterfall text; author string; at instant"
        ),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_scope_run_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scope_run")),
        sa.UniqueConstraint("incident_id", "number", name=op.f("uq_scope_run_incident_id_number")),
    )


def _seal() -> None:
    op.create_table(
        "seal",
        *_columns(
            "id string; incident_id string; number integer; at instant; heads text; previous_root string; "
            "root string; signature string"
        ),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_seal_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal")),
        sa.UniqueConstraint("incident_id", "number", name=op.f("uq_seal_incident_id_number")),
    )
    op.create_index(op.f("ix_seal_incident_id"), "seal", ["incident_id"])


def _subject() -> None:
    op.create_table(
        "subject",
        *_columns(
            "id string; incident_id string; person_index string; residence string; language string; role text; "
            "minor flag; deceased flag; protected flag; elements text; consent_email flag; has_email flag; "
            "has_phone flag; has_mobile flag; has_address flag; has_app flag; email_index string; phone_index string; "
            "address_index string; block_index string; customer string; sealed bytes null; content_mark string; "
            "first_scope integer; last_scope integer; withdrawn flag; merged_into string; changed_at instant null"
        ),
        _word("subject", "role", ROLE),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_subject_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subject")),
    )
    op.create_index(op.f("ux_subject_incident_person"), "subject", ["incident_id", "person_index"], unique=True)
    op.create_index(op.f("ix_subject_incident_email"), "subject", ["incident_id", "email_index"])


def _same_person() -> None:
    op.create_table(
        "same_person",
        *_columns(
            "id string; incident_id string; one string; other string; same flag; author string; why string; at instant"
        ),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_same_person_incident_id")),
        sa.ForeignKeyConstraint(["one"], ["subject.id"], name=op.f("fk_same_person_one")),
        sa.ForeignKeyConstraint(["other"], ["subject.id"], name=op.f("fk_same_person_other")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_same_person")),
        sa.UniqueConstraint("one", "other", name=op.f("uq_same_person_one_other")),
    )
    op.create_index(op.f("ix_same_person_incident_id"), "same_person", ["incident_id"])


def _wave() -> None:
    op.create_table(
        "wave",
        *_columns(
            "id string; incident_id string; number integer; kind text; facts_number integer; prepared_by string; "
            "prepared_at instant; plan text; digest string; people integer; people_root string; cap integer; "
            "pilot integer; bounce_limit float; window_from instant; window_until instant; "
            "launched_at instant null; launched_by string; pilot_passed_at instant null; stopped_at instant null; "
            "stopped_why string; closed_at instant null"
        ),
        _word("wave", "kind", WAVE_KIND),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_wave_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wave")),
        sa.UniqueConstraint("incident_id", "number", name=op.f("uq_wave_incident_id_number")),
    )


def _wording() -> None:
    op.create_table(
        "wording",
        *_columns(
            "id string; incident_id string; channel text; language string; body text; digest string; findings text"
        ),
        _word("wording", "channel", CHANNEL),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_wording_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wording")),
    )
    op.create_index(op.f("ix_wording_incident_id"), "wording", ["incident_id"])


def _alarm() -> None:
    op.create_table(
        "alarm",
        *_columns(
            "id string; incident_id string; obligation_id string; threshold string; raised_at instant; "
            "told string; acknowledged_by string; acknowledged_at instant null"
        ),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_alarm_incident_id")),
        sa.ForeignKeyConstraint(["obligation_id"], ["obligation.id"], name=op.f("fk_alarm_obligation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
        sa.UniqueConstraint("obligation_id", "threshold", name=op.f("uq_alarm_obligation_id_threshold")),
    )
    op.create_index(op.f("ix_alarm_incident_id"), "alarm", ["incident_id"])


def _notice() -> None:
    op.create_table(
        "notice",
        *_columns(
            "id string; incident_id string; wave_id string; subject_id string; segment_key string; ladder string; "
            "obligations text; sealed bytes null; leaf string; reference string; verification string"
        ),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_notice_incident_id")),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name=op.f("fk_notice_subject_id")),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name=op.f("fk_notice_wave_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint(
            "wave_id", "subject_id", "segment_key", name=op.f("uq_notice_wave_id_subject_id_segment_key")
        ),
    )
    op.create_index(op.f("ix_notice_incident_id"), "notice", ["incident_id"])
    op.create_index(op.f("ix_notice_subject_id"), "notice", ["subject_id"])
    op.create_index(op.f("ix_notice_verification"), "notice", ["verification"])
    op.create_index(op.f("ix_notice_wave_id"), "notice", ["wave_id"])


def _segment() -> None:
    op.create_table(
        "segment",
        *_columns(
            "id string; incident_id string; wave_id string; key string; content_class string; laws text; "
            "language string; role text; blocks text; exposed text; channel text; people integer; "
            "wording_id string"
        ),
        _word("segment", "channel", CHANNEL),
        _word("segment", "role", ROLE),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_segment_incident_id")),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name=op.f("fk_segment_wave_id")),
        sa.ForeignKeyConstraint(["wording_id"], ["wording.id"], name=op.f("fk_segment_wording_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment")),
        sa.UniqueConstraint("wave_id", "key", "channel", name=op.f("uq_segment_wave_id_key_channel")),
    )


def _delivery() -> None:
    op.create_table(
        "delivery",
        *_columns(
            "id string; incident_id string; wave_id string; notice_id string; subject_id string; "
            "segment_id string; channel text; rung integer; state text; pilot flag; urgency integer; attempts integer; "
            "not_before instant null; worker string; fence integer; lease_until instant null; carrier_ref string; "
            "code string; possible_duplicate flag; looked_up integer; suppressed_why text null; "
            "handed_at instant null; accepted_at instant null; updated_at instant"
        ),
        _word("delivery", "channel", CHANNEL),
        _word("delivery", "state", DELIVERY_STATE),
        _word("delivery", "suppressed_why", SUPPRESSION_REASON, nullable=True),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_delivery_incident_id")),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_delivery_notice_id")),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"], name=op.f("fk_delivery_segment_id")),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name=op.f("fk_delivery_subject_id")),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name=op.f("fk_delivery_wave_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("notice_id", "channel", "rung", name=op.f("uq_delivery_notice_id_channel_rung")),
    )
    op.create_index(op.f("ix_delivery_carrier_ref"), "delivery", ["carrier_ref"])
    op.create_index(
        op.f("ix_delivery_leased"),
        "delivery",
        ["incident_id", "lease_until"],
        sqlite_where=sa.text("state IN ('claimed', 'handing_off')"),
        postgresql_where=sa.text("state IN ('claimed', 'handing_off')"),
    )
    op.create_index(op.f("ix_delivery_notice_id"), "delivery", ["notice_id"])
    op.create_index(
        op.f("ix_delivery_ready"),
        "delivery",
        ["wave_id", "channel", "urgency", "id"],
        sqlite_where=sa.text("state = 'ready'"),
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.create_index(op.f("ix_delivery_state"), "delivery", ["incident_id", "channel", "state"])
    op.create_index(op.f("ix_delivery_subject_id"), "delivery", ["subject_id"])


_TABLES = (
    _approver,
    _event,
    _incident,
    _receipt,
    _send_limit,
    _setting,
    _suppression,
    _approval,
    _facts_revision,
    _filing,
    _hold,
    _judgement,
    _letter_batch,
    _obligation,
    _public_notice,
    _scope_run,
    _seal,
    _subject,
    _same_person,
    _wave,
    _wording,
    _alarm,
    _notice,
    _segment,
    _delivery,
)  # each after those it refers to

# Events, seals and judgements are only ever inserted, and a database never changes between live and exercise.
_KEPT = ("event", "seal", "judgement")

_SQLITE_GUARDS = [
    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
    f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are only ever inserted'); END"
    for table in _KEPT
    for verb in ("UPDATE", "DELETE")
] + [
    f"CREATE TRIGGER setting_mode_no_{verb.lower()} BEFORE {verb} ON setting WHEN OLD.name = 'mode' "
    "BEGIN SELECT RAISE(ABORT, 'the mode of a database never changes'); END"
    for verb in ("UPDATE", "DELETE")
]

_POSTGRESQL_GUARDS = [
    "CREATE FUNCTION tocsin_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation'; END $$",
    *(
        f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION tocsin_refuse('rows of {table} are only ever inserted')"
        for table in _KEPT
    ),
    "CREATE TRIGGER setting_mode_kept BEFORE UPDATE OR DELETE ON setting "
    "FOR EACH ROW WHEN (OLD.name = 'mode') EXECUTE FUNCTION tocsin_refuse('the mode of a database never changes')",
]

_GUARDS = {"sqlite": _SQLITE_GUARDS, "postgresql": _POSTGRESQL_GUARDS}
