-- CreateEnum
CREATE TYPE "connection_status" AS ENUM ('ACTIVE', 'PAUSED', 'DISCONNECTED');

-- CreateEnum
CREATE TYPE "connection_health" AS ENUM ('OK', 'FAILING', 'DOWN', 'UNAUTHORIZED');

-- CreateEnum
CREATE TYPE "delivery_kind" AS ENUM ('CONTACT', 'FETCH', 'AUTOMATION', 'EVENT', 'ERASE');

-- CreateEnum
CREATE TYPE "delivery_status" AS ENUM ('WAITING', 'DONE', 'PARKED', 'DROPPED');

-- AlterEnum
-- This migration adds more than one value to an enum.
-- With PostgreSQL versions 11 and earlier, this is not possible
-- in a single migration. This can be worked around by creating
-- multiple migrations, each migration adding only one value to
-- the enum.


ALTER TYPE "bulk_operation_kind" ADD VALUE 'BACKFILL';
ALTER TYPE "bulk_operation_kind" ADD VALUE 'DRIFT_CHECK';

-- AlterTable
ALTER TABLE "bulk_operation" ADD COLUMN     "checkpoint" JSONB,
ADD COLUMN     "connection_id" UUID;

-- AlterTable
ALTER TABLE "customer" ADD COLUMN     "marketing_consent" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "marketing_consent_at" TIMESTAMPTZ(3),
ADD COLUMN     "marketing_consent_source" TEXT;

-- CreateTable
CREATE TABLE "customer_profile" (
    "workspace_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "dietary" TEXT,
    "volunteering" TEXT,
    "facebook" TEXT,
    "instagram" TEXT,
    "linkedin" TEXT,
    "tiktok" TEXT,
    "twitter" TEXT,
    "youtube" TEXT,
    "badge_name" TEXT,
    "badge_image_url" TEXT,
    "emergency_contact_name" TEXT,
    "emergency_contact_phone" TEXT,
    "last_event_name" TEXT,
    "came_from_sign_up" BOOLEAN NOT NULL DEFAULT false,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "customer_profile_pkey" PRIMARY KEY ("workspace_id","customer_id")
);

-- CreateTable
CREATE TABLE "integration_connection" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "integration" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "status" "connection_status" NOT NULL DEFAULT 'ACTIVE',
    "settings" JSONB NOT NULL,
    "secrets" TEXT NOT NULL,
    "webhook_key_hash" TEXT NOT NULL,
    "account" TEXT NOT NULL,
    "account_name" TEXT NOT NULL,
    "health" "connection_health" NOT NULL DEFAULT 'OK',
    "failures" INTEGER NOT NULL DEFAULT 0,
    "retry_at" TIMESTAMPTZ(3),
    "last_error" TEXT,
    "last_error_at" TIMESTAMPTZ(3),
    "last_success_at" TIMESTAMPTZ(3),
    "polled_at" TIMESTAMPTZ(3),
    "changed_until" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "integration_connection_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "integration_contact" (
    "workspace_id" UUID NOT NULL,
    "connection_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "remote_id" TEXT,
    "agreed" JSONB NOT NULL,
    "synced_at" TIMESTAMPTZ(3),

    CONSTRAINT "integration_contact_pkey" PRIMARY KEY ("workspace_id","connection_id","customer_id")
);

-- CreateTable
CREATE TABLE "delivery" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "connection_id" UUID NOT NULL,
    "customer_id" UUID,
    "kind" "delivery_kind" NOT NULL,
    "status" "delivery_status" NOT NULL DEFAULT 'WAITING',
    "lane" SMALLINT NOT NULL DEFAULT 0,
    "position" BIGINT NOT NULL DEFAULT 0,
    "key" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "result" JSONB,
    "not_before" TIMESTAMPTZ(3) NOT NULL,
    "next_at" TIMESTAMPTZ(3) NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "failing_since" TIMESTAMPTZ(3),
    "error" TEXT,
    "claimed_by" UUID,
    "claimed_until" TIMESTAMPTZ(3),
    "asked_at" TIMESTAMPTZ(3) NOT NULL,
    "done_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "delivery_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "integration_call" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "connection_id" UUID NOT NULL,
    "delivery_id" UUID,
    "method" TEXT NOT NULL,
    "path" TEXT NOT NULL,
    "result" TEXT NOT NULL,
    "status" INTEGER,
    "message" TEXT,
    "duration_ms" INTEGER NOT NULL,
    "waited_ms" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "integration_call_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "integration_drift" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "connection_id" UUID NOT NULL,
    "customer_id" UUID,
    "remote_id" TEXT,
    "difference" TEXT NOT NULL,
    "fields" TEXT[],
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "integration_drift_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "inbound_message" (
    "workspace_id" UUID NOT NULL,
    "connection_id" UUID NOT NULL,
    "message_id" TEXT NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "inbound_message_pkey" PRIMARY KEY ("workspace_id","connection_id","message_id")
);

