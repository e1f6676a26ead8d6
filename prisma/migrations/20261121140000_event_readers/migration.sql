-- How far each reader of the log has come. Every reader has a position of its own, so that a slow one delays nobody.
CREATE TABLE "event_reader" (
    "name" TEXT NOT NULL,
    "workspace_id" UUID NOT NULL,
    "position" BIGINT NOT NULL DEFAULT 0,
    "passed_until" TIMESTAMPTZ(3),
    "due_at" TIMESTAMPTZ(3),

    CONSTRAINT "event_reader_pkey" PRIMARY KEY ("name","workspace_id")
);

CREATE INDEX "event_reader_due_at_idx" ON "event_reader"("due_at");

-- Events that a reader could not handle, however often it tried. It went on without them.
CREATE TABLE "event_reader_failure" (
    "name" TEXT NOT NULL,
    "workspace_id" UUID NOT NULL,
    "position" BIGINT NOT NULL,
    "error" TEXT NOT NULL,
    "failed_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "event_reader_failure_pkey" PRIMARY KEY ("name","workspace_id","position")
);

ALTER TABLE "event_reader" ADD CONSTRAINT "event_reader_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE "event_reader_failure" ADD CONSTRAINT "event_reader_failure_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;
