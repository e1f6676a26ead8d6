-- CreateEnum
CREATE TYPE "segment_kind" AS ENUM ('DYNAMIC', 'STATIC', 'SNAPSHOT');

-- AlterEnum
ALTER TYPE "bulk_operation_kind" ADD VALUE 'RESCORE';

-- AlterTable
ALTER TABLE "customer_tag" ADD COLUMN     "exclusive_group" TEXT;

-- AlterTable
ALTER TABLE "tag" ADD COLUMN     "exclusive_group" TEXT;

-- AlterTable
ALTER TABLE "workspace" ADD COLUMN     "hot_from" INTEGER NOT NULL DEFAULT 51,
ADD COLUMN     "qualified_from" INTEGER NOT NULL DEFAULT 76,
ADD COLUMN     "warm_from" INTEGER NOT NULL DEFAULT 26;

-- CreateTable
CREATE TABLE "segment" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "kind" "segment_kind" NOT NULL,
    "criteria" JSONB,
    "member_count" INTEGER NOT NULL DEFAULT 0,
    "calculated_at" TIMESTAMPTZ(3),
    "stale" BOOLEAN NOT NULL DEFAULT false,
    "error" TEXT,
    "created_by_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "segment_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "segment_member" (
    "workspace_id" UUID NOT NULL,
    "segment_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "joined_at" TIMESTAMPTZ(3) NOT NULL,
    "customer_created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "segment_member_pkey" PRIMARY KEY ("workspace_id","segment_id","customer_id")
);

-- CreateTable
CREATE TABLE "segment_size" (
    "workspace_id" UUID NOT NULL,
    "segment_id" UUID NOT NULL,
    "hour" TIMESTAMPTZ(3) NOT NULL,
    "members" INTEGER NOT NULL,

    CONSTRAINT "segment_size_pkey" PRIMARY KEY ("workspace_id","segment_id","hour")
);

-- CreateTable
CREATE TABLE "rfm_bounds" (
    "workspace_id" UUID NOT NULL,
    "recency" TIMESTAMPTZ(3)[],
    "frequency" INTEGER[],
    "monetary" BIGINT[],
    "calculated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "rfm_bounds_pkey" PRIMARY KEY ("workspace_id")
);

