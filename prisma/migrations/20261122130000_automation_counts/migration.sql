-- CreateTable
CREATE TABLE "integration_automation" (
    "workspace_id" UUID NOT NULL,
    "connection_id" UUID NOT NULL,
    "slot" TEXT NOT NULL,
    "trigger_count" INTEGER NOT NULL,
    "last_triggered_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "integration_automation_pkey" PRIMARY KEY ("workspace_id","connection_id","slot")
);

-- AddForeignKey
ALTER TABLE "integration_automation" ADD CONSTRAINT "integration_automation_workspace_id_connection_id_fkey" FOREIGN KEY ("workspace_id", "connection_id") REFERENCES "integration_connection"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- What went out before is counted as far as the log of deliveries reaches back.
INSERT INTO integration_automation (workspace_id, connection_id, slot, trigger_count, last_triggered_at)
  SELECT workspace_id, connection_id, payload->>'slot', count(*), max(done_at) FROM delivery
  WHERE kind IN ('AUTOMATION', 'EVENT') AND status = 'DONE' AND payload->>'slot' IS NOT NULL AND done_at IS NOT NULL
  GROUP BY 1, 2, 3;
