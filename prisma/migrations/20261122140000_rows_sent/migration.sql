-- AlterTable
ALTER TABLE "bulk_operation" ADD COLUMN "rows_sent" INTEGER NOT NULL DEFAULT 0;

-- Backfills counted under another name before.
UPDATE "bulk_operation" SET "rows_sent" = "customers_created", "customers_created" = 0 WHERE "kind" = 'BACKFILL';
