"""All tables. Written by scripts/make_migration.py; not to be edited by hand."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSERT_ONLY = {
    "sqlite": [
        "CREATE TRIGGER trail_record_update BEFORE UPDATE ON trail_record BEGIN SELECT RAISE(ABORT, 'trail_record is insert-only'); END",
        "CREATE TRIGGER trail_record_delete BEFORE DELETE ON trail_record BEGIN SELECT RAISE(ABORT, 'trail_record is insert-only'); END",
        "CREATE TRIGGER trail_checkpoint_update BEFORE UPDATE ON trail_checkpoint BEGIN SELECT RAISE(ABORT, 'trail_checkpoint is insert-only'); END",
        "CREATE TRIGGER trail_checkpoint_delete BEFORE DELETE ON trail_checkpoint BEGIN SELECT RAISE(ABORT, 'trail_checkpoint is insert-only'); END",
        "CREATE TRIGGER trail_blob_update BEFORE UPDATE ON trail_blob BEGIN SELECT RAISE(ABORT, 'trail_blob is insert-only'); END",
        "CREATE TRIGGER trail_blob_delete BEFORE DELETE ON trail_blob BEGIN SELECT RAISE(ABORT, 'trail_blob is insert-only'); END",
        "CREATE TRIGGER trail_head_update BEFORE UPDATE ON trail_head WHEN NEW.size < OLD.size OR NEW.checkpoint_size < OLD.checkpoint_size BEGIN SELECT RAISE(ABORT, 'trail_head is insert-only'); END",
        "CREATE TRIGGER trail_head_delete BEFORE DELETE ON trail_head BEGIN SELECT RAISE(ABORT, 'trail_head is insert-only'); END",
        "CREATE TRIGGER trail_pii_update BEFORE UPDATE ON trail_pii WHEN NEW.value IS NOT NULL OR NEW.salt IS NOT NULL OR NEW.commitment <> OLD.commitment OR NEW.field <> OLD.field OR NEW.subject <> OLD.subject BEGIN SELECT RAISE(ABORT, 'trail_pii is insert-only'); END",
        "CREATE TRIGGER trail_pii_delete BEFORE DELETE ON trail_pii BEGIN SELECT RAISE(ABORT, 'trail_pii is insert-only'); END",
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION trail_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the trail is insert-only'; END $$",
        "CREATE TRIGGER trail_record_update BEFORE UPDATE ON trail_record FOR EACH ROW EXECUTE FUNCTION trail_refuse()",
        "CREATE TRIGGER trail_record_delete BEFORE DELETE ON trail_record FOR EACH ROW EXECUTE FUNCTION trail_refuse()",
        "CREATE TRIGGER trail_record_truncate BEFORE TRUNCATE ON trail_record FOR EACH STATEMENT EXECUTE FUNCTION trail_refuse()",
        "CREATE TRIGGER trail_checkpoint_update BEFORE UPDATE ON trail_checkpoint FOR EACH ROW EXECUTE FUNCTION trail_refuse()",
        "CREATE TRIGGER trail_checkpoint_delete BEFORE DELETE ON trail_checkpoint FOR EACH ROW EXECUTE FUNCTION trail_refuse()",
        "CREATE TRIGGER trail_checkpoint_truncate BEFORE TRUNCATE ON trail_checkpoint FOR EACH STATEMENT EXECUTE FUNCTION trail_refuse()",
        "CREATE TRIGGER trail_blob_update BEFORE UPDATE ON trail_blob FOR EACH ROW EXECUTE FUNCTION trail_refuse()",
        "CREATE TRIGGER trail_blob_delete BEFORE DELETE ON trail_blob FOR EACH ROW EXECUTE FUNCTION trail_refuse()",
        "CREATE TRIGGER trail_blob_truncate BEFORE TRUNCATE ON trail_blob FOR EACH STATEMENT EXECUTE FUNCTION trail_refuse()",
        "CREATE TRIGGER trail_head_update BEFORE UPDATE ON trail_head FOR EACH ROW WHEN (NEW.size < OLD.size OR NEW.checkpoint_size < OLD.checkpoint_size) EXECUTE FUNCTION trail_refuse()",
        "CREATE TRIGGER trail_head_delete BEFORE DELETE ON trail_head FOR EACH ROW EXECUTE FUNCTION trail_refuse()",
        "CREATE TRIGGER trail_head_truncate BEFORE TRUNCATE ON trail_head FOR EACH STATEMENT EXECUTE FUNCTION trail_refuse()",
        "CREATE TRIGGER trail_pii_update BEFORE UPDATE ON trail_pii FOR EACH ROW WHEN (NEW.value IS NOT NULL OR NEW.salt IS NOT NULL OR NEW.commitment <> OLD.commitment OR NEW.field <> OLD.field OR NEW.subject <> OLD.subject) EXECUTE FUNCTION trail_refuse()",
        "CREATE TRIGGER trail_pii_delete BEFORE DELETE ON trail_pii FOR EACH ROW EXECUTE FUNCTION trail_refuse()",
        "CREATE TRIGGER trail_pii_truncate BEFORE TRUNCATE ON trail_pii FOR EACH STATEMENT EXECUTE FUNCTION trail_refuse()",
    ],
}


def upgrade() -> None:  # noqa: PLR0915 - one statement a table
    """Make every table, its indexes, and the trail's insert-only triggers."""
    op.create_table(
        "agents_batch_run",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("org", sa.String(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("open_until", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("result_hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_agents_batch_run")),
    )
    op.create_index(op.f("ix_agents_batch_run_org"), "agents_batch_run", ["org"], unique=False)
    op.create_table(
        "agents_condition",
        sa.Column("fact_key", sa.String(), nullable=False),
        sa.Column("facts_hash", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("fact", sa.LargeBinary(), nullable=False),
        sa.Column("series", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("fact_key", name=op.f("pk_agents_condition")),
        info={"plumbing": True},
    )
    op.create_table(
        "agents_hedge_order",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("event_uid", sa.String(), nullable=False),
        sa.Column("org", sa.String(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("contract", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("lots", sa.Integer(), nullable=False),
        sa.Column("qty_signed", sa.Text(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("queued_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("fact_hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agents_hedge_order")),
        sa.UniqueConstraint("org", "object_id", name=op.f("uq_agents_hedge_order_org_object_id")),
    )
    op.create_index(
        op.f("ix_agents_hedge_order_object_id"), "agents_hedge_order", ["object_id"], unique=False
    )
    op.create_index(op.f("ix_agents_hedge_order_org"), "agents_hedge_order", ["org"], unique=False)
    op.create_index(
        op.f("ix_agents_hedge_order_outcome"), "agents_hedge_order", ["outcome"], unique=False
    )
    op.create_index(
        "ix_agents_hedge_order_waiting",
        "agents_hedge_order",
        ["product", "queued_at"],
        unique=False,
    )
    op.create_table(
        "approvals_delegation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("delegate", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("cap", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("starts", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals_delegation")),
    )
    op.create_index(
        "ix_approvals_delegation_delegate", "approvals_delegation", ["delegate"], unique=False
    )
    op.create_index(
        "ix_approvals_delegation_principal", "approvals_delegation", ["principal"], unique=False
    )
    op.create_index(
        "ix_approvals_delegation_told", "approvals_delegation", ["told_at", "starts"], unique=False
    )
    op.create_table(
        "approvals_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("expected_version", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals_event")),
    )
    op.create_index("ix_approvals_event_at", "approvals_event", ["at", "id"], unique=False)
    op.create_index(
        "ix_approvals_event_request", "approvals_event", ["request_id", "id"], unique=False
    )
    op.create_table(
        "approvals_request",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals_request")),
    )
    op.create_index(
        "ix_approvals_request_object", "approvals_request", ["kind", "object_id"], unique=False
    )
    op.create_index(
        "ix_approvals_request_status_due", "approvals_request", ["status", "due"], unique=False
    )
    op.create_index(
        "uq_approvals_request_open",
        "approvals_request",
        ["kind", "object_id", "requester"],
        unique=True,
        postgresql_where=sa.text("status IN ('draft', 'pending', 'papers')"),
        sqlite_where=sa.text("status IN ('draft', 'pending', 'papers')"),
    )
    op.create_table(
        "book_basis_stats",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fact_key", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_basis_stats")),
        sa.UniqueConstraint(
            "source", "fact_key", "content_hash", name="uq_book_basis_stats_content"
        ),
    )
    op.create_index(
        "ix_book_basis_stats_fact_key", "book_basis_stats", ["fact_key", "valid_from"], unique=False
    )
    op.create_index(
        "ix_book_basis_stats_org",
        "book_basis_stats",
        ["org", "product", "valid_from"],
        unique=False,
    )
    op.create_index(
        "ix_book_basis_stats_recorded_at", "book_basis_stats", ["recorded_at"], unique=False
    )
    op.create_table(
        "book_claim",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fact_key", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_claim")),
        sa.UniqueConstraint("source", "fact_key", "content_hash", name="uq_book_claim_content"),
    )
    op.create_index(
        "ix_book_claim_fact_key", "book_claim", ["fact_key", "valid_from"], unique=False
    )
    op.create_index(
        "ix_book_claim_org", "book_claim", ["org", "product", "valid_from"], unique=False
    )
    op.create_index("ix_book_claim_recorded_at", "book_claim", ["recorded_at"], unique=False)
    op.create_table(
        "book_commitment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fact_key", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_commitment")),
        sa.UniqueConstraint(
            "source", "fact_key", "content_hash", name="uq_book_commitment_content"
        ),
    )
    op.create_index(
        "ix_book_commitment_fact_key", "book_commitment", ["fact_key", "valid_from"], unique=False
    )
    op.create_index(
        "ix_book_commitment_org", "book_commitment", ["org", "product", "valid_from"], unique=False
    )
    op.create_index(
        "ix_book_commitment_recorded_at", "book_commitment", ["recorded_at"], unique=False
    )
    op.create_table(
        "book_contract",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fact_key", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_contract")),
        sa.UniqueConstraint("source", "fact_key", "content_hash", name="uq_book_contract_content"),
    )
    op.create_index(
        "ix_book_contract_fact_key", "book_contract", ["fact_key", "valid_from"], unique=False
    )
    op.create_index(
        "ix_book_contract_org", "book_contract", ["org", "product", "valid_from"], unique=False
    )
    op.create_index("ix_book_contract_recorded_at", "book_contract", ["recorded_at"], unique=False)
    op.create_table(
        "book_document",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fact_key", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_document")),
        sa.UniqueConstraint("source", "fact_key", "content_hash", name="uq_book_document_content"),
    )
    op.create_index(
        "ix_book_document_fact_key", "book_document", ["fact_key", "valid_from"], unique=False
    )
    op.create_index(
        "ix_book_document_org", "book_document", ["org", "product", "valid_from"], unique=False
    )
    op.create_index("ix_book_document_recorded_at", "book_document", ["recorded_at"], unique=False)
    op.create_table(
        "book_fixation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fact_key", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_fixation")),
        sa.UniqueConstraint("source", "fact_key", "content_hash", name="uq_book_fixation_content"),
    )
    op.create_index(
        "ix_book_fixation_fact_key", "book_fixation", ["fact_key", "valid_from"], unique=False
    )
    op.create_index(
        "ix_book_fixation_org", "book_fixation", ["org", "product", "valid_from"], unique=False
    )
    op.create_index("ix_book_fixation_recorded_at", "book_fixation", ["recorded_at"], unique=False)
    op.create_table(
        "book_futures",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fact_key", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_futures")),
        sa.UniqueConstraint("source", "fact_key", "content_hash", name="uq_book_futures_content"),
    )
    op.create_index(
        "ix_book_futures_fact_key", "book_futures", ["fact_key", "valid_from"], unique=False
    )
    op.create_index(
        "ix_book_futures_org", "book_futures", ["org", "product", "valid_from"], unique=False
    )
    op.create_index("ix_book_futures_recorded_at", "book_futures", ["recorded_at"], unique=False)
    op.create_table(
        "book_hedge",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fact_key", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_hedge")),
        sa.UniqueConstraint("source", "fact_key", "content_hash", name="uq_book_hedge_content"),
    )
    op.create_index(
        "ix_book_hedge_fact_key", "book_hedge", ["fact_key", "valid_from"], unique=False
    )
    op.create_index(
        "ix_book_hedge_org", "book_hedge", ["org", "product", "valid_from"], unique=False
    )
    op.create_index("ix_book_hedge_recorded_at", "book_hedge", ["recorded_at"], unique=False)
    op.create_table(
        "book_ledger_account",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fact_key", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_ledger_account")),
        sa.UniqueConstraint(
            "source", "fact_key", "content_hash", name="uq_book_ledger_account_content"
        ),
    )
    op.create_index(
        "ix_book_ledger_account_fact_key",
        "book_ledger_account",
        ["fact_key", "valid_from"],
        unique=False,
    )
    op.create_index(
        "ix_book_ledger_account_org",
        "book_ledger_account",
        ["org", "product", "valid_from"],
        unique=False,
    )
    op.create_index(
        "ix_book_ledger_account_recorded_at", "book_ledger_account", ["recorded_at"], unique=False
    )
    op.create_table(
        "book_limit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fact_key", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_limit")),
        sa.UniqueConstraint("source", "fact_key", "content_hash", name="uq_book_limit_content"),
    )
    op.create_index(
        "ix_book_limit_fact_key", "book_limit", ["fact_key", "valid_from"], unique=False
    )
    op.create_index(
        "ix_book_limit_org", "book_limit", ["org", "product", "valid_from"], unique=False
    )
    op.create_index("ix_book_limit_recorded_at", "book_limit", ["recorded_at"], unique=False)
    op.create_table(
        "book_lot",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fact_key", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_lot")),
        sa.UniqueConstraint("source", "fact_key", "content_hash", name="uq_book_lot_content"),
    )
    op.create_index("ix_book_lot_fact_key", "book_lot", ["fact_key", "valid_from"], unique=False)
    op.create_index("ix_book_lot_org", "book_lot", ["org", "product", "valid_from"], unique=False)
    op.create_index("ix_book_lot_recorded_at", "book_lot", ["recorded_at"], unique=False)
    op.create_table(
        "book_option",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fact_key", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_option")),
        sa.UniqueConstraint("source", "fact_key", "content_hash", name="uq_book_option_content"),
    )
    op.create_index(
        "ix_book_option_fact_key", "book_option", ["fact_key", "valid_from"], unique=False
    )
    op.create_index(
        "ix_book_option_org", "book_option", ["org", "product", "valid_from"], unique=False
    )
    op.create_index("ix_book_option_recorded_at", "book_option", ["recorded_at"], unique=False)
    op.create_table(
        "book_price",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fact_key", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_price")),
        sa.UniqueConstraint("source", "fact_key", "content_hash", name="uq_book_price_content"),
    )
    op.create_index(
        "ix_book_price_fact_key", "book_price", ["fact_key", "valid_from"], unique=False
    )
    op.create_index(
        "ix_book_price_org", "book_price", ["org", "product", "valid_from"], unique=False
    )
    op.create_index("ix_book_price_recorded_at", "book_price", ["recorded_at"], unique=False)
    op.create_table(
        "book_quota",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fact_key", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_quota")),
        sa.UniqueConstraint("source", "fact_key", "content_hash", name="uq_book_quota_content"),
    )
    op.create_index(
        "ix_book_quota_fact_key", "book_quota", ["fact_key", "valid_from"], unique=False
    )
    op.create_index(
        "ix_book_quota_org", "book_quota", ["org", "product", "valid_from"], unique=False
    )
    op.create_index("ix_book_quota_recorded_at", "book_quota", ["recorded_at"], unique=False)
    op.create_table(
        "book_receipt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fact_key", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_receipt")),
        sa.UniqueConstraint("source", "fact_key", "content_hash", name="uq_book_receipt_content"),
    )
    op.create_index(
        "ix_book_receipt_fact_key", "book_receipt", ["fact_key", "valid_from"], unique=False
    )
    op.create_index(
        "ix_book_receipt_org", "book_receipt", ["org", "product", "valid_from"], unique=False
    )
    op.create_index("ix_book_receipt_recorded_at", "book_receipt", ["recorded_at"], unique=False)
    op.create_table(
        "book_snapshot",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("trading_day", sa.Date(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("outputs_hash", sa.Text(), nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
        sa.Column("outputs", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_snapshot")),
        sa.UniqueConstraint("org", "purpose", "trading_day", "version", name="uq_book_snapshot"),
    )
    op.create_index(
        "ix_book_snapshot_as_of", "book_snapshot", ["org", "purpose", "as_of"], unique=False
    )
    op.create_index("ix_book_snapshot_hash", "book_snapshot", ["hash"], unique=False)
    op.create_table(
        "book_spec",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fact_key", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_spec")),
        sa.UniqueConstraint("source", "fact_key", "content_hash", name="uq_book_spec_content"),
    )
    op.create_index("ix_book_spec_fact_key", "book_spec", ["fact_key", "valid_from"], unique=False)
    op.create_index("ix_book_spec_org", "book_spec", ["org", "product", "valid_from"], unique=False)
    op.create_index("ix_book_spec_recorded_at", "book_spec", ["recorded_at"], unique=False)
    op.create_table(
        "book_sync",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fact_key", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_sync")),
        sa.UniqueConstraint("source", "fact_key", "content_hash", name="uq_book_sync_content"),
    )
    op.create_index("ix_book_sync_fact_key", "book_sync", ["fact_key", "valid_from"], unique=False)
    op.create_index("ix_book_sync_org", "book_sync", ["org", "product", "valid_from"], unique=False)
    op.create_index("ix_book_sync_recorded_at", "book_sync", ["recorded_at"], unique=False)
    op.create_table(
        "book_unit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fact_key", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_unit")),
        sa.UniqueConstraint("source", "fact_key", "content_hash", name="uq_book_unit_content"),
    )
    op.create_index("ix_book_unit_fact_key", "book_unit", ["fact_key", "valid_from"], unique=False)
    op.create_index("ix_book_unit_org", "book_unit", ["org", "product", "valid_from"], unique=False)
    op.create_index("ix_book_unit_recorded_at", "book_unit", ["recorded_at"], unique=False)
    op.create_table(
        "directory_account",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("person", "channel", name=op.f("pk_directory_account")),
        sa.UniqueConstraint("channel", "team", "user_id", name="uq_directory_account_user"),
    )
    op.create_table(
        "directory_grant",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("permission", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=True),
        sa.Column("valid_to", sa.BigInteger(), nullable=True),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_grant")),
    )
    op.create_index("ix_directory_grant_person", "directory_grant", ["person"], unique=False)
    op.create_table(
        "directory_organisation",
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_directory_organisation")),
    )
    op.create_table(
        "directory_person",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("roles", sa.LargeBinary(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("shift", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("mixed_roles_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_person")),
    )
    op.create_table(
        "directory_roster",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_roster")),
    )
    op.create_table(
        "directory_setting",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_directory_setting")),
    )
    op.create_table(
        "integrations_quarantine",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("original", sa.LargeBinary(), nullable=False),
        sa.Column("problems", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_integrations_quarantine")),
    )
    op.create_index(
        "ix_integrations_quarantine_state", "integrations_quarantine", ["state", "id"], unique=False
    )
    op.create_index(
        "uq_integrations_quarantine_row_key", "integrations_quarantine", ["row_key"], unique=True
    )
    op.create_table(
        "integrations_statement",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_integrations_statement")),
    )
    op.create_index(
        "uq_integrations_statement_place",
        "integrations_statement",
        ["kind", "org", "account", "at"],
        unique=True,
    )
    op.create_table(
        "service_account_link",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("message_key", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_service_account_link")),
        info={"plumbing": True},
    )
    op.create_table(
        "service_card_code",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("notice", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "code", name=op.f("pk_service_card_code")),
        info={"plumbing": True},
    )
    op.create_index(
        "ix_service_card_code_notice", "service_card_code", ["channel", "notice"], unique=False
    )
    op.create_table(
        "service_card_queue",
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("object_id", name=op.f("pk_service_card_queue")),
        info={"plumbing": True},
    )
    op.create_table(
        "service_credential",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_service_credential")),
    )
    op.create_table(
        "service_login_attempt",
        sa.Column("attempt_key", sa.Text(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("attempt_key", name=op.f("pk_service_login_attempt")),
        info={"plumbing": True},
    )
    op.create_table(
        "service_mail_try",
        sa.Column("link_hash", sa.Text(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("link_hash", name=op.f("pk_service_mail_try")),
        info={"plumbing": True},
    )
    op.create_table(
        "service_session",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_service_session")),
        info={"plumbing": True},
    )
    op.create_index(
        "ix_service_session_expires_at", "service_session", ["expires_at"], unique=False
    )
    op.create_index("ix_service_session_person", "service_session", ["person"], unique=False)
    op.create_table(
        "service_token",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_service_token")),
    )
    op.create_index("ix_service_token_person", "service_token", ["person"], unique=False)
    op.create_table(
        "store_inbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("message_key", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.Column("consumed_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.LargeBinary(), nullable=True),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_inbox")),
        sa.UniqueConstraint("source", "message_key", name="uq_store_inbox_source_message_key"),
        info={"plumbing": True},
    )
    op.create_index("ix_store_inbox_state", "store_inbox", ["state", "id"], unique=False)
    op.create_table(
        "store_lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_store_lease")),
        info={"plumbing": True},
    )
    op.create_table(
        "store_outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_key", sa.Text(), nullable=False),
        sa.Column("message_group", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("put_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_outbox")),
        sa.UniqueConstraint("message_key", name=op.f("uq_store_outbox_message_key")),
        info={"plumbing": True},
    )
    op.create_index(
        "ix_store_outbox_message_group", "store_outbox", ["message_group"], unique=False
    )
    op.create_index(
        "ix_store_outbox_state_due_at", "store_outbox", ["state", "due_at", "id"], unique=False
    )
    op.create_table(
        "store_position",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("written_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_store_position")),
        info={"plumbing": True},
    )
    op.create_table(
        "store_timer",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("timer_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_timer")),
        sa.UniqueConstraint("timer_key", name=op.f("uq_store_timer_timer_key")),
        info={"plumbing": True},
    )
    op.create_index(
        "ix_store_timer_state_due_at", "store_timer", ["state", "due_at", "id"], unique=False
    )
    op.create_index(
        "ix_store_timer_timer_key_prefix",
        "store_timer",
        ["timer_key"],
        unique=False,
        postgresql_ops={"timer_key": "text_pattern_ops"},
    )
    op.create_table(
        "trail_blob",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_trail_blob")),
    )
    op.create_table(
        "trail_checkpoint",
        sa.Column(
            "size",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_trail_checkpoint")),
    )
    op.create_table(
        "trail_head",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.Column("checkpoint_size", sa.BigInteger(), nullable=False),
        sa.Column("checkpoint_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trail_head")),
    )
    op.create_table(
        "trail_pii",
        sa.Column("commitment", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("committed_at", sa.BigInteger(), nullable=False),
        sa.Column("erased_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("commitment", name=op.f("pk_trail_pii")),
    )
    op.create_index(op.f("ix_trail_pii_subject"), "trail_pii", ["subject"], unique=False)
    op.create_table(
        "trail_record",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("nodes", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_trail_record")),
        sa.UniqueConstraint("uid", name=op.f("uq_trail_record_uid")),
    )
    op.create_index("ix_trail_record_actor", "trail_record", ["actor", "seq"], unique=False)
    op.create_index("ix_trail_record_kind", "trail_record", ["kind", "seq"], unique=False)
    op.create_index(
        "ix_trail_record_object", "trail_record", ["object_type", "object_id", "seq"], unique=False
    )
    op.create_table(
        "workorders_alert",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("source_kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("escalations", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("limit", sa.Text(), nullable=True),
        sa.Column("use", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("evidence", sa.LargeBinary(), nullable=False),
        sa.Column("assignees", sa.LargeBinary(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("dwell_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workorders_alert")),
    )
    op.create_index(
        op.f("ix_workorders_alert_case_id"), "workorders_alert", ["case_id"], unique=False
    )
    op.create_index(
        "ix_workorders_alert_condition",
        "workorders_alert",
        ["condition", "raised_at"],
        unique=False,
    )
    op.create_index(
        "ix_workorders_alert_key", "workorders_alert", ["key", "raised_at"], unique=False
    )
    op.create_index(
        op.f("ix_workorders_alert_order_id"), "workorders_alert", ["order_id"], unique=False
    )
    op.create_index(
        "ix_workorders_alert_org_state",
        "workorders_alert",
        ["org", "state", "raised_at"],
        unique=False,
    )
    op.create_index(
        "ix_workorders_alert_raised_at", "workorders_alert", ["raised_at", "id"], unique=False
    )
    op.create_table(
        "workorders_assignment",
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("object_id", "person", name=op.f("pk_workorders_assignment")),
    )
    op.create_index(
        "ix_workorders_assignment_person", "workorders_assignment", ["person"], unique=False
    )
    op.create_table(
        "workorders_case",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("keys", sa.LargeBinary(), nullable=False),
        sa.Column("first_event", sa.BigInteger(), nullable=False),
        sa.Column("last_event", sa.BigInteger(), nullable=False),
        sa.Column("batch_run", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("merged_into", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workorders_case")),
    )
    op.create_index(op.f("ix_workorders_case_cause"), "workorders_case", ["cause"], unique=False)
    op.create_index(
        "ix_workorders_case_org_last_event",
        "workorders_case",
        ["org", "state", "last_event"],
        unique=False,
    )
    op.create_table(
        "workorders_corrective",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_by", sa.Text(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("done_by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("moved", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_workorders_corrective")),
    )
    op.create_index(
        "ix_workorders_corrective_done_at",
        "workorders_corrective",
        ["done_at", "due_at"],
        unique=False,
    )
    op.create_table(
        "workorders_counter",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workorders_counter")),
        info={"plumbing": True},
    )
    op.create_table(
        "workorders_crossing",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_workorders_crossing")),
    )
    op.create_index(
        "ix_workorders_crossing_condition_at",
        "workorders_crossing",
        ["condition", "at"],
        unique=False,
    )
    op.create_table(
        "workorders_exempted",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("exemption", sa.Text(), nullable=False),
        sa.Column("match_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("event_time", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("over_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_workorders_exempted")),
    )
    op.create_index(
        "ix_workorders_exempted_condition",
        "workorders_exempted",
        ["condition", "over_at"],
        unique=False,
    )
    op.create_index(
        "ix_workorders_exempted_exemption",
        "workorders_exempted",
        ["exemption", "seq"],
        unique=False,
    )
    op.create_index(
        "ix_workorders_exempted_key", "workorders_exempted", ["key", "over_at"], unique=False
    )
    op.create_index(
        "ix_workorders_exempted_match", "workorders_exempted", ["match_id"], unique=False
    )
    op.create_table(
        "workorders_exemption",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("cap", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("renews", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workorders_exemption")),
    )
    op.create_index(
        "ix_workorders_exemption_requested_at",
        "workorders_exemption",
        ["requested_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_workorders_exemption_state", "workorders_exemption", ["state", "org"], unique=False
    )
    op.create_table(
        "workorders_exemption_subject",
        sa.Column("exemption", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("exemption", "actor", name=op.f("pk_workorders_exemption_subject")),
    )
    op.create_index(
        "ix_workorders_exemption_subject_actor",
        "workorders_exemption_subject",
        ["actor"],
        unique=False,
    )
    op.create_table(
        "workorders_handover",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.Column("given_note", sa.Text(), nullable=False),
        sa.Column("items", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("taken_note", sa.Text(), nullable=False),
        sa.Column("moved", sa.LargeBinary(), nullable=False),
        sa.Column("orders", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workorders_handover")),
    )
    op.create_index(
        "ix_workorders_handover_given_at", "workorders_handover", ["given_at", "id"], unique=False
    )
    op.create_index(
        "ix_workorders_handover_org_state", "workorders_handover", ["org", "state"], unique=False
    )
    op.create_table(
        "workorders_match",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("alert_id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("event_time", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("facts_hash", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workorders_match")),
    )
    op.create_index(
        op.f("ix_workorders_match_alert_id"), "workorders_match", ["alert_id"], unique=False
    )
    op.create_index(
        op.f("ix_workorders_match_case_id"), "workorders_match", ["case_id"], unique=False
    )
    op.create_table(
        "workorders_notice",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("rung", sa.BigInteger(), nullable=False),
        sa.Column("queued_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("handle", sa.LargeBinary(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("muted_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_workorders_notice")),
    )
    op.create_index(
        "ix_workorders_notice_muted_by",
        "workorders_notice",
        ["muted_by", "queued_at"],
        unique=False,
    )
    op.create_index(
        "ix_workorders_notice_object_id", "workorders_notice", ["object_id"], unique=False
    )
    op.create_index(
        "ix_workorders_notice_person_queued_at",
        "workorders_notice",
        ["person", "queued_at"],
        unique=False,
    )
    op.create_index(
        "ix_workorders_notice_queued_at", "workorders_notice", ["queued_at", "key"], unique=False
    )
    op.create_index(
        "ix_workorders_notice_state_key", "workorders_notice", ["state", "key"], unique=False
    )
    op.create_table(
        "workorders_order",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("title_params", sa.LargeBinary(), nullable=False),
        sa.Column("lead_key", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("limit", sa.Text(), nullable=True),
        sa.Column("use", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("assignees", sa.LargeBinary(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=False),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=False),
        sa.Column("acknowledge_by", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledge_due", sa.BigInteger(), nullable=True),
        sa.Column("resolve_due", sa.BigInteger(), nullable=True),
        sa.Column("rung", sa.BigInteger(), nullable=False),
        sa.Column("policy", sa.LargeBinary(), nullable=False),
        sa.Column("clears", sa.LargeBinary(), nullable=False),
        sa.Column("needs_disposition", sa.Boolean(), nullable=False),
        sa.Column("tags", sa.LargeBinary(), nullable=False),
        sa.Column("snoozed_from", sa.Text(), nullable=False),
        sa.Column("snoozed_until", sa.BigInteger(), nullable=True),
        sa.Column("merged_into", sa.Text(), nullable=False),
        sa.Column("reopened_from", sa.Text(), nullable=False),
        sa.Column("closing", sa.LargeBinary(), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workorders_order")),
    )
    op.create_index("ix_workorders_order_case_id", "workorders_order", ["case_id"], unique=False)
    op.create_index(
        "ix_workorders_order_closed_at", "workorders_order", ["closed_at"], unique=False
    )
    op.create_index(
        "ix_workorders_order_opened_at", "workorders_order", ["opened_at", "id"], unique=False
    )
    op.create_index(
        "ix_workorders_order_org_state",
        "workorders_order",
        ["org", "state", "opened_at"],
        unique=False,
    )
    op.create_index(
        "ix_workorders_order_reopened_from", "workorders_order", ["reopened_from"], unique=False
    )
    op.create_table(
        "workorders_policy",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_workorders_policy")),
    )
    op.create_table(
        "workorders_probe",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workorders_probe")),
    )
    op.create_index(
        "ix_workorders_probe_person",
        "workorders_probe",
        ["person", "channel", "started_at"],
        unique=False,
    )
    op.create_table(
        "workorders_silence",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("levels", sa.LargeBinary(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", "version", name=op.f("pk_workorders_silence")),
    )
    op.create_index(
        "ix_workorders_silence_created_at", "workorders_silence", ["created_at", "id"], unique=False
    )
    op.create_index(
        "ix_workorders_silence_state_ends_at",
        "workorders_silence",
        ["state", "ends_at"],
        unique=False,
    )
    op.create_table(
        "workorders_stream",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("params", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("alert_id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_workorders_stream")),
    )
    op.create_index(
        op.f("ix_workorders_stream_case_id"), "workorders_stream", ["case_id"], unique=False
    )
    op.create_index(
        op.f("ix_workorders_stream_order_id"), "workorders_stream", ["order_id"], unique=False
    )
    for statement in INSERT_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)
