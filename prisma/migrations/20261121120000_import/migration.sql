-- Imports: files that were sent, work on them, and why rows were refused. The first part is what Prisma makes of
-- schema.prisma; the second part makes writing many rows cheap.

-- CreateEnum
CREATE TYPE "bulk_operation_kind" AS ENUM ('IMPORT');

-- CreateEnum
CREATE TYPE "bulk_operation_status" AS ENUM ('QUEUED', 'RUNNING', 'COMPLETED', 'CANCELLED', 'FAILED');

-- CreateEnum
CREATE TYPE "demo_state" AS ENUM ('LOADING', 'LOADED');

-- AlterTable
ALTER TABLE "workspace" ADD COLUMN     "demo" "demo_state";

-- DropForeignKey
ALTER TABLE "booking" DROP CONSTRAINT "booking_workspace_id_fkey";

-- DropForeignKey
ALTER TABLE "customer_access" DROP CONSTRAINT "customer_access_workspace_id_fkey";

-- DropForeignKey
ALTER TABLE "customer_spending" DROP CONSTRAINT "customer_spending_workspace_id_fkey";

-- DropForeignKey
ALTER TABLE "customer_tag" DROP CONSTRAINT "customer_tag_workspace_id_fkey";

-- DropForeignKey
ALTER TABLE "payment" DROP CONSTRAINT "payment_workspace_id_fkey";

-- DropForeignKey
ALTER TABLE "team_member" DROP CONSTRAINT "team_member_workspace_id_fkey";

-- CreateTable
CREATE TABLE "upload" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "file_name" TEXT NOT NULL,
    "size" BIGINT,
    "received" BIGINT NOT NULL DEFAULT 0,
    "sha256" TEXT,
    "completed_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "upload_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "upload_chunk" (
    "workspace_id" UUID NOT NULL,
    "upload_id" UUID NOT NULL,
    "start" BIGINT NOT NULL,
    "bytes" BYTEA NOT NULL,

    CONSTRAINT "upload_chunk_pkey" PRIMARY KEY ("workspace_id","upload_id","start")
);

-- CreateTable
CREATE TABLE "bulk_operation" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "kind" "bulk_operation_kind" NOT NULL,
    "status" "bulk_operation_status" NOT NULL,
    "name" TEXT NOT NULL,
    "upload_id" UUID,
    "mapping" JSONB NOT NULL,
    "file_hash" TEXT,
    "rows_done" INTEGER NOT NULL DEFAULT 0,
    "rows_refused" INTEGER NOT NULL DEFAULT 0,
    "rows_known" INTEGER NOT NULL DEFAULT 0,
    "customers_created" INTEGER NOT NULL DEFAULT 0,
    "bookings_created" INTEGER NOT NULL DEFAULT 0,
    "payments_created" INTEGER NOT NULL DEFAULT 0,
    "bytes_done" BIGINT NOT NULL DEFAULT 0,
    "bytes_total" BIGINT NOT NULL,
    "error" TEXT,
    "actor_kind" "actor_kind" NOT NULL,
    "actor_id" UUID,
    "claimed_by" UUID,
    "claimed_until" TIMESTAMPTZ(3),
    "told_at" TIMESTAMPTZ(3),
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "bulk_operation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "bulk_refusal" (
    "workspace_id" UUID NOT NULL,
    "operation_id" UUID NOT NULL,
    "row" INTEGER NOT NULL,
    "reason" INTEGER NOT NULL,
    "columns" TEXT NOT NULL,
    "field" TEXT NOT NULL,
    "message" TEXT NOT NULL,

    CONSTRAINT "bulk_refusal_pkey" PRIMARY KEY ("workspace_id","operation_id","row","reason")
);

-- CreateIndex
CREATE INDEX "upload_workspace_id_sha256_idx" ON "upload"("workspace_id", "sha256");

-- CreateIndex
CREATE INDEX "upload_updated_at_idx" ON "upload"("updated_at");

-- CreateIndex
CREATE UNIQUE INDEX "upload_workspace_id_id_key" ON "upload"("workspace_id", "id");

