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