-- CreateTable
CREATE TABLE "tag_rule" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "tag_id" UUID NOT NULL,
    "criteria" JSONB NOT NULL,
    "removes" BOOLEAN NOT NULL DEFAULT true,
    "priority" INTEGER NOT NULL DEFAULT 100,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "stale" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "tag_rule_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "lead_score_rule" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "key" TEXT,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "event_type" TEXT,
    "inactive_days" INTEGER,
    "condition" JSONB,
    "points" INTEGER NOT NULL,
    "per_amount_minor" BIGINT,
    "max_occurrences" INTEGER,
    "max_per_period" INTEGER,
    "period_days" INTEGER,
    "expires_after_days" INTEGER,
    "decay_per_day" INTEGER,
    "renews" BOOLEAN NOT NULL DEFAULT false,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "lead_score_rule_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "lead_score_entry" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "rule_id" UUID,
    "event_id" UUID,
    "of_entry_id" UUID,
    "points" INTEGER NOT NULL,
    "reason" TEXT NOT NULL,
    "amount_minor" BIGINT,
    "occurred_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3),
    "decays_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "lead_score_entry_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "segment_workspace_id_id_key" ON "segment"("workspace_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "segment_workspace_id_name_key" ON "segment"("workspace_id", "name");

-- CreateIndex
CREATE INDEX "segment_member_workspace_id_segment_id_customer_created_at__idx" ON "segment_member"("workspace_id", "segment_id", "customer_created_at", "customer_id");

-- CreateIndex
CREATE INDEX "segment_member_workspace_id_customer_id_idx" ON "segment_member"("workspace_id", "customer_id");

-- CreateIndex
CREATE UNIQUE INDEX "tag_rule_workspace_id_id_key" ON "tag_rule"("workspace_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "tag_rule_workspace_id_name_key" ON "tag_rule"("workspace_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "lead_score_rule_workspace_id_id_key" ON "lead_score_rule"("workspace_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "lead_score_rule_workspace_id_name_key" ON "lead_score_rule"("workspace_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "lead_score_rule_workspace_id_key_key" ON "lead_score_rule"("workspace_id", "key");

-- CreateIndex
CREATE INDEX "lead_score_entry_workspace_id_customer_id_occurred_at_id_idx" ON "lead_score_entry"("workspace_id", "customer_id", "occurred_at", "id");

-- CreateIndex
CREATE INDEX "lead_score_entry_workspace_id_expires_at_idx" ON "lead_score_entry"("workspace_id", "expires_at");

-- CreateIndex
CREATE INDEX "lead_score_entry_workspace_id_decays_at_idx" ON "lead_score_entry"("workspace_id", "decays_at");

-- CreateIndex
CREATE UNIQUE INDEX "lead_score_entry_workspace_id_id_key" ON "lead_score_entry"("workspace_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "lead_score_entry_workspace_id_rule_id_event_id_key" ON "lead_score_entry"("workspace_id", "rule_id", "event_id");

-- CreateIndex
CREATE INDEX "customer_workspace_id_lead_score_id_idx" ON "customer"("workspace_id", "lead_score", "id");

-- AddForeignKey
ALTER TABLE "segment" ADD CONSTRAINT "segment_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "segment" ADD CONSTRAINT "segment_workspace_id_created_by_id_fkey" FOREIGN KEY ("workspace_id", "created_by_id") REFERENCES "user"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "segment_member" ADD CONSTRAINT "segment_member_workspace_id_segment_id_fkey" FOREIGN KEY ("workspace_id", "segment_id") REFERENCES "segment"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "segment_member" ADD CONSTRAINT "segment_member_workspace_id_customer_id_fkey" FOREIGN KEY ("workspace_id", "customer_id") REFERENCES "customer"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "segment_size" ADD CONSTRAINT "segment_size_workspace_id_segment_id_fkey" FOREIGN KEY ("workspace_id", "segment_id") REFERENCES "segment"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "rfm_bounds" ADD CONSTRAINT "rfm_bounds_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "tag_rule" ADD CONSTRAINT "tag_rule_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "tag_rule" ADD CONSTRAINT "tag_rule_workspace_id_tag_id_fkey" FOREIGN KEY ("workspace_id", "tag_id") REFERENCES "tag"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "lead_score_rule" ADD CONSTRAINT "lead_score_rule_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "lead_score_entry" ADD CONSTRAINT "lead_score_entry_workspace_id_customer_id_fkey" FOREIGN KEY ("workspace_id", "customer_id") REFERENCES "customer"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "lead_score_entry" ADD CONSTRAINT "lead_score_entry_workspace_id_rule_id_fkey" FOREIGN KEY ("workspace_id", "rule_id") REFERENCES "lead_score_rule"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- What Prisma cannot say

-- A customer wears one tag of an exclusive group at most: the pair knows its group.
CREATE OR REPLACE FUNCTION customer_tag_created_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  SELECT created_at INTO NEW.customer_created_at FROM customer WHERE workspace_id = NEW.workspace_id AND id = NEW.customer_id;
  SELECT exclusive_group INTO NEW.exclusive_group FROM tag WHERE workspace_id = NEW.workspace_id AND id = NEW.tag_id;
  RETURN NEW;
END $$;

CREATE UNIQUE INDEX customer_tag_one_of_group ON customer_tag (workspace_id, customer_id, exclusive_group)
  WHERE exclusive_group IS NOT NULL;

CREATE FUNCTION customer_tag_exclusive_group() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE customer_tag SET exclusive_group = NEW.exclusive_group
    WHERE workspace_id = NEW.workspace_id AND tag_id = NEW.id;
  RETURN NULL;
END $$;

CREATE TRIGGER customer_tag_exclusive_group AFTER UPDATE OF exclusive_group ON tag
  FOR EACH ROW WHEN (OLD.exclusive_group IS DISTINCT FROM NEW.exclusive_group)
  EXECUTE FUNCTION customer_tag_exclusive_group();

ALTER TABLE segment ADD CONSTRAINT segment_criteria_by_kind CHECK ((kind = 'STATIC') = (criteria IS NULL));
ALTER TABLE segment ADD CONSTRAINT segment_member_count_not_negative CHECK (member_count >= 0);
ALTER TABLE workspace ADD CONSTRAINT workspace_grades_in_order CHECK (warm_from < hot_from AND hot_from < qualified_from);
ALTER TABLE lead_score_rule ADD CONSTRAINT lead_score_rule_event_or_inactivity CHECK ((event_type IS NULL) <> (inactive_days IS NULL));

-- Found without a look at every segment: what waits to be worked out.
CREATE INDEX segment_stale ON segment (workspace_id) WHERE stale;
CREATE INDEX tag_rule_stale ON tag_rule (workspace_id) WHERE stale;

-- The number of members is kept by whoever changes them: one update a statement and segment.
CREATE FUNCTION segment_member_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    UPDATE segment s SET member_count = s.member_count + d.n
      FROM (SELECT workspace_id, segment_id, count(*)::integer AS n FROM changed GROUP BY 1, 2) d
      WHERE s.workspace_id = d.workspace_id AND s.id = d.segment_id;
  ELSE
    UPDATE segment s SET member_count = s.member_count - d.n
      FROM (SELECT workspace_id, segment_id, count(*)::integer AS n FROM changed GROUP BY 1, 2) d
      WHERE s.workspace_id = d.workspace_id AND s.id = d.segment_id;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER segment_member_count_on_insert AFTER INSERT ON segment_member
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION segment_member_count();
CREATE TRIGGER segment_member_count_on_delete AFTER DELETE ON segment_member
  REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION segment_member_count();
