-- AlterTable
ALTER TABLE "workspace" ADD COLUMN     "scoring_since" TIMESTAMPTZ(3);

-- CreateTable
CREATE TABLE "lead_score_state" (
    "workspace_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "position" BIGINT NOT NULL DEFAULT 0,
    "last_event_id" UUID,
    "last_at" TIMESTAMPTZ(3),
    "last_recorded_at" TIMESTAMPTZ(3),
    "calculated_at" TIMESTAMPTZ(3) NOT NULL,
    "due_at" TIMESTAMPTZ(3),

    CONSTRAINT "lead_score_state_pkey" PRIMARY KEY ("workspace_id","customer_id")
);

-- CreateIndex
CREATE INDEX "lead_score_state_workspace_id_due_at_idx" ON "lead_score_state"("workspace_id", "due_at");

-- DropIndex
DROP INDEX "lead_score_entry_workspace_id_expires_at_idx";

-- DropIndex
DROP INDEX "lead_score_entry_workspace_id_decays_at_idx";

-- AddForeignKey
ALTER TABLE "lead_score_state" ADD CONSTRAINT "lead_score_state_workspace_id_customer_id_fkey" FOREIGN KEY ("workspace_id", "customer_id") REFERENCES "customer"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- What Prisma cannot say

ALTER TABLE workspace ADD CONSTRAINT workspace_nobody_warm_by_nothing CHECK (warm_from >= 1);