-- CreateTable
CREATE TABLE "rate_budget" (
    "account" TEXT NOT NULL,
    "next_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "rate_budget_pkey" PRIMARY KEY ("account")
);

-- CreateIndex
CREATE UNIQUE INDEX "integration_connection_webhook_key_hash_key" ON "integration_connection"("webhook_key_hash");

-- CreateIndex
CREATE INDEX "integration_connection_workspace_id_created_at_id_idx" ON "integration_connection"("workspace_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "integration_connection_status_idx" ON "integration_connection"("status");

-- CreateIndex
CREATE UNIQUE INDEX "integration_connection_workspace_id_id_key" ON "integration_connection"("workspace_id", "id");

-- CreateIndex
CREATE INDEX "integration_contact_workspace_id_customer_id_idx" ON "integration_contact"("workspace_id", "customer_id");

-- CreateIndex
CREATE UNIQUE INDEX "integration_contact_workspace_id_connection_id_remote_id_key" ON "integration_contact"("workspace_id", "connection_id", "remote_id");

-- CreateIndex
CREATE INDEX "delivery_workspace_id_connection_id_created_at_id_idx" ON "delivery"("workspace_id", "connection_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "delivery_workspace_id_connection_id_status_created_at_id_idx" ON "delivery"("workspace_id", "connection_id", "status", "created_at", "id");

-- CreateIndex
CREATE INDEX "delivery_status_done_at_idx" ON "delivery"("status", "done_at");

-- CreateIndex
CREATE UNIQUE INDEX "delivery_workspace_id_id_key" ON "delivery"("workspace_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "delivery_workspace_id_connection_id_key_key" ON "delivery"("workspace_id", "connection_id", "key");

-- CreateIndex
CREATE INDEX "integration_call_workspace_id_connection_id_created_at_id_idx" ON "integration_call"("workspace_id", "connection_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "integration_call_created_at_idx" ON "integration_call"("created_at");

-- CreateIndex
CREATE UNIQUE INDEX "integration_call_workspace_id_id_key" ON "integration_call"("workspace_id", "id");

-- CreateIndex
CREATE INDEX "integration_drift_workspace_id_connection_id_created_at_id_idx" ON "integration_drift"("workspace_id", "connection_id", "created_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "integration_drift_workspace_id_id_key" ON "integration_drift"("workspace_id", "id");

-- CreateIndex
CREATE INDEX "inbound_message_received_at_idx" ON "inbound_message"("received_at");

-- CreateIndex
CREATE INDEX "bulk_operation_workspace_id_connection_id_idx" ON "bulk_operation"("workspace_id", "connection_id");

-- AddForeignKey
ALTER TABLE "customer_profile" ADD CONSTRAINT "customer_profile_workspace_id_customer_id_fkey" FOREIGN KEY ("workspace_id", "customer_id") REFERENCES "customer"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "bulk_operation" ADD CONSTRAINT "bulk_operation_workspace_id_connection_id_fkey" FOREIGN KEY ("workspace_id", "connection_id") REFERENCES "integration_connection"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "integration_connection" ADD CONSTRAINT "integration_connection_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "integration_contact" ADD CONSTRAINT "integration_contact_workspace_id_connection_id_fkey" FOREIGN KEY ("workspace_id", "connection_id") REFERENCES "integration_connection"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "delivery" ADD CONSTRAINT "delivery_workspace_id_connection_id_fkey" FOREIGN KEY ("workspace_id", "connection_id") REFERENCES "integration_connection"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "integration_call" ADD CONSTRAINT "integration_call_workspace_id_connection_id_fkey" FOREIGN KEY ("workspace_id", "connection_id") REFERENCES "integration_connection"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "integration_drift" ADD CONSTRAINT "integration_drift_workspace_id_connection_id_fkey" FOREIGN KEY ("workspace_id", "connection_id") REFERENCES "integration_connection"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- CreateIndex
CREATE INDEX "integration_call_workspace_id_created_at_id_idx" ON "integration_call"("workspace_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "integration_drift_workspace_id_created_at_id_idx" ON "integration_drift"("workspace_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "delivery_workspace_id_created_at_id_idx" ON "delivery"("workspace_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "delivery_workspace_id_status_created_at_id_idx" ON "delivery"("workspace_id", "status", "created_at", "id");

-- What Prisma cannot say -----------------------------------------------------------------------------------------------

-- One connection an account: two would send every change twice.
CREATE UNIQUE INDEX integration_connection_account_key ON integration_connection (workspace_id, integration, account)
  WHERE status <> 'DISCONNECTED';

-- What is to be done next for a connection, and what still holds a customer's next delivery up.
CREATE INDEX delivery_due ON delivery (connection_id, lane, next_at, position) WHERE status = 'WAITING';
CREATE INDEX delivery_of_customer ON delivery (connection_id, customer_id) WHERE status IN ('WAITING', 'PARKED');

ALTER TABLE integration_connection ADD CONSTRAINT integration_connection_failures CHECK (failures >= 0);
ALTER TABLE delivery ADD CONSTRAINT delivery_attempts CHECK (attempts >= 0);