-- CreateIndex
CREATE INDEX "bulk_operation_workspace_id_created_at_id_idx" ON "bulk_operation"("workspace_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "bulk_operation_workspace_id_upload_id_idx" ON "bulk_operation"("workspace_id", "upload_id");

-- CreateIndex
CREATE INDEX "bulk_operation_status_created_at_idx" ON "bulk_operation"("status", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "bulk_operation_workspace_id_id_key" ON "bulk_operation"("workspace_id", "id");

-- AddForeignKey
ALTER TABLE "upload" ADD CONSTRAINT "upload_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "upload_chunk" ADD CONSTRAINT "upload_chunk_workspace_id_upload_id_fkey" FOREIGN KEY ("workspace_id", "upload_id") REFERENCES "upload"("workspace_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "bulk_operation" ADD CONSTRAINT "bulk_operation_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "bulk_operation" ADD CONSTRAINT "bulk_operation_workspace_id_upload_id_fkey" FOREIGN KEY ("workspace_id", "upload_id") REFERENCES "upload"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "bulk_refusal" ADD CONSTRAINT "bulk_refusal_workspace_id_operation_id_fkey" FOREIGN KEY ("workspace_id", "operation_id") REFERENCES "bulk_operation"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- Chunks are compressed files or read once: trying to compress them again costs more than it saves.
ALTER TABLE upload_chunk ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- A statement that joins all new rows with a table is planned each time: a plan that was made while the table was empty
-- would go through all of it for each row, until somebody analyses it.
ALTER FUNCTION booking_statistics_on_insert() SET plan_cache_mode = force_custom_plan;
ALTER FUNCTION booking_statistics_on_update() SET plan_cache_mode = force_custom_plan;

-- The sequencer keeps its plans, since to plan the check of the foreign key for each event takes longer than all else.
-- So the look-up of the customer must leave no choice: with the workspace beside the id, a plan that was made while
-- there were no customers took any index that begins with the workspace. All else is as it was.
CREATE OR REPLACE FUNCTION sequence_events(batch integer)
  RETURNS TABLE (workspace uuid, last bigint, moved integer) LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  state event_sequencer;
  head bigint;
  settled boolean;
  next tid[];
  reached bigint;
  total integer;
BEGIN
  IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
    RAISE EXCEPTION 'sequence_events must be the first statement of its transaction: the mark relies on a fresh id';
  END IF;
  PERFORM pg_advisory_xact_lock(4721001);
  SELECT * INTO state FROM event_sequencer WHERE id = 1;
  SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO head FROM event_outbox_seq_seq;
  -- Restored where transaction ids or the sequence stand lower: what was settled there is not settled here.
  IF state.mark > head OR state.candidate_xid >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint THEN
    state.mark := 0;
    state.candidate_xid := NULL;
  END IF;
  settled := state.candidate_xid IS NOT NULL
    AND pg_snapshot_xmin(pg_current_snapshot())::text::bigint > state.candidate_xid;

  SELECT array_agg(o.ctid), max(o.seq), count(*) INTO next, reached, total
    FROM (SELECT ctid, seq FROM event_outbox WHERE seq > state.mark ORDER BY seq LIMIT batch) o;
  -- Nothing to move and nothing to note: an idle call writes nothing.
  IF total = 0 AND NOT settled AND (state.candidate_xid IS NOT NULL OR state.mark >= head) THEN
    RETURN;
  END IF;

  RETURN QUERY WITH taken AS (
    DELETE FROM event_outbox WHERE ctid = ANY (next) RETURNING *
  ), logged AS (
    INSERT INTO event (workspace_id, position, id, type, version, occurred_at, recorded_at, actor_kind, actor_id,
        origin, connection_id, cause_id, correlation_id, customer_id, subject_type, subject_id, changes, data)
      SELECT workspace_id, state.last_position + row_number() OVER (ORDER BY seq), id, type, version, occurred_at,
        recorded_at, actor_kind, actor_id, origin, connection_id, cause_id, correlation_id,
        (SELECT c.id FROM (SELECT id, workspace_id FROM customer WHERE id = taken.customer_id OFFSET 0) c
          WHERE c.workspace_id = taken.workspace_id),
        subject_type, subject_id, changes, data
      FROM taken
    ON CONFLICT (workspace_id, id) DO NOTHING
    RETURNING workspace_id, position
  )
  SELECT workspace_id, max(position), count(*)::integer FROM logged GROUP BY workspace_id;

  -- A full batch may have left rows behind it.
  IF settled THEN
    state.mark := CASE WHEN total < batch THEN state.candidate_seq ELSE least(reached, state.candidate_seq) END;
  END IF;
  IF settled AND state.mark = state.candidate_seq THEN
    state.candidate_xid := NULL;
  END IF;
  IF state.candidate_xid IS NULL THEN
    state.candidate_seq := head;
    state.candidate_xid := CASE WHEN state.mark < head THEN pg_current_xact_id()::text::bigint END;
  END IF;
  UPDATE event_sequencer SET last_position = state.last_position + total, mark = state.mark,
    candidate_seq = state.candidate_seq, candidate_xid = state.candidate_xid WHERE id = 1;
END $$;

-- A customer's statistics change soon after the customer was made: room for the new version on the same page
-- spares all of its indexes.
ALTER TABLE customer SET (fillfactor = 60);
ALTER TABLE customer_spending SET (fillfactor = 60);

-- Payments are added to what was spent by statement, not by row.
CREATE FUNCTION payment_spending_on_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO customer_spending AS s (workspace_id, customer_id, currency, amount_minor, payments)
    SELECT workspace_id, customer_id, currency, sum(amount_minor - refunded_minor), count(*)
    FROM new_rows GROUP BY 1, 2, 3
    ORDER BY 1, 2, 3 -- So that two that pay for the same customers do not wait for each other.
    ON CONFLICT (workspace_id, customer_id, currency)
    DO UPDATE SET amount_minor = s.amount_minor + excluded.amount_minor, payments = s.payments + excluded.payments;
  RETURN NULL;
END $$;

DROP TRIGGER payment_spending ON payment;
CREATE TRIGGER payment_spending_on_insert AFTER INSERT ON payment
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION payment_spending_on_insert();
CREATE TRIGGER payment_spending_on_update AFTER UPDATE OF amount_minor, refunded_minor, currency, customer_id ON payment
  FOR EACH ROW EXECUTE FUNCTION payment_spending();
